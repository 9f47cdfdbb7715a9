/**
 * Ten thousand messages that are almost right, for either protocol: nothing breaks, nothing stays behind, and
 * the next good one works.
 * @module
 */
import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { IclockDevice } from "../../support/fakes/devices.ts";
import { type Frame, rawRequest, RawSocket } from "../../support/fakes/raw_wire.ts";
import { Relay } from "./relay.ts";

const ROUNDS = 10_000;
/** What a process may grow by that has done all this: caches and fragmentation, not what was sent. */
const MOST_GROWTH = 16 * 1024 * 1024;

const GOOD = {
  cmd: "sendlog",
  sn: "DEV1",
  count: 1,
  logindex: 7,
  record: [{ enrollid: 7, name: "A", time: "2026-10-05 09:15:30", mode: 8, inout: 0, event: 0 }],
};
const MESSAGES = [
  GOOD,
  { cmd: "reg", sn: "DEV1", devinfo: { modelname: "AiFace", time: "2026-10-05 09:12:00" } },
  { ret: "getalllog", sn: "DEV1", result: true, count: 1, from: 0, to: 0, record: GOOD.record },
  { cmd: "senduser", sn: "DEV1", enrollid: 7, backupnum: 0, record: "AAAA" },
  { cmd: "checklive", sn: "DEV1" },
].map((message) => JSON.stringify(message));
const LINES = [
  "1001\t2026-10-05 09:15:30\t0\t15\t\t0\t0\n1002\t2026-10-05 09:16:30\t0\t15\n",
  "OPLOG 4\t0\t2026-10-05 09:10:00\t1001\t0\t0\t0\nUSER PIN=1\tName=A\tPasswd=1\n",
  "~DeviceName=X,MAC=00:01,FWVersion=Ver 8\n",
];
/** Pieces that upset parsers. */
const SPICE = [
  "{",
  "}",
  "[",
  "]",
  '"',
  "\\",
  "\\u0000",
  "\0",
  "\t",
  "\r\n",
  ",",
  ":",
  "null",
  "1e999",
  "-0",
  "[[[[[[[[",
  '{"record":[',
  "__proto__",
  "\uFEFF",
  "\uD800",
  "é",
  "99999999999999999999",
  "A".repeat(5_000),
  "<",
  "=",
];

/** What the relay logs as an error: something that it did not think of. */
async function watchErrors(): Promise<{ errors: LogRecord[] } & AsyncDisposable> {
  const errors: LogRecord[] = [];
  await configure({
    sinks: { errors: (record) => errors.push(record) },
    loggers: [
      { category: "clockblock", sinks: ["errors"], lowestLevel: "error" },
      { category: ["logtape", "meta"], sinks: ["errors"], lowestLevel: "error" },
    ],
  });
  return { errors, [Symbol.asyncDispose]: () => reset() };
}

/** A repeatable source of chance. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The text with one to three things wrong with it, as bytes. */
function mutated(text: string, roll: (below: number) => number): Uint8Array {
  let bytes = new TextEncoder().encode(text);
  for (let wrongs = 1 + roll(3); wrongs > 0; wrongs--) {
    const at = roll(bytes.length + 1);
    const to = Math.min(bytes.length, at + roll(12));
    const spice = roll(2)
      ? new TextEncoder().encode(SPICE[roll(SPICE.length)])
      : new Uint8Array([roll(256)]);
    const keep = roll(3) === 0 ? at : to;
    bytes = new Uint8Array([...bytes.slice(0, at), ...spice, ...bytes.slice(keep)]);
    if (roll(20) === 0) bytes = bytes.slice(0, roll(bytes.length + 1));
  }
  return bytes;
}

/**
 * What is held, as the least of what was in use over a while: garbage comes and goes, and the process has other
 * tests' memory as well.
 */
class Memory {
  #early = Infinity;
  #late = Infinity;

  look(round: number): void {
    if (round % 25 !== 0) return;
    const { heapUsed, external } = Deno.memoryUsage();
    const used = heapUsed + external;
    if (round >= ROUNDS / 4 && round < ROUNDS / 2) this.#early = Math.min(this.#early, used);
    if (round >= ROUNDS * 3 / 4) this.#late = Math.min(this.#late, used);
  }

  get growth(): number {
    return this.#late - this.#early;
  }
}

Deno.test("AiFace frames by the thousand, each a little wrong, break nothing", async () => {
  await using watched = await watchErrors();
  await using relay = await Relay.start({ deps: { limits: { messagesPerSecond: Infinity } } });
  const roll = dice(1);
  let socket = await RawSocket.open(relay.port);
  let open = true;
  void socket.closed.then(() => open = false);
  const memory = new Memory();
  let alive = 0;
  let answers = 0;
  for (let round = 0; round < ROUNDS; round++) {
    memory.look(round);
    if (!open) {
      socket = await RawSocket.open(relay.port);
      open = true;
      const opened = socket;
      void opened.closed.then(() => open = opened !== socket && open);
    }
    const payload = mutated(MESSAGES[roll(MESSAGES.length)]!, roll);
    try {
      if (roll(10) > 0) {
        await socket.send(payload, { opcode: 1 + roll(2), cuts: [roll(payload.length + 1)] });
      } // One in ten is wrong as a frame, too.
      else await socket.bytes(mutated(String.fromCharCode(0x81, 0x85, 1, 2, 3, 4) + "12345", roll));
    } catch {
      open = false;
    }
    // All of it is read before there is more: a question that is answered, unless the connection is over.
    if (open && round % 10 === 0) {
      await socket.send(MESSAGES.at(-1)!).catch(() => open = false);
      while (open && !isAlive(await socket.next())) answers++;
      if (open) alive++;
    }
  }
  socket.close();
  assert(alive > ROUNDS / 40, `${alive} questions answered`);
  assert(answers > ROUNDS / 20, `${answers} messages answered`);
  const good = await relay.registered();
  const answer = await good.ask(GOOD);
  assert.equal(answer?.result, true);
  assert(relay.count("device_quarantine") > 100);
  assert.deepEqual(watched.errors, []);
  assert(memory.growth < MOST_GROWTH, `${memory.growth} bytes more`);
});

Deno.test("iclock bodies by the thousand, each a little wrong, break nothing", async () => {
  await using watched = await watchErrors();
  await using relay = await Relay.start({ deps: { limits: { messagesPerSecond: Infinity } } });
  const roll = dice(2);
  const memory = new Memory();
  let answered = 0;
  for (let round = 0; round < ROUNDS; round++) {
    memory.look(round);
    const body = mutated(LINES[roll(LINES.length)]!, roll);
    const table = ["ATTLOG", "OPERLOG", "options", "rtlog", "BIODATA"][roll(5)];
    const wrong = roll(20) === 0;
    const path = wrong
      ? new TextDecoder("latin1").decode(mutated("/iclock/cdata?SN=DEV1&table=ATTLOG", roll))
      : `/iclock/cdata?SN=DEV1&table=${table}&Stamp=${round}`;
    try {
      const reply = await rawRequest(relay.port, { method: "POST", path, body });
      answered++;
      if (!wrong) assert.equal(reply.status, 200);
    } catch (error) {
      // A head that breaks off is not answered.
      if (!wrong) throw error;
    }
  }
  assert(answered > ROUNDS * 0.95);
  const good = await new IclockDevice({ port: relay.port, sn: "DEV1" }).post("ATTLOG", LINES[0]!);
  assert.deepEqual([good.status, good.body], [200, "OK: 2"]);
  assert.deepEqual(watched.errors, []);
  assert(memory.growth < MOST_GROWTH, `${memory.growth} bytes more`);
});

/** Whether this is the answer to the question, or there is none to come. */
function isAlive(frame: Frame | undefined): boolean {
  return !frame || new TextDecoder().decode(frame.payload).startsWith('{"ret":"checklive"');
}

/**
 * Attacks on the port that devices are pointed at.
 * @module
 */
import assert from "node:assert/strict";
import { maskedFrame } from "../support/fakes/raw_wire.ts";
import { until } from "../support/until.ts";
import { type Attack, attempt, request } from "./attack.ts";
import { crowd, DOOR, ELSEWHERE, HERE, type Target, Wire } from "./target.ts";

const MANY = Number(Deno.env.get("CLOCKBLOCK_TEST_CONNECTIONS") ?? 1_000);
const STRANGER = "EVIL0001";
/** The person of every punch that an attacker makes up. */
export const NOBODY = 666;
const LINE = `${NOBODY}\t2026-01-05 08:00:00\t0\t1\n`;
const PUNCH = JSON.stringify({
  cmd: "sendlog",
  sn: STRANGER,
  count: 1,
  record: [{ enrollid: NOBODY, time: "2026-01-05 08:00:00", mode: 0, inout: 0, event: 0 }],
});
const UPGRADE = request("GET /pub/chat", {
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
});
const text = (message: string) => maskedFrame(new TextEncoder().encode(message), { opcode: 1 });

/** A WebSocket from elsewhere than where the device at the door is. */
async function socket({ devicesPort }: Target): Promise<Wire> {
  const wire = await Wire.open(devicesPort, { from: ELSEWHERE });
  await wire.say(UPGRADE);
  await wire.answered();
  assert.deepEqual(wire.statuses, [101]);
  return wire;
}

/** A body that goes on until the agent has enough, which it has long before it has taken what a device may send. */
function endless(
  name: string,
  line: string,
  { first = "", more }: { first?: string; more: string },
): Attack {
  return {
    name: `${name} without end`,
    async steps({ devicesPort }) {
      using wire = await Wire.open(devicesPort, { from: ELSEWHERE });
      await wire.say(request(line, { "Transfer-Encoding": "chunked" }));
      if (first) await wire.say(chunked(first));
      const piece = more.repeat(Math.ceil((1 << 20) / more.length));
      let pieces = 0;
      await until(async () => {
        await wire.say(chunked(piece));
        pieces++;
        return wire.closed || wire.statuses.length > 0;
      }, "the agent to have enough");
      assert.ok(wire.statuses.every((status) => status >= 400), wire.heard);
      assert.ok(pieces < 64, `${pieces} MiB`);
    },
  };
}

const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

export const DEVICE_ATTACKS: readonly Attack[] = [
  {
    name: "a web page that somebody on the network looks at",
    says: () => {
      const page = { "User-Agent": "Mozilla/5.0", Origin: "https://evil.example" };
      return [
        request("GET /pub/chat", { ...page, Upgrade: "websocket", Connection: "Upgrade" }),
        request(`POST /iclock/cdata?SN=${DOOR}&table=ATTLOG`, page, LINE),
        request("POST /", { "Sec-Fetch-Site": "cross-site" }, PUNCH),
      ];
    },
    mayHangUp: true,
    answers: [403],
  },
  {
    name: "punches of a serial number that nobody knows",
    async steps(target) {
      const { devicesPort } = target;
      const said = [
        request(`POST /iclock/cdata?SN=${STRANGER}&table=ATTLOG&Stamp=1`, {}, LINE),
        request("POST /", {}, PUNCH),
      ];
      for (const bytes of said) {
        const { statuses, heard } = await attempt(devicesPort, bytes, { from: ELSEWHERE });
        assert.ok(statuses[0]! >= 400 && !/OK: ?1|"result":true/.test(heard), heard);
      }
      using wire = await socket(target);
      await wire.say(text(JSON.stringify({ cmd: "reg", sn: STRANGER })));
      await wire.say(text(PUNCH));
      await target.serves();
      assert.doesNotMatch(wire.heard, /"result":true/);
    },
  },
  {
    name: "a device that calls itself as another does",
    async steps(target) {
      if (ELSEWHERE === HERE) return;
      using wire = await socket(target);
      const warned = async () => {
        const { json } = await target.ask("/status");
        return json.warnings.some(({ code }: { code: string }) =>
          code === `attendance.address.${DOOR}`
        );
      };
      await until(async () => {
        await wire.say(text(JSON.stringify({ cmd: "reg", sn: DOOR })));
        await target.serves();
        return await warned();
      }, "a warning of another address");
    },
  },
  {
    name: "serial numbers that are none",
    says: () =>
      ["", "../../x", "'%20OR%201=1--", "%3Cscript%3E", "%00", "x".repeat(5_000), "%0d%0aX:1"].map(
        (sn) => request(`POST /iclock/cdata?SN=${sn}&table=ATTLOG&Stamp=1`, {}, LINE),
      ),
    mayHangUp: true,
    answers: [400, 403],
  },
  {
    name: "a WebSocket frame that claims to be of 2^63 bytes",
    async steps(target) {
      using wire = await socket(target);
      const frame = new Uint8Array(14 + 1_000);
      frame.set([0x81, 0xff, 0x80]);
      await wire.say(frame);
      await wire.hungUp();
    },
  },
  {
    name: "a WebSocket message of fragments without end",
    async steps(target) {
      using wire = await socket(target);
      const piece = new Uint8Array(1 << 20).fill(0x20);
      await wire.say(maskedFrame(piece, { opcode: 1, final: false }));
      const more = maskedFrame(piece, { opcode: 0, final: false });
      await until(async () => {
        await wire.say(more);
        return wire.closed;
      }, "the agent to have enough");
    },
  },
  endless("an iclock body", `POST /iclock/cdata?SN=${STRANGER}&table=ATTLOG`, { more: LINE }),
  endless("a body that names nobody", "POST /pub/api", {
    first: '{"cmd":"sendlog","record":[',
    more: `{"enrollid":${NOBODY},"time":"2026-01-05 08:00:00","image":"${"A".repeat(4_000)}"},`,
  }),
  endless("a body of messages of a stranger", "POST /pub/api", { more: PUNCH }),
  endless("a body to where nothing is", "PUT /nowhere", { more: " " }),
  {
    name: "a body of which the length lies",
    says: () =>
      ["-1", "1e3", "99999999999999999999", "12, 13"].map((length) =>
        request(
          `POST /iclock/cdata?SN=${STRANGER}&table=ATTLOG`,
          { "Content-Length": length },
          LINE,
        )
      ),
    mayHangUp: true,
    answers: [400, 403],
  },
  {
    name: "noise",
    says: () => {
      // The same noise every time: a generator of 32 bits.
      let state = 1;
      const noise = Uint8Array.from({ length: 100_000 }, () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state >>> 24;
      });
      return [noise, noise.subarray(1_000), "\x1b]0;owned\x07\x1b[2J\r\n\r\n", "\0".repeat(50_000)];
    },
    mayHangUp: true,
    answers: [400],
  },
  {
    name: `${MANY} connections that say nothing`,
    async steps(target) {
      // More than one address may have, from more than the port takes, where the system has them.
      const from = ELSEWHERE === HERE
        ? undefined
        : (index: number) => `127.0.1.${1 + Math.floor(index / 100) % 200}`;
      using idle = await crowd(MANY, target.devicesPort, from ? { from } : {});
      await target.serves();
      assert.ok(idle.every(({ statuses }) => statuses.length === 0));
    },
  },
];

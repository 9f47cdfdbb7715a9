/**
 * Pretend attendance devices that behave as field notes say: an AiFace device sends again until it is answered,
 * hangs up when it is not, always says `logindex` 0, writes keys with trailing blanks and cuts its frames
 * anywhere; an iclock device posts over plain HTTP and reads `OK: n`.
 * @module
 */
import { type Frame, type HttpReply, rawRequest, RawSocket } from "./raw_wire.ts";

/** A punch as an AiFace device tells it. */
export interface AifaceRecord {
  enrollid: number | string;
  time: string;
  name?: string;
  mode?: number;
  inout?: number;
  event?: number;
  image?: string;
}

type Json = Record<string, unknown>;

export interface AifaceOptions {
  port: number;
  sn: string;
  /** What 20 seconds of waiting for an answer take. */
  patienceMs?: number;
  /** Records in one `sendlog`. */
  batch?: number;
  /** Told of every record the server has acknowledged. */
  onAcknowledged?: (record: AifaceRecord) => void;
}

/** A device on its own: registers, sends what nobody has acknowledged, and comes again. */
export class AifaceDevice {
  readonly #options: Required<AifaceOptions>;
  /** Everything it has ever recorded, as its flash keeps it. */
  readonly flash: AifaceRecord[] = [];
  #acknowledged = 0;
  #more = Promise.withResolvers<void>();
  /** Every answer it was given. */
  registrations = 0;
  refusals = 0;

  constructor(options: AifaceOptions) {
    this.#options = { patienceMs: 20_000, batch: 18, onAcknowledged: () => {}, ...options };
  }

  /** Somebody is recognised. */
  punch(...records: AifaceRecord[]): void {
    this.flash.push(...records);
    this.#more.resolve();
  }

  get waiting(): number {
    return this.flash.length - this.#acknowledged;
  }

  /** Where it calls from now on. */
  set port(port: number) {
    this.#options.port = port;
  }

  /** Calls, talks, hangs up when it gets no answer, and calls again, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const { port, patienceMs: timeoutMs } = this.#options;
        const socket = await RawSocket.open(port, { timeoutMs });
        const hangUp = () => socket.close();
        signal.addEventListener("abort", hangUp, { once: true });
        await this.#talk(socket, signal);
        signal.removeEventListener("abort", hangUp);
        socket.close();
      } catch {
        // Nobody listens just now.
      }
      if (!signal.aborted) await pause(Math.min(200, this.#options.patienceMs / 4));
    }
  }

  async #talk(socket: RawSocket, signal: AbortSignal): Promise<void> {
    const { sn, batch, onAcknowledged } = this.#options;
    await socket.send(JSON.stringify({
      cmd: "reg",
      sn,
      devinfo: { modelname: "AiFace", firmware: "ai518_x_v2.16", usednewlog: this.waiting },
    }));
    const registered = await this.#answer(socket, "reg");
    if (registered?.result !== true) {
      this.refusals++;
      return;
    }
    this.registrations++;
    while (!signal.aborted) {
      const records = this.flash.slice(this.#acknowledged, this.#acknowledged + batch);
      if (records.length === 0) {
        this.#more = Promise.withResolvers<void>();
        if (!await this.#idle(socket)) return;
        continue;
      }
      // As real firmware has it: a blank behind a key, an index that says nothing.
      const message = JSON.stringify({
        cmd: "sendlog",
        sn,
        "count ": records.length,
        logindex: 0,
        record: records,
      });
      await socket.send(message, { cuts: message.length > 200 ? [97] : [] });
      const answer = await this.#answer(socket, "sendlog");
      if (answer?.result !== true) return;
      for (const record of records) onAcknowledged(record);
      this.#acknowledged += records.length;
    }
  }

  /** Waits for a punch or a command; false when the connection is over. */
  async #idle(socket: RawSocket): Promise<boolean> {
    for (;;) {
      if (socket.unread === 0) {
        const what = await Promise.race([
          this.#more.promise.then(() => "punch"),
          socket.closed.then(() => "closed"),
          pause(20).then(() => "nothing"),
        ]);
        if (what === "punch") return true;
        if (what === "closed") return false;
        continue;
      }
      const frame = await socket.next();
      if (!frame) return false;
      await this.#obey(socket, parsed(frame));
    }
  }

  /** The answer to `cmd`; undefined when it does not come in time. Commands that come first are obeyed. */
  async #answer(socket: RawSocket, cmd: string): Promise<Json | undefined> {
    const timeout = pause(this.#options.patienceMs);
    for (;;) {
      const frame = await Promise.race([socket.next(), timeout]);
      if (!frame) return undefined;
      const message = parsed(frame);
      if (message.ret === cmd) return message;
      await this.#obey(socket, message);
    }
  }

  #page = 0;
  #window: AifaceRecord[] = [];

  async #obey(socket: RawSocket, message: Json): Promise<void> {
    if (message.cmd !== "getalllog") return;
    if (message.stn === true) {
      this.#page = 0;
      const { from, to } = message as { from: string; to: string };
      this.#window = this.flash.filter(({ time }) =>
        time.slice(0, 10) >= from && time <= `${to} 24`
      );
    }
    const from = this.#page++ * 50;
    const record = this.#window.slice(from, from + 50);
    const { sn } = this.#options;
    await socket.send(JSON.stringify({
      ret: "getalllog",
      sn,
      result: true,
      count: this.#window.length,
      from,
      to: from + record.length - 1,
      record,
    }));
  }
}

export interface IclockOptions {
  port: number;
  sn: string;
  /** How long it waits between two attempts. */
  pauseMs?: number;
  /** How long it waits for an answer. */
  patienceMs?: number;
  /** Lines in one body. */
  batch?: number;
  /** Told of every line the server has acknowledged. */
  onAcknowledged?: (line: string) => void;
}

/** An iclock device: its requests and the answers to them, and a life of its own. */
export class IclockDevice {
  readonly #options: Required<IclockOptions>;
  /** The lines of `ATTLOG` it has ever recorded. */
  readonly flash: string[] = [];
  #acknowledged = 0;

  constructor(options: IclockOptions) {
    this.#options = {
      pauseMs: 1_000,
      patienceMs: 20_000,
      batch: 128,
      onAcknowledged: () => {},
      ...options,
    };
  }

  handshake(query = "options=all&pushver=2.4.1&language=69"): Promise<HttpReply> {
    return this.#get(`cdata?SN=${this.#options.sn}&${query}`);
  }

  post(
    table: string,
    body: string | Uint8Array,
    { stamp = "9999", headers = {} }: { stamp?: string; headers?: Record<string, string> } = {},
  ): Promise<HttpReply> {
    const { port, sn, patienceMs: timeoutMs } = this.#options;
    const path = `/iclock/cdata?SN=${sn}&table=${table}&Stamp=${stamp}`;
    return rawRequest(port, { method: "POST", path, body, headers, timeoutMs });
  }

  poll(info = ""): Promise<HttpReply> {
    return this.#get(`getrequest?SN=${this.#options.sn}${info && `&INFO=${info}`}`);
  }

  done(body: string): Promise<HttpReply> {
    const { port, sn } = this.#options;
    return rawRequest(port, { method: "POST", path: `/iclock/devicecmd?SN=${sn}`, body });
  }

  /** Somebody is recognised. */
  punch(...lines: string[]): void {
    this.flash.push(...lines);
  }

  get waiting(): number {
    return this.flash.length - this.#acknowledged;
  }

  /** Where it calls from now on. */
  set port(port: number) {
    this.#options.port = port;
  }

  /** Calls, posts what nobody has acknowledged, and calls again, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { batch, pauseMs, onAcknowledged } = this.#options;
    while (!signal.aborted) {
      try {
        await this.handshake();
        while (!signal.aborted && this.waiting > 0) {
          const lines = this.flash.slice(this.#acknowledged, this.#acknowledged + batch);
          const { body } = await this.post("ATTLOG", lines.join("\n"));
          // Anything but this counts as a failure: all of it is sent again.
          if (body !== `OK: ${lines.length}`) break;
          for (const line of lines) onAcknowledged(line);
          this.#acknowledged += lines.length;
        }
        await this.poll();
      } catch {
        // Nobody listens just now.
      }
      if (!signal.aborted) await pause(pauseMs);
    }
  }

  #get(path: string): Promise<HttpReply> {
    const { port, patienceMs: timeoutMs } = this.#options;
    return rawRequest(port, { path: `/iclock/${path}`, timeoutMs });
  }
}

function parsed(frame: Frame): Json {
  return JSON.parse(new TextDecoder().decode(frame.payload));
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    Deno.unrefTimer(timer);
  });
}

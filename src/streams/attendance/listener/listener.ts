/**
 * The port that devices connect to: admits connections, reads requests, closes what is late. What a request means
 * is decided by `Protocols`.
 * @module
 */
import { type Clock, logger, type LogThrottle, Notifier } from "../../../core/mod.ts";
import { type ClockSource, maySetClocks } from "../devices/clocks.ts";
import type { ConnectionQuota, ConnectionSlot } from "../devices/limits.ts";
import type { Devices } from "../devices/registry.ts";
import { noteUnknown } from "../devices/unsupported.ts";
import { addressOf, Connection, MessageMemoryError } from "./connection.ts";
import {
  answerBytes,
  BadRequest,
  type HttpAnswer,
  PIECE_MS,
  readHead,
  type RequestHead,
} from "./http.ts";
import { ReadScheduler } from "./read_scheduler.ts";
import { upgradeAnswer } from "./websocket.ts";

export interface Protocols {
  /** Deals with a connection whose first bytes are not HTTP. @returns false when they may be */
  receive(address: string, bytes: Uint8Array): boolean;
  /** The answer to a request; undefined when the connection ended in the middle of it. */
  answer(connection: Connection, head: RequestHead): Promise<HttpAnswer | undefined>;
  socket(connection: Connection): Socket;
}

/** A WebSocket with a device. */
export interface Socket {
  /** Resolves when the connection has ended. */
  run(): Promise<void>;
  /** Sends a close frame, then closes the connection. */
  close(code: number, reason: string): Promise<void>;
  /** Called every second. */
  sweep(): Promise<void>;
}

export interface ListenerOptions extends ClockSource {
  hostname: string;
  port: number;
  protocols: Protocols;
  devices: Devices;
  quota: ConnectionQuota;
  clock: Clock;
  logThrottle: LogThrottle;
}

/** Timeouts of a peer. */
const HEAD_MS = 20_000;
const BETWEEN_REQUESTS_MS = 90_000;

export class Listener {
  /** Notifies of the first connection. */
  readonly arrival = new Notifier();
  readonly #options: ListenerOptions;
  readonly #server: Deno.TcpListener;
  readonly #pace = new ReadScheduler();
  readonly #connections = new Set<Connection>();
  readonly #sockets = new Set<Socket>();
  readonly #conversations = new Set<Promise<void>>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { hostname, port } = options;
    this.#server = Deno.listen({ hostname, port });
  }

  get address(): Deno.NetAddr {
    return this.#server.addr;
  }

  /** Whether there is no connection. */
  get quiet(): boolean {
    return this.#connections.size === 0;
  }

  async run(): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      let conn: Deno.TcpConn;
      try {
        conn = await this.#server.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
          return;
        }
        // Too many open files, or a peer that closed at once.
        this.#say("accept", "Cannot accept a connection: {error}{more}", { error });
        this.#hangUpOnStranger();
        await clock.wait(100);
        continue;
      }
      const address = addressOf(conn);
      const slot = this.#admit(address);
      if (!slot) {
        this.#say("full", "Too many connections, turned {address} away{more}", { address });
        conn.close();
        continue;
      }
      const conversation = this.#talk(new Connection(conn, { clock, pace: this.#pace, slot }));
      this.#conversations.add(conversation);
      void conversation.then(() => this.#conversations.delete(conversation));
    }
  }

  /** Closes all connections; resolves when the last one has ended. */
  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) void socket.close(1001, "going away");
    // One turn of the event loop to send the close frames, without waiting for peers that do not read.
    await new Promise((resolve) => setTimeout(resolve, 0));
    for (const connection of this.#connections) connection.close();
    await Promise.all(this.#conversations);
  }

  /** Checks deadlines; called every second while there are connections. */
  async sweep(): Promise<void> {
    for (const connection of this.#connections) {
      if (connection.late) connection.close();
    }
    for (const socket of this.#sockets) await socket.sweep();
  }

  async #talk(connection: Connection): Promise<void> {
    if (this.quiet) this.arrival.notify();
    this.#connections.add(connection);
    try {
      await this.#requests(connection);
    } catch (error) {
      logger("attendance").error("A conversation with {address} failed: {error}", {
        address: connection.address,
        error,
      });
    } finally {
      this.#hangUp(connection);
    }
  }

  #hangUp(connection: Connection): void {
    connection.close();
    if (this.#connections.delete(connection)) connection.slot.leave();
  }

  /** Admits a connection, which may be a device's: where there is no room, the oldest stranger's is closed. */
  #admit(address: string): ConnectionSlot | undefined {
    const { quota } = this.#options;
    const addressFull = quota.addressFull(address);
    if (addressFull || quota.full) {
      this.#say("full", "Too many connections, closed a stranger's for {address}{more}", {
        address,
      });
    }
    if (addressFull) this.#hangUpOnStranger(address);
    if (quota.full) this.#hangUpOnStranger();
    return quota.enter(address);
  }

  /** Closes the oldest connection that is not a device's, of this address or of any. */
  #hangUpOnStranger(address?: string): void {
    for (const connection of this.#connections) {
      if (connection.known || (address !== undefined && connection.address !== address)) continue;
      return this.#hangUp(connection);
    }
  }

  /** Warnings that any host on the network can cause. */
  #say(thing: string, message: string, properties: Record<string, unknown>): void {
    this.#options.logThrottle.log(thing, (more) => {
      logger("attendance").warn(message, { ...properties, more });
    });
  }

  /** One request after the other, until one of them becomes a WebSocket. */
  async #requests(connection: Connection): Promise<void> {
    const { clock, devices, protocols } = this.#options;
    connection.expectWithin(HEAD_MS);
    const first = await connection.read();
    if (first && protocols.receive(connection.address, first)) return;
    for (;;) {
      let head: RequestHead | null;
      try {
        head = await readHead(connection);
      } catch (error) {
        if (!(error instanceof BadRequest)) throw error;
        return await this.#notHttp(connection, error);
      }
      if (!head) return;
      connection.expectWithin(PIECE_MS);
      connection.messageBegins();
      const delayMs = connection.slot.delay();
      if (delayMs > 0) await clock.wait(delayMs);

      if (isBrowser(head)) {
        // A web page that is open in a browser on this network.
        this.#say("browser", "Turned a web page away that {address} looks at{more}", {
          address: connection.address,
        });
        const answer = { status: 403, body: "this is for devices\n" };
        return void await connection.write(answerBytes(answer, { keepAlive: false, date: null }));
      }
      const upgrade = upgradeAnswer(head.headers);
      if (upgrade) {
        connection.messageEnds();
        void connection.write(upgrade);
        return await this.#socket(connection);
      }
      let answer: HttpAnswer | undefined;
      try {
        answer = await protocols.answer(connection, head);
      } catch (error) {
        if (!(error instanceof BadRequest) && !(error instanceof MessageMemoryError)) throw error;
        this.#refused(connection, error);
        answer = { status: error instanceof BadRequest ? 400 : 503, body: `${error.message}\n` };
        head.keepAlive = false;
      }
      if (!answer) return;
      // 404 for a path that is none, 400 for a body or a serial number that makes no sense.
      if (!connection.known && (answer.status === 404 || answer.status === 400)) {
        noteUnknown(devices, connection.address, `${head.method} ${head.target}`);
      }
      const date = maySetClocks(this.#options) ? new Date(clock.now()) : null;
      await connection.write(answerBytes(answer, { keepAlive: head.keepAlive, date }));
      if (!head.keepAlive) return;
      connection.messageEnds();
      connection.expectWithin(BETWEEN_REQUESTS_MS);
    }
  }

  async #socket(connection: Connection): Promise<void> {
    const socket = this.#options.protocols.socket(connection);
    this.#sockets.add(socket);
    try {
      await socket.run();
    } finally {
      this.#sockets.delete(socket);
    }
  }

  #refused({ address }: Connection, { message }: Error): void {
    this.#say("refused", "Cannot understand {address}: {message}{more}", { address, message });
  }

  async #notHttp(connection: Connection, error: BadRequest): Promise<void> {
    const { message } = error;
    this.#refused(connection, error);
    if (!connection.known) {
      // What could not be read was not consumed.
      const sent = await connection.read();
      if (sent) noteUnknown(this.#options.devices, connection.address, sent);
    }
    void connection.write(
      answerBytes({ status: 400, body: `${message}\n` }, { keepAlive: false, date: null }),
    );
  }
}

/**
 * Whether a browser asks: its user agent is Mozilla, and it sends the page's origin or languages, for an image too;
 * no device does both.
 */
function isBrowser({ headers }: RequestHead): boolean {
  if (headers.has("sec-fetch-site")) return true;
  return /^mozilla\//i.test(headers.get("user-agent") ?? "") &&
    ["origin", "referer", "accept-language"].some((name) => headers.has(name));
}

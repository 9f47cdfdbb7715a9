/** AiFace over the wire: WebSocket on any path, and the same JSON by HTTP POST. @module */
import { logger } from "../../../../core/mod.ts";
import type { ProtocolContext } from "../context.ts";
import { isXml, noteUnknown, noteXml } from "../../devices/unsupported.ts";
import { type Connection, MessageMemoryError } from "../../listener/connection.ts";
import { BadRequest, bodyPieces, type HttpAnswer, type RequestHead } from "../../listener/http.ts";
import {
  closeFrame,
  type FrameEvent,
  FrameReader,
  pingFrame,
  pongFrame,
  ProtocolError,
  textFrame,
} from "../../listener/websocket.ts";
import type { CommandAnswer } from "./commands.ts";
import { MessageReader } from "./message.ts";
import type { Scanned } from "./scan.ts";
import { AifaceSession } from "./session.ts";

/** Silence after which a ping is sent, and after which the connection is closed. */
const PING_MS = 15_000;
const IDLE_MS = 30_000;
/** A device registers at once; other connections are closed. */
const MAX_UNIDENTIFIED_MS = 60_000;
/** Answers are held until the body has ended; devices send few messages in one body. */
const MAX_ANSWERS = 10_000;

export class AifaceSocket {
  readonly #context: ProtocolContext;
  readonly #connection: Connection;
  readonly #session: AifaceSession;
  readonly #reader: MessageReader;
  readonly #since: number;
  #seenAt = 0;
  #pinged = false;
  #closing = false;
  /** Whether the first bytes of a message are still to come. */
  #fresh = false;
  /** Bytes of the message so far. */
  #bytes = 0;

  constructor(context: ProtocolContext, connection: Connection) {
    this.#context = context;
    this.#connection = connection;
    this.#since = context.clock.monotonic();
    this.#session = new AifaceSession(context, {
      address: connection.address,
      link: {
        send: (text) => void connection.write(textFrame(text)),
        close: (reason) => void this.close(1000, reason),
      },
    });
    this.#reader = new MessageReader(context, this.#session, connection);
  }

  async run(): Promise<void> {
    const connection = this.#connection;
    const frames = new FrameReader();
    try {
      this.#seen();
      for (let bytes = await connection.read(); bytes; bytes = await connection.read()) {
        this.#seen();
        for (const event of frames.read(bytes)) {
          const dealing = this.#event(event);
          if (dealing && await dealing === "over") return;
        }
        connection.consume(bytes.length);
      }
    } catch (error) {
      const code = error instanceof ProtocolError ? error.code : 1011;
      const { address } = connection;
      if (error instanceof ProtocolError || error instanceof MessageMemoryError) {
        this.#context.logThrottle.log(error.name, (more) => {
          logger("attendance").warn("Closed the connection of {address}: {error}{more}", {
            address,
            error,
            more,
          });
        });
      } else {
        logger("attendance").error("A conversation with {address} failed: {error}", {
          address,
          error,
        });
      }
      await this.close(code);
    } finally {
      this.#session.end();
      this.#reader.close();
      this.#reader.countMemory();
      connection.close();
    }
  }

  async close(code: number, reason = ""): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#connection.expectWithin(1_000);
    await this.#connection.write(closeFrame(code, reason));
    this.#connection.close();
  }

  async sweep(): Promise<void> {
    const now = this.#context.clock.monotonic();
    if (!this.#session.identified && now - this.#since > MAX_UNIDENTIFIED_MS) {
      return await this.close(1008, "register first");
    }
    const quietMs = now - this.#seenAt;
    if (quietMs >= PING_MS && !this.#pinged) {
      this.#pinged = true;
      void this.#connection.write(pingFrame());
    }
    for (const scanned of this.#reader.sweep()) {
      this.#connection.messageEnds();
      await this.#session.take(scanned);
    }
    this.#reader.countMemory();
    this.#session.sweep();
  }

  /** Undefined when there is nothing to wait for. */
  #event(event: FrameEvent): Promise<"over" | void> | undefined {
    switch (event.kind) {
      case "begin": {
        const { clock } = this.#context;
        this.#connection.messageBegins();
        const delayMs = this.#connection.slot.delay();
        this.#fresh = true;
        this.#bytes = 0;
        return delayMs > 0 ? clock.wait(delayMs) : undefined;
      }
      case "data":
        return this.#data(event.bytes);
      case "end":
        return this.#end();
      case "ping":
        void this.#connection.write(pongFrame(event.bytes));
        return undefined;
      case "close":
        return this.close(event.code === 1005 ? 1000 : event.code).then(() => "over");
      case "pong":
        return undefined;
    }
  }

  async #data(bytes: Uint8Array): Promise<"over" | void> {
    this.#bytes += bytes.length;
    const { maxMessageBytes, strangerBytes } = this.#context.quota.limits;
    const endless = this.#bytes > maxMessageBytes || (this.#bytes > strangerBytes &&
      !this.#session.believed && !this.#session.senderOf(this.#reader.head));
    if (endless) throw new ProtocolError("a message without end", 1009);
    if (this.#fresh) {
      this.#fresh = false;
      if (isXml(bytes)) {
        noteXml(this.#context.devices, this.#connection.address, bytes);
        return "over";
      }
      await this.#answer(this.#reader.begin(bytes));
    }
    await this.#answer(this.#reader.push(bytes));
  }

  #end(): Promise<void> | undefined {
    const found = this.#reader.end();
    if (!this.#reader.pending) this.#connection.messageEnds();
    return this.#answer(found);
  }

  /** Undefined when there is nothing to wait for. */
  #answer(found: readonly Scanned[]): Promise<void> | undefined {
    if (found.length > 0) return this.#answerAll(found);
    this.#reader.countMemory();
    return undefined;
  }

  async #answerAll(found: readonly Scanned[]): Promise<void> {
    for (const scanned of found) {
      const answer = await this.#session.take(scanned);
      if (this.#session.believed) this.#connection.recognise();
      if ("silent" in answer && answer.silent === "malformed" && !this.#session.identified) {
        const sent = scanned.kind === "garbage" ? scanned.text : scanned.head;
        noteUnknown(this.#context.devices, this.#connection.address, sent);
      }
      if ("send" in answer) void this.#connection.write(textFrame(JSON.stringify(answer.send)));
    }
    this.#reader.countMemory();
  }

  #seen(): void {
    this.#seenAt = this.#context.clock.monotonic();
    this.#pinged = false;
    this.#connection.expectWithin(IDLE_MS);
    this.#session.seen();
  }
}

/**
 * One POST of AiFace JSON: the answers to its messages.
 * @throws {BadRequest} also when it is too long for an unknown sender
 */
export async function answerPost(
  context: ProtocolContext,
  connection: Connection,
  head: RequestHead,
): Promise<HttpAnswer | undefined> {
  const session = new AifaceSession(context, { address: connection.address });
  const reader = new MessageReader(context, session, connection);
  const answers: CommandAnswer[] = [];
  const take = async (found: readonly Scanned[]) => {
    for (const scanned of found) {
      const answer = await session.take(scanned);
      if (scanned.kind !== "records") answers.push(answer);
    }
    reader.countMemory();
    if (session.trusted) connection.recognise();
    // What is stored stays; without an answer the device sends it again.
    if (answers.length > MAX_ANSWERS) throw new BadRequest("too many messages in one body");
  };
  const { maxMessageBytes, strangerBytes } = context.quota.limits;
  let bytes = 0;
  try {
    const body = bodyPieces(connection, head, { limit: maxMessageBytes });
    let next = await body.next();
    for (let fresh = true; !next.done; fresh = false, next = await body.next()) {
      if (fresh && isXml(next.value)) noteXml(context.devices, connection.address, next.value);
      bytes += next.value.length;
      await take(reader.push(next.value));
      if (bytes > strangerBytes && !session.trusted && !session.senderOf(reader.head)) {
        // Not quarantined either.
        reader.close();
        throw new BadRequest("the body is too long");
      }
    }
    if (!next.value.complete) return undefined;
    await take(reader.end());
  } finally {
    await take(reader.close());
  }
  return httpAnswer(answers);
}

function httpAnswer(answers: readonly CommandAnswer[]): HttpAnswer {
  const refused = answers.find((answer) => "silent" in answer && answer.silent !== "nothing");
  if (refused && "silent" in refused) {
    switch (refused.silent) {
      case "unknown":
        return { status: 403, body: "device not allowed\n" };
      case "malformed":
        return { status: 400, body: "not understood\n" };
      default:
        return { status: 503, body: "not stored, send again\n" };
    }
  }
  const said = answers.flatMap((answer) => "send" in answer ? [JSON.stringify(answer.send)] : []);
  return { status: 200, body: said.join("\n"), type: "application/json" };
}

/**
 * The HTTP/1.1 of devices, read from a connection. docs/decisions.md says why neither `Deno.serve` nor `node:http`
 * can do it: they refuse requests that devices send, and deliver WebSocket messages whole.
 * @module
 */
import { Buffer } from "node:buffer";
import type { Connection } from "./connection.ts";

export interface RequestHead {
  method: string;
  /** Path and query as they came. */
  target: string;
  /** Path without query, still encoded. */
  path: string;
  query: URLSearchParams;
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
  keepAlive: boolean;
  /** Length of the body in bytes. */
  body: number | "chunked";
}

export interface HttpAnswer {
  status: number;
  body: string;
  /** default `text/plain`. */
  type?: string;
}

/** The request is not HTTP, or cannot be parsed. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
}

/** How long a peer may take for the next piece of a body. */
export const PIECE_MS = 60_000;

const MAX_HEAD_BYTES = 16 * 1024;
const FRAMING: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"]);
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  501: "Not Implemented",
  503: "Service Unavailable",
};

/**
 * The next request's head; null when the peer ends the connection instead.
 * @throws {BadRequest}
 */
export async function readHead(connection: Connection): Promise<RequestHead | null> {
  let bytes = await connection.read();
  let looked = 0;
  while (bytes) {
    const end = headEnd(bytes, Math.max(0, looked - 3));
    if (end > 0) {
      const head = parseHead(
        String.fromCharCode(...bytes.subarray(0, Math.min(end, MAX_HEAD_BYTES))),
      );
      connection.consume(end);
      return head;
    }
    looked = bytes.length;
    if (looked > MAX_HEAD_BYTES) throw new BadRequest("the request's head is too long");
    bytes = await connection.readMore();
  }
  return null;
}

/**
 * The body in pieces, each valid until the next is asked for. Ends early when the connection does.
 * @throws {BadRequest} when it is broken, or longer than `limit` bytes with all that chunks have around them
 */
export async function* bodyPieces(
  connection: Connection,
  { body, headers }: RequestHead,
  { limit = Infinity }: { limit?: number } = {},
): AsyncGenerator<Uint8Array, { complete: boolean }> {
  if (body !== "chunked" && body > limit) throw new BadRequest("the body is too long");
  if (body !== 0 && headers.get("expect")?.toLowerCase() === "100-continue") {
    void connection.write(new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n"));
  }
  if (body !== "chunked") return { complete: yield* readExactly(connection, body) };
  for (let total = 0;;) {
    const line = await readLine(connection);
    if (line === null) return { complete: false };
    const digits = /^([0-9a-f]{1,8})\s*(?:;.*)?$/i.exec(line)?.[1];
    if (digits === undefined) throw new BadRequest("a chunk of the body has no length");
    const size = parseInt(digits, 16);
    total += line.length + size;
    if (total > limit) throw new BadRequest("the body is too long");
    if (!(yield* readExactly(connection, size))) return { complete: false };
    const after = await readLine(connection);
    if (after === null) return { complete: false };
    if (after !== "" && digits !== "0") throw new BadRequest("a chunk of the body is too long");
    if (size === 0) {
      for (let trailer = after; trailer !== "";) {
        total += trailer.length;
        if (total > limit) throw new BadRequest("the body is too long");
        const next = await readLine(connection);
        if (next === null) return { complete: false };
        trailer = next;
      }
      return { complete: true };
    }
  }
}

/**
 * An answer's bytes.
 * @param date the `Date` header, by which iclock devices set their clock; null leaves it out
 */
export function answerBytes(
  { status, body, type = "text/plain" }: HttpAnswer,
  { keepAlive, date }: { keepAlive: boolean; date: Date | null },
): Uint8Array {
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? "Error"}`,
    ...(date ? [`Date: ${date.toUTCString()}`] : []),
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store, no-transform",
    `Connection: ${keepAlive ? "keep-alive" : "close"}`,
  ];
  return new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${body}`);
}

/** Where the head ends: after an empty line, which some firmware ends with LF alone. 0 when it is not there yet. */
function headEnd(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(10, from); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return at + 2;
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3;
  }
  return 0;
}

function parseHead(text: string): RequestHead {
  const [first = "", ...lines] = text.trimEnd().split(/\r?\n/);
  // A firmware's version in the query may have a blank that is not encoded: `INFO=Ver 8.0.4`.
  const request = /^([A-Z]{1,16}) (\S[^\r\n]*) HTTP\/1\.([01])$/.exec(first.trim());
  if (!request) throw new BadRequest("this is not HTTP");
  const [, method, given, minor] = request;
  // RFC 9112 3.2.2: a device that is set to use a proxy sends an absolute URL.
  const target = given!.replace(/^https?:\/\/[^/?]*/i, "");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0 || /^\s/.test(line)) throw new BadRequest("a header has no name");
    const name = line.slice(0, colon).trim().toLowerCase();
    // Where a body ends must have one meaning, or another's request can be hidden in it.
    if (FRAMING.has(name) && (headers.has(name) || name.length !== colon)) {
      throw new BadRequest("it is not clear where the body ends");
    }
    headers.set(name, line.slice(colon + 1).trim());
  }
  const length = headers.get("content-length");
  if (length !== undefined && !/^\d{1,15}$/.test(length)) {
    throw new BadRequest("Content-Length is no number");
  }
  const chunked = headers.has("transfer-encoding");
  if (chunked && length !== undefined) throw new BadRequest("it is not clear where the body ends");
  if (chunked && headers.get("transfer-encoding")?.toLowerCase() !== "chunked") {
    throw new BadRequest("Transfer-Encoding is not chunked");
  }
  const wants = headers.get("connection")?.toLowerCase() ?? "";
  const question = target.indexOf("?");
  return {
    method: method!,
    target,
    path: question < 0 ? target : target.slice(0, question),
    query: new URLSearchParams(question < 0 ? "" : target.slice(question + 1)),
    headers,
    keepAlive: minor === "1" ? !wants.includes("close") : wants.includes("keep-alive"),
    body: chunked ? "chunked" : Number(length ?? 0),
  };
}

async function* readExactly(
  connection: Connection,
  length: number,
): AsyncGenerator<Uint8Array, boolean> {
  let left = length;
  while (left > 0) {
    const bytes = await connection.read();
    if (!bytes) return false;
    const part = bytes.length <= left ? bytes : bytes.subarray(0, left);
    left -= part.length;
    connection.consume(part.length);
    connection.expectWithin(PIECE_MS);
    yield part;
  }
  return true;
}

/** A short line without its end; null when the connection ends. */
async function readLine(connection: Connection): Promise<string | null> {
  let bytes = await connection.read();
  while (bytes) {
    const end = bytes.indexOf(10);
    if (end >= 0) {
      const line = String.fromCharCode(...bytes.subarray(0, Math.min(end, 1024)));
      connection.consume(end + 1);
      return line.replace(/\r$/, "");
    }
    if (bytes.length > 1024) throw new BadRequest("a line of the body is too long");
    bytes = await connection.readMore();
  }
  return null;
}

/**
 * An attack as a row of a table.
 * @module
 */
import { type Target, Wire } from "./target.ts";

export interface Attack {
  name: string;
  /** All that the attacker says, each on a connection of its own. */
  says?: (target: Target) => readonly (string | Uint8Array)[];
  /** The only answers that may come, of which one has to. */
  answers?: readonly number[];
  /** Set where the agent may hang up before all is said, and the answer may be lost with the rest. */
  mayHangUp?: true;
  /** What does not fit into the above. It fails when the attack succeeds. */
  steps?: (target: Target) => Promise<void>;
}

/** An HTTP request, as wrong as its parts. */
export function request(
  line: string,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): string {
  const all: Record<string, string> = { Host: "127.0.0.1", ...headers };
  if (body !== "" && !("Transfer-Encoding" in all) && !("Content-Length" in all)) {
    all["Content-Length"] = String(new TextEncoder().encode(body).length);
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

/** Says something on a connection of its own and goes away when it is answered or hung up on. */
export async function attempt(
  port: number,
  bytes: string | Uint8Array,
  { from }: { from?: string } = {},
): Promise<{ statuses: readonly number[]; heard: string; closed: boolean }> {
  using wire = await Wire.open(port, from === undefined ? {} : { from });
  await wire.say(bytes);
  await wire.over();
  const { statuses, heard, closed } = wire;
  return { statuses, heard, closed };
}

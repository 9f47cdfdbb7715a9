/**
 * Server-sent events over fetch. Not EventSource, which hides comments (the pings that show a quiet stream alive),
 * takes no token, and hands over one event at a time however many arrive together.
 * @module
 */

export interface SseMessage {
  /** The event's name; `message` when it has none. */
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** Takes text as it arrives, in whatever pieces, and gives the messages that are complete. */
export class SseParser {
  #rest = "";
  #id = "";
  #event = "";
  #data: string[] = [];

  push(text: string): SseMessage[] {
    const messages: SseMessage[] = [];
    this.#rest += text;
    let from = 0;
    for (let at = lineEnd(this.#rest, from); at >= 0; at = lineEnd(this.#rest, from)) {
      this.#line(this.#rest.slice(from, at), messages);
      from = at + (this.#rest.startsWith("\r\n", at) ? 2 : 1);
    }
    this.#rest = this.#rest.slice(from);
    return messages;
  }

  #line(line: string, messages: SseMessage[]): void {
    if (line === "") {
      const data = this.#data.join("\n");
      if (this.#data.length > 0) {
        messages.push({ event: this.#event || "message", id: this.#id, data });
      }
      this.#event = "";
      this.#data = [];
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    else if (field === "id") this.#id = value;
  }
}

/** Where the line ends that begins at `from`; -1 when that has not arrived. */
function lineEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 10) return at;
    // Whether it is CR or CRLF shows only with the next character.
    if (code === 13) return at + 1 < text.length ? at : -1;
  }
  return -1;
}

/** The messages of a stream, as many at once as arrived together; an empty list for a sign of life. */
export async function* readStream(response: Response): AsyncGenerator<SseMessage[]> {
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok || !response.body || !type.startsWith("text/event-stream")) {
    await response.body?.cancel();
    throw new TypeError(
      `Cannot follow ${new URL(response.url).pathname}: status ${response.status}`,
    );
  }
  const parser = new SseParser();
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // A caller that stops listening ends the connection; a broken one has ended.
    await reader.cancel().catch(() => {});
  }
}

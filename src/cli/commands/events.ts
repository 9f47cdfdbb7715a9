/** `clockblock events tail|send`: application events, followed in the terminal or stored from it. @module */
import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import { AGENT_MODE } from "../../contract/events.ts";
import { parseLossless } from "../../core/mod.ts";
import type { AgentClient } from "../client.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import { jsonFlag } from "../flags.ts";
import { follow } from "../follow.ts";
import { withAgent } from "../session.ts";
import { type Color, count, harmless, type Painter, painter } from "../terminal.ts";

interface EventItem {
  seq: number;
  mode: string;
  ts: string;
  source: string;
  type: string;
  subtype: string;
  symbol: string | null;
  severity: string;
  body: string;
}

const COLORS: Readonly<Record<string, Color>> = {
  debug: "dim",
  success: "green",
  warning: "yellow",
  error: "red",
  critical: "red",
};

interface TailFlags {
  mode?: string;
  sinceSeq?: number;
  json: boolean;
}

const tail: Command<Context> = buildCommand<TailFlags, [], Context>({
  docs: {
    brief: "Follow events as they come, until Ctrl-C",
    fullDescription:
      "Follows every mode by default. After a restart of the agent, missed events are printed first.",
  },
  parameters: {
    flags: {
      mode: text("Only this mode", "mode"),
      sinceSeq: {
        kind: "parsed",
        parse: wholeNumber,
        brief: "Begin after this seq (default: with what comes)",
        placeholder: "seq",
        optional: true,
      },
      json: { ...jsonFlag, brief: "Print a line of JSON for each, for scripts" },
    },
  },
  async func({ mode, sinceSeq, json }) {
    const { stdout, stderr } = this.io;
    const config = this.config();
    const modes = mode === undefined ? [...new Set([...config.events.modes, AGENT_MODE])] : [mode];
    const paint = painter(stdout);
    const stopping = new AbortController();
    const stopListening = this.io.onStop(() => stopping.abort());
    const tailMode = async (mode: string) => {
      const stream = follow(config, "/local/stream", {
        query: { mode, since_seq: sinceSeq },
        signal: stopping.signal,
        onAway: (away) =>
          stderr.write(away ? `${mode}: the agent is away, waiting for it\n` : `${mode}: back\n`),
      });
      for await (const data of stream) {
        // What the agent's own route writes.
        stdout.write(
          json ? `${data}\n` : shown(JSON.parse(data) as EventItem, paint),
        );
        if (stdout.gone) stopping.abort();
      }
    };
    try {
      await Promise.all(modes.map(tailMode));
    } finally {
      stopping.abort();
      stopListening();
    }
  },
});

/** An event in a line: what a program wrote must not steer the terminal. */
function shown(event: EventItem, paint: Painter): string {
  const { seq, mode, ts, source, type, subtype, symbol, severity, body } = event;
  const color = COLORS[severity];
  const words = [
    paint("dim", `${ts} ${mode} ${seq}`),
    color ? paint(color, severity) : severity,
    paint("bold", harmless(subtype)),
    ...(symbol === null ? [] : [harmless(symbol)]),
    harmless(body),
    paint("dim", harmless(`${source}/${type}`)),
  ];
  return `${words.join("  ")}\n`;
}

interface SendFlags {
  mode?: string;
  type?: string;
  subtype?: string;
  source: string;
  symbol?: string;
  severity?: string;
  ts?: string;
  meta?: Record<string, unknown>;
  idempotencyKey?: string;
  json: boolean;
}

interface Accepted {
  seq: number;
  duplicate: boolean;
}

interface Refused {
  index: number;
  errors: { field: string; message: string }[];
}

const send: Command<Context> = buildCommand<SendFlags, [string?], Context>({
  docs: {
    brief: "Store an event, or those of standard input",
    fullDescription:
      "With a text, stores one event: events send --mode live --type trade --subtype BUY_FILLED 'bought 5'. " +
      "Without, reads events from standard input, each a line of JSON as POST /local/events takes it. " +
      "Good ones are stored as they come, bad ones named with their line.",
  },
  parameters: {
    flags: {
      mode: text("Its mode, such as paper or live", "mode"),
      type: text("Its type", "type"),
      subtype: text("Its subtype", "subtype"),
      source: {
        kind: "parsed",
        parse: String,
        brief: "Name of the program that sends it",
        default: "cli",
      },
      symbol: text("What it is about", "symbol"),
      severity: text("debug, info, success, warning, error or critical", "severity"),
      ts: text("When it happened (default: now)", "time"),
      meta: {
        kind: "parsed",
        parse: object,
        brief: "More about it, as a JSON object",
        placeholder: "json",
        optional: true,
      },
      idempotencyKey: text("What makes it one and the same when it is sent again", "key"),
      json: { ...jsonFlag, brief: "Print a line of JSON for each that is stored" },
    },
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        brief: "The event's text",
        placeholder: "text",
        optional: true,
      }],
    },
  },
  async func({ idempotencyKey, json, ...flags }, body) {
    const { source: _, ...about } = flags;
    const given = [...Object.values(about), idempotencyKey].some((value) => value !== undefined);
    if (body === undefined && given) {
      throw new UsageError("Cannot send the event: it has no text. Put it at the end, in quotes");
    }
    const { stdout, stderr } = this.io;
    await withAgent(this, async (client) => {
      const total = { stored: 0, again: 0, refused: 0 };
      const report = ({ accepted, rejected = [] }: Answer, lines: readonly number[]) => {
        if (json) stdout.write(accepted.map((event) => `${JSON.stringify(event)}\n`).join(""));
        for (const { index, errors } of rejected) {
          stderr.write(`Line ${lines[index]} is not stored: ${flawsOf(errors)}\n`);
        }
        total.stored += accepted.length;
        total.again += accepted.filter(({ duplicate }) => duplicate).length;
        total.refused += rejected.length;
      };
      if (body !== undefined) {
        const event = {
          ...flags,
          body,
          ...(idempotencyKey === undefined ? {} : { idempotency_key: idempotencyKey }),
        };
        const answer = await post(client, [event]);
        const [bad] = answer.rejected ?? [];
        if (bad) throw new UsageError(`Cannot send the event: ${flawsOf(bad.errors)}`);
        report(answer, []);
      } else {
        for await (const { events, lines, flaws } of batches(this.io.input())) {
          for (const { line, message } of flaws) {
            total.refused++;
            stderr.write(`Line ${line} is not stored: ${message}\n`);
          }
          if (events.length > 0) report(await post(client, events), lines);
        }
      }
      const again = total.again > 0 ? `, ${count(total.again)} of them known already` : "";
      if (!json) stdout.write(`${count(total.stored)} stored${again}\n`);
      if (total.refused > 0) {
        throw new Error(
          `${count(total.refused)} not stored: correct these lines and send them again`,
        );
      }
    });
  },
});

interface Answer {
  accepted: Accepted[];
  rejected?: Refused[];
}

function post(client: AgentClient, events: readonly unknown[]): Promise<Answer> {
  return client.post<Answer>("/local/events?partial=true", events);
}

function flawsOf(errors: Refused["errors"]): string {
  return errors.map(({ field, message }) => field === "" ? message : `${field}: ${message}`)
    .join("; ");
}

interface Batch {
  events: unknown[];
  /** The line of each event. */
  lines: number[];
  flaws: { line: number; message: string }[];
}

/** Half of what a request may have, in events and in characters. */
const BATCH_EVENTS = 500;
const BATCH_CHARACTERS = 1 << 18;

/** The lines that have arrived, in pieces that fit into a request. */
async function* batches(input: ReadableStream<Uint8Array>): AsyncGenerator<Batch> {
  const decoder = new TextDecoder();
  let rest = "";
  let number = 0;
  const batchesOf = function* (lines: readonly string[]): Generator<Batch> {
    let batch: Batch = { events: [], lines: [], flaws: [] };
    let characters = 0;
    for (const line of lines) {
      number++;
      if (line.trim() === "") continue;
      try {
        batch.events.push(parseLossless(line));
        batch.lines.push(number);
      } catch {
        batch.flaws.push({ line: number, message: "it is not JSON" });
      }
      characters += line.length;
      if (batch.events.length < BATCH_EVENTS && characters < BATCH_CHARACTERS) continue;
      yield batch;
      batch = { events: [], lines: [], flaws: [] };
      characters = 0;
    }
    yield batch;
  };
  for await (const piece of input) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* batchesOf(lines);
  }
  yield* batchesOf([rest + decoder.decode()]);
}

function text(brief: string, placeholder: string): {
  kind: "parsed";
  parse: (text: string) => string;
  brief: string;
  placeholder: string;
  optional: true;
} {
  return { kind: "parsed", parse: String, brief, placeholder, optional: true };
}

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`"${text}" is not a seq, expected a whole number such as 120`);
}

function object(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new UsageError(`"${text}" is not a JSON object, expected one such as {"qty": 5}`);
}

export const events: RouteMap<Context> = buildRouteMap<"tail" | "send", Context>({
  routes: { tail, send },
  docs: { brief: "Application events: follow them, store some" },
});

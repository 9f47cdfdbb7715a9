/** `clockblock events tail|send`: application events, followed in the terminal or stored from it. @module */
import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import { AGENT_MODE } from "../../contract/agent_mode.ts";
import type { EventItem, PostedEvents, RejectedEvent } from "../../contract/events.ts";
import { isObject, parseLossless } from "../../core/mod.ts";
import type { AgentClient } from "../client.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import { argument, jsonFlag, parsedFlag, textFlag } from "../flags.ts";
import { followStream } from "../follow.ts";
import { jsonLines } from "../rows.ts";
import { type Color, count, harmless, type Painter, painter } from "../terminal.ts";
import { agentCommand } from "./agent_command.ts";

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

const tail = buildCommand<TailFlags, [], Context>({
  docs: {
    brief: "Follow events as they come, until Ctrl-C",
    fullDescription:
      "Follows every mode by default. After a restart of the agent, missed events are printed first.",
  },
  parameters: {
    flags: {
      mode: textFlag("Only this mode", "mode"),
      sinceSeq: parsedFlag(wholeNumber, "Begin after this seq (default: with what comes)", "seq"),
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
      const stream = followStream(config, "/local/stream", {
        query: { mode, since_seq: sinceSeq },
        signal: stopping.signal,
        onAway: (away) =>
          stderr.write(away ? `${mode}: the agent is away, waiting for it\n` : `${mode}: back\n`),
      });
      for await (const data of stream) {
        // The agent's own route writes it.
        stdout.write(json ? `${data}\n` : shown(JSON.parse(data) as EventItem, paint));
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

/** An event as a line. */
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

const send = agentCommand<SendFlags, [string?]>({
  brief: "Store an event, or those of standard input",
  fullDescription:
    "With a text, stores one event: events send --mode live --type trade --subtype BUY_FILLED 'bought 5'. " +
    "Without, reads events from standard input, each a line of JSON as POST /local/events takes it. " +
    "Good ones are stored as they come, bad ones named with their line.",
  flags: {
    mode: textFlag("Its mode, such as paper or live", "mode"),
    type: textFlag("Its type", "type"),
    subtype: textFlag("Its subtype", "subtype"),
    source: {
      kind: "parsed",
      parse: String,
      brief: "Name of the program that sends it",
      default: "cli",
    },
    symbol: textFlag("What it is about", "symbol"),
    severity: textFlag("debug, info, success, warning, error or critical", "severity"),
    ts: textFlag("When it happened (default: now)", "time"),
    meta: parsedFlag(object, "More about it, as a JSON object", "json"),
    idempotencyKey: textFlag("What makes it one and the same when it is sent again", "key"),
    json: { ...jsonFlag, brief: "Print a line of JSON for each that is stored" },
  },
  positional: {
    kind: "tuple",
    parameters: [{ ...argument("The event's text", "text"), optional: true }],
  },
  check({ source: _source, json: _json, ...about }, body) {
    if (body !== undefined || Object.values(about).every((value) => value === undefined)) return;
    throw new UsageError("Cannot send the event: it has no text. Put it at the end, in quotes");
  },
  async run({ client, context, stdout }, { idempotencyKey, json, ...fields }, body) {
    const { input, stderr } = context.io;
    const total = { stored: 0, again: 0, refused: 0 };
    const report = ({ accepted, rejected = [] }: PostedEvents, lines: readonly number[]) => {
      if (json) stdout.write(jsonLines(accepted));
      for (const { index, errors } of rejected) {
        stderr.write(`Line ${lines[index]} is not stored: ${flawsOf(errors)}\n`);
      }
      total.stored += accepted.length;
      total.again += accepted.filter(({ duplicate }) => duplicate).length;
      total.refused += rejected.length;
    };
    if (body !== undefined) {
      const answer = await post(client, [{ ...fields, body, idempotency_key: idempotencyKey }]);
      const [bad] = answer.rejected ?? [];
      if (bad) throw new UsageError(`Cannot send the event: ${flawsOf(bad.errors)}`);
      report(answer, []);
    } else {
      for await (const { events, lines, flaws } of batches(input())) {
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
  },
});

function post(client: AgentClient, events: readonly unknown[]): Promise<PostedEvents> {
  return client.post("/local/events?partial=true", events);
}

function flawsOf(errors: RejectedEvent["errors"]): string {
  return errors.map(({ field, message }) => field === "" ? message : `${field}: ${message}`)
    .join("; ");
}

interface Batch {
  events: unknown[];
  /** The line of each event. */
  lines: number[];
  flaws: { line: number; message: string }[];
}

/** Half of the limits of a request. */
const BATCH_EVENTS = 500;
const BATCH_CHARACTERS = 1 << 18;

/** The lines of the input, in batches that fit into a request. */
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
  if (isObject(value)) return { ...value };
  throw new UsageError(`"${text}" is not a JSON object, expected one such as {"qty": 5}`);
}

export const eventsCommand: RouteMap<Context> = buildRouteMap({
  routes: { tail, send },
  docs: { brief: "Application events: follow them, store some" },
});

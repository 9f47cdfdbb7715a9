/**
 * `GET /status`: the status of each stream and of the agent as a whole. The text is kept for a moment, because several
 * clients poll it.
 * @module
 */
import {
  type Clock,
  type Hub,
  instantOf,
  logger,
  type RaisedWarning,
  type Route,
  route,
  type Stream,
  version,
  type Warnings,
} from "../../core/mod.ts";
import type { Store } from "../../store/mod.ts";
import { status as statusAnswer } from "../../contract/status.ts";
import type { SyncEngine } from "../../sync/mod.ts";
import type { ConfigSource } from "./config.ts";
import type { LoopDelay } from "../loop_delay.ts";
import { JsonText } from "../respond.ts";

export interface StatusOptions {
  store: Store;
  streams: readonly Stream[];
  sync?: SyncEngine | undefined;
  hub: Hub;
  warnings: Warnings;
  clock: Clock;
  deviceId: string;
  systemId: string;
  flavour: string;
  loopDelay: LoopDelay;
  /** Absent in an agent that does not follow its file. */
  settings?: ConfigSource | undefined;
}

/** How long the text is sent again. Anything published makes a new one. */
const KEPT_MS = 20;

export class StatusReport {
  readonly #options: StatusOptions;
  readonly #startedAt: string;
  readonly #startedMs: number;
  readonly #unsubscribe: () => void;
  #text = "";
  #madeMs = -Infinity;

  constructor(options: StatusOptions) {
    const { clock, hub } = options;
    this.#options = options;
    this.#startedAt = instantOf(clock.now());
    this.#startedMs = clock.monotonic();
    this.#unsubscribe = hub.subscribe(() => void (this.#madeMs = -Infinity));
  }

  /** As JSON. */
  text(): string {
    // The machine's clock even in tests: this saves work, and a publication makes the text stale at once. `Date`,
    // because reading the monotonic clock leaves V8; a clock that jumps only has the text made again.
    const now = Date.now();
    if (Math.abs(now - this.#madeMs) > KEPT_MS) {
      this.#text = JSON.stringify(this.#value());
      this.#madeMs = now;
    }
    return this.#text;
  }

  uptimeSec(): number {
    return Math.floor((this.#options.clock.monotonic() - this.#startedMs) / 1000);
  }

  /** Ends the subscription to the hub. */
  close(): void {
    this.#unsubscribe();
  }

  #value(): Record<string, unknown> {
    const { streams, sync, warnings, deviceId, systemId, flavour, store, loopDelay, clock } =
      this.#options;
    const shown = warnings.list();
    const ofStreams: Record<string, unknown> = {};
    for (const stream of streams) {
      try {
        Object.assign(ofStreams, stream.status?.());
      } catch (error) {
        // The other streams are still shown.
        shown.push(failedStatus(stream, error, clock));
      }
    }
    return {
      ...ofStreams,
      online: sync?.online() ?? null,
      device_id: deviceId,
      system_id: systemId,
      version,
      flavour,
      started_at: this.#startedAt,
      uptime_sec: this.uptimeSec(),
      sync: sync?.status() ?? null,
      warnings: shown,
      config: this.#options.settings?.status(),
      database: databaseSizes(store.path),
      event_loop: { delay_max_ms: Math.round(loopDelay.maxMs * 10) / 10 },
    };
  }
}

function failedStatus({ name }: Stream, error: unknown, clock: Clock): RaisedWarning {
  logger("api").error("Cannot read the status of {name}: {error}", { name, error });
  return {
    code: `status.${name}`,
    message: `The status of ${name} cannot be read: see the log.`,
    since: instantOf(clock.now()),
  };
}

/** The sizes of the database and of its write-ahead log. */
export function databaseSizes(path: string): { bytes: number; wal_bytes: number } {
  return { bytes: fileBytes(path), wal_bytes: fileBytes(`${path}-wal`) };
}

function fileBytes(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** The route. */
export function statusRoute(status: StatusReport): Route {
  return route({
    method: "GET",
    path: "/status",
    summary: "What goes on: playing or not, today's minutes, sync, warnings",
    tag: "system",
    answer: statusAnswer,
    handle: () => new JsonText(status.text()),
  });
}

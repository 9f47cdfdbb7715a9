/**
 * `GET /metrics`: the agent's numbers for Prometheus, in its text format.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 * @module
 */
import {
  type Clock,
  type Gauge,
  msOf,
  type Route,
  route,
  type Stream,
  version,
  type Warnings,
} from "../../core/mod.ts";
import type { Store } from "../../store/mod.ts";
import type { LaneStatus } from "../../contract/sync.ts";
import type { SyncEngine } from "../../sync/mod.ts";
import { DELAY_BUCKETS_MS, type LoopDelay } from "../loop_delay.ts";
import { databaseSizes } from "./status.ts";

export interface MetricsOptions {
  store: Store;
  warnings: Warnings;
  sync: Pick<SyncEngine, "status"> | undefined;
  streams: readonly Stream[];
  clock: Clock;
  flavour: string;
  loopDelay: LoopDelay;
  uptimeSec: () => number;
  /** Number of answers by status. */
  answers: () => ReadonlyMap<number, number>;
  /** Clients of `/stream`. */
  sseClients: () => number;
}

interface Metric {
  name: string;
  type: "counter" | "gauge" | "histogram";
  help: string;
  /** Each with what follows the name (`_sum`, `{stream="events"}`) and its value. */
  samples: readonly (readonly [string, number])[];
}

/** All metrics as text. */
export function metricsText(metrics: readonly Metric[]): string {
  return metrics.map(({ name, type, help, samples }) =>
    `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n` +
    samples.map(([suffix, value]) => `${name}${suffix} ${value}\n`).join("")
  ).join("");
}

/** `{stream="events",code="23505"}` */
function labels(values: Readonly<Record<string, string>>): string {
  const escaped = (value: string) =>
    value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `{${
    Object.entries(values).map(([name, value]) => `${name}="${escaped(value)}"`).join(",")
  }}`;
}

/** The route. */
export function metricsRoute(options: MetricsOptions): Route {
  return route({
    method: "GET",
    path: "/metrics",
    summary: "The agent's numbers for Prometheus",
    tag: "system",
    mediaType: "text/plain",
    handle: () =>
      new Response(
        metricsText([
          ...agentMetrics(options),
          ...streamMetrics(options),
          ...laneMetrics(options),
          loopMetric(options.loopDelay),
        ]),
        { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } },
      ),
  });
}

function agentMetrics(options: MetricsOptions): Metric[] {
  const { rss, heapUsed } = Deno.memoryUsage();
  const database = databaseSizes(options.store.path);
  const gauge = (name: string, help: string, value: number) => gaugeMetric({ name, help, value });
  return [
    {
      name: "clockblock_build_info",
      type: "gauge",
      help: "Version and flavour of the agent.",
      samples: [[labels({ version, flavour: options.flavour }), 1]],
    },
    gauge("uptime_seconds", "Time since the start.", options.uptimeSec()),
    gauge("resident_memory_bytes", "Memory of the process.", rss),
    gauge("heap_bytes", "JavaScript heap in use.", heapUsed),
    gauge("database_bytes", "Size of the database.", database.bytes),
    gauge("wal_bytes", "Size of its write-ahead log.", database.wal_bytes),
    gauge("warnings", "Warnings that /status lists.", options.warnings.size),
    gauge("stream_clients", "Clients of /stream.", options.sseClients()),
    gauge(
      "event_loop_delay_max_seconds",
      "Largest event-loop delay of the last one to two minutes.",
      options.loopDelay.maxMs / 1000,
    ),
    {
      name: "clockblock_http_requests_total",
      type: "counter",
      help: "Requests answered, by status.",
      samples: [...options.answers()].map(([status, count]) => [`{status="${status}"}`, count]),
    },
  ];
}

/** The gauges of the streams. */
function streamMetrics({ streams }: MetricsOptions): Metric[] {
  return streams.flatMap((stream) => stream.gauges?.() ?? []).map(gaugeMetric);
}

function gaugeMetric({ name, help, value }: Gauge): Metric {
  return { name: `clockblock_${name}`, type: "gauge", help, samples: [["", value]] };
}

/** The metrics of each sync lane; empty where nothing is synced. */
function laneMetrics({ sync, clock }: MetricsOptions): Metric[] {
  const status = sync?.status();
  const lanes = status?.lanes ?? [];
  const ofLanes =
    (type: Metric["type"]) =>
    (name: string, help: string, value: (lane: LaneStatus) => number | null): Metric => ({
      name: `clockblock_sync_${name}`,
      type,
      help,
      samples: lanes.flatMap((lane) => {
        const known = value(lane);
        return known === null ? [] : [[labels({ stream: lane.stream }), known] as const];
      }),
    });
  const [gauge, counter] = [ofLanes("gauge"), ofLanes("counter")];
  const ageSec = (at: string | null) =>
    at === null ? 0 : Math.max(0, (clock.now() - msOf(at)) / 1000);
  const successSec = (at: string | null) => at === null ? null : msOf(at) / 1000;
  const seconds = (ms: number | null) => ms === null ? null : ms / 1000;
  return [
    {
      name: "clockblock_sync_running",
      type: "gauge",
      help: "1 while the sync engine runs; it does not where no cloud is configured.",
      samples: status ? [["", status.running ? 1 : 0]] : [],
    },
    {
      name: "clockblock_sync_state",
      type: "gauge",
      help: "1 for the state that a lane is in.",
      samples: lanes.map(({ stream, state }) => [labels({ stream, state }), 1]),
    },
    gauge("waiting_rows", "Rows that wait for the cloud.", (lane) => lane.rows_waiting),
    gauge(
      "waiting_oldest_seconds",
      "Age of the oldest row that waits.",
      (lane) => ageSec(lane.oldest_waiting_at),
    ),
    gauge("rejected_rows", "Rows that the cloud rejected.", (lane) => lane.rows_rejected),
    gauge(
      "last_success_timestamp_seconds",
      "When the cloud last accepted rows.",
      (lane) => successSec(lane.last_success_at),
    ),
    gauge("failures_in_a_row", "Failed attempts since then.", (lane) => lane.failures_in_a_row),
    gauge(
      "request_mean_seconds",
      "Moving average of the duration of a request.",
      (lane) => seconds(lane.mean_latency_ms),
    ),
    counter("requests_total", "Requests to the cloud.", (lane) => lane.requests),
    counter(
      "requests_failed_total",
      "Requests to the cloud that failed.",
      (lane) => lane.requests_failed,
    ),
    counter("rows_pushed_total", "Rows that the cloud accepted.", (lane) => lane.rows_pushed),
    counter(
      "rows_refused_total",
      "Rows that the cloud rejected, since the start.",
      (lane) => lane.rows_refused,
    ),
    counter("rows_pulled_total", "Rows read from the cloud.", (lane) => lane.rows_pulled),
  ];
}

function loopMetric(loopDelay: LoopDelay): Metric {
  const { cumulated, count, sumMs } = loopDelay.histogram();
  return {
    name: "clockblock_event_loop_delay_seconds",
    type: "histogram",
    help: "How late timers fire.",
    samples: [
      ...DELAY_BUCKETS_MS.map((bound, index) =>
        [`_bucket${labels({ le: String(bound / 1000) })}`, cumulated[index]!] as const
      ),
      ['_bucket{le="+Inf"}', count],
      ["_sum", sumMs / 1000],
      ["_count", count],
    ],
  };
}

import assert from "node:assert/strict";
import type { LaneStatus } from "../../../src/contract/sync.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { SyncBench } from "../../support/sync_bench.ts";
import { testApi } from "../../support/api.ts";

function lane(stream: LaneStatus["stream"], known: Partial<LaneStatus> = {}): LaneStatus {
  return {
    stream,
    state: "connected",
    remote: "endpoint https://example.com",
    rows_waiting: 0,
    oldest_waiting_at: null,
    rows_rejected: 0,
    last_attempt_at: null,
    last_success_at: null,
    next_attempt_at: null,
    last_error: null,
    failures_in_a_row: 0,
    mean_latency_ms: null,
    requests: 0,
    requests_failed: 0,
    rows_pushed: 0,
    rows_refused: 0,
    rows_pulled: 0,
    reading: null,
    ...known,
  };
}

Deno.test("/metrics is text that Prometheus reads", async () => {
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  await using bench = new SyncBench();
  using test = testApi({
    clock,
    streams: [{
      name: "records",
      gauges: () => [{ name: "records_conflicts_last_day", help: "Conflicts.", value: 3 }],
    }],
    sync: Object.assign(bench.engine, {
      status: () => ({
        state: "connected",
        online: true,
        running: true,
        clock_offset_ms: 0,
        signed_in_as: null,
        lanes: [
          lane("playtime"),
          lane("events", {
            rows_waiting: 7,
            oldest_waiting_at: "2026-03-02T11:59:30.000Z",
            last_success_at: "2026-03-02T11:59:00.500Z",
            mean_latency_ms: 250,
            rows_pushed: 12,
          }),
        ],
      }),
    }),
  });
  test.warnings.raise("records.waiting", "More than 1000 changes wait");
  await clock.advance(60_000);
  await (await test.ask("/status")).body?.cancel();
  await (await test.ask("/nothing")).body?.cancel();
  const response = await test.ask("/metrics");
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  for (
    const line of [
      'clockblock_sync_state{stream="events",state="connected"} 1',
      'clockblock_sync_waiting_rows{stream="playtime"} 0',
      'clockblock_sync_waiting_rows{stream="events"} 7',
      'clockblock_sync_waiting_oldest_seconds{stream="playtime"} 0',
      'clockblock_sync_waiting_oldest_seconds{stream="events"} 90',
      'clockblock_sync_last_success_timestamp_seconds{stream="events"} 1772452740.5',
      'clockblock_sync_request_mean_seconds{stream="events"} 0.25',
      'clockblock_sync_rows_pushed_total{stream="events"} 12',
      "clockblock_sync_running 1",
      "clockblock_records_conflicts_last_day 3",
      "clockblock_warnings 1",
      "clockblock_uptime_seconds 60",
      'clockblock_http_requests_total{status="200"} 1',
      'clockblock_http_requests_total{status="404"} 1',
      'clockblock_event_loop_delay_seconds_bucket{le="0.01"} 0',
    ]
  ) {
    assert.ok(text.split("\n").includes(line), `${line} in\n${text}`);
  }
  assert.ok(!text.includes('last_success_timestamp_seconds{stream="playtime"}'));
  assertExposition(text);
});

/** Every sample belongs to a metric that was declared before it, once, with a type that fits. */
function assertExposition(text: string) {
  assert.ok(text.endsWith("\n"));
  const declared = new Map<string, string>();
  let current = "";
  for (const line of text.trimEnd().split("\n")) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
    if (type) {
      assert.ok(!declared.has(type[1]!), `${type[1]} twice`);
      current = type[1]!;
      declared.set(current, type[2]!);
    } else if (line.startsWith("# HELP ")) {
      assert.match(line, /^# HELP [a-z_]+ \S.*$/);
    } else {
      const sample = /^([a-z_]+)(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? (\S+)$/.exec(line);
      assert.ok(sample, line);
      const suffix = declared.get(current) === "histogram" ? /_(bucket|sum|count)$/ : /$/;
      assert.equal(sample[1]!.replace(suffix, ""), current);
      assert.ok(Number.isFinite(Number(sample[4])), line);
    }
  }
}

/** How each stream's way to the cloud stands, and the rows that the cloud will not have. @module */
import type { VNode } from "preact";
import type { LaneStatus, RejectedRow, SyncStatus } from "../../contract/sync.ts";
import { ask, change } from "../live/api.ts";
import { link, machineStatus } from "../live/state.ts";
import { useAction, useAnswer } from "../live/hooks.ts";
import { duration, number } from "../model/format.ts";
import {
  laneHealth,
  readingWords,
  reportHealth,
  STREAM_NAMES,
  syncHealth,
} from "../model/health.ts";
import { Ago, Card, Dot, Failed, Figure, Instead, SureButton } from "./parts.tsx";

const MOST = 100;

export function SyncPanel(): VNode {
  const { sync = null, report } = machineStatus.value ?? {};
  const whole = report ? reportHealth(report) : syncHealth(sync);
  const action = useAction();
  const now = () =>
    action.run(async () => {
      const answered = await change<{ sync: SyncStatus }>("/sync/now");
      if (machineStatus.value) {
        machineStatus.value = { ...machineStatus.value, sync: answered.sync };
      }
    });
  const lanes = sync?.lanes ?? [];
  const used = lanes.filter(({ state }) => state !== "disabled");
  const unused = lanes.filter(({ state }) => state === "disabled");
  return (
    <>
      <Card kind="whole">
        <div class="whole-words">
          <h2 aria-live="polite">
            <Dot tone={whole.tone} />
            {whole.words}
          </h2>
          <p>{whole.detail}</p>
          {sync && used.length === 0 && (
            <p>
              To connect one, set <code>endpoint_url</code> or <code>supabase</code> in config.json.
            </p>
          )}
        </div>
        {used.length > 0 && (
          <button
            type="button"
            class="primary"
            disabled={action.busy || link.value === "offline" || link.value === "remote"}
            onClick={now}
          >
            {action.busy ? "Syncing…" : "Sync now"}
          </button>
        )}
        {action.error && <Failed what="sync now" error={action.error} />}
      </Card>
      {report && <Waiting waiting={report.waiting} />}
      <div class="lanes">
        {used.map((lane) => <Lane key={lane.stream} lane={lane} />)}
      </div>
      {used.length > 0 && unused.length > 0 && <Unused lanes={unused} />}
      <Offset sync={sync} />
      <Rejected />
    </>
  );
}

/** What waited on the machine when it last reported. */
function Waiting({ waiting }: { waiting: Readonly<Record<string, number>> }) {
  return (
    <Card title="Waiting on the machine">
      <dl class="figures">
        {Object.entries(waiting).map(([stream, rows]) => (
          <Figure key={stream} name={STREAM_NAMES[stream] ?? stream}>{number(rows)}</Figure>
        ))}
      </dl>
    </Card>
  );
}

/** Streams that no cloud is named for. */
function Unused({ lanes }: { lanes: readonly LaneStatus[] }) {
  const names = lanes.map(({ stream }) => STREAM_NAMES[stream] ?? stream);
  return (
    <Card kind="unused" title="Kept on this computer">
      <p>{new Intl.ListFormat("en").format(names)}: no cloud is set for them in config.json.</p>
    </Card>
  );
}

function Lane({ lane }: { lane: LaneStatus }) {
  const { tone, words } = laneHealth(lane);
  return (
    <Card kind="lane" title={STREAM_NAMES[lane.stream] ?? lane.stream}>
      <p class="lane-state">
        <Dot tone={tone} live={lane.state === "syncing"} />
        {words}
      </p>
      {lane.stream === "records" && lane.state !== "disabled" && <Realtime />}
      {lane.reading && <Reading reading={lane.reading} />}
      {lane.last_error && (
        <div class={`why ${lane.last_error.advice ? "bad" : "warn"}`}>
          <p>{lane.last_error.message}</p>
          {lane.last_error.advice && (
            <p>
              <b>{sentence(lane.last_error.advice)}</b>
            </p>
          )}
        </div>
      )}
      <dl class="figures">
        <Figure
          name="Waiting"
          note={lane.oldest_waiting_at !== null && (
            <>
              oldest <Ago at={lane.oldest_waiting_at} />
            </>
          )}
        >
          {number(lane.rows_waiting)}
        </Figure>
        <Figure name="Last success">
          <Ago at={lane.last_success_at} none="not yet" />
        </Figure>
        <Figure name="Next try">
          <Ago at={lane.next_attempt_at} none={lane.state === "syncing" ? "now" : "–"} />
        </Figure>
        <Figure
          name="Sent"
          note={lane.mean_latency_ms !== null &&
            `${number(Math.round(lane.mean_latency_ms))} ms each`}
        >
          {number(lane.rows_pushed)}
        </Figure>
      </dl>
    </Card>
  );
}

/** How changes in the cloud come here: at once, or at the next try. */
function Realtime() {
  const { realtime = null, realtime_since = null } = machineStatus.value?.records ?? {};
  if (realtime === null) {
    return <p class="quiet">Realtime is off: the cloud is asked again and again.</p>;
  }
  return (
    <p class="quiet">
      {realtime
        ? "Realtime is connected: changes in the cloud come at once, since "
        : "Realtime is not connected: the cloud is asked again and again, since "}
      <Ago at={realtime_since} />.
    </p>
  );
}

function Reading({ reading }: { reading: NonNullable<LaneStatus["reading"]> }) {
  const { table, rows, total } = reading;
  return (
    <p class="reading">
      {readingWords(reading)}
      {total !== null && <progress aria-label={`Reading ${table}`} value={rows} max={total} />}
    </p>
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** A clock this much off makes the wrong side of a conflict win. */
const OFFSET_SHOWN_MS = 5_000;

function Offset({ sync }: { sync: SyncStatus | null }) {
  const offset = sync?.clock_offset_ms ?? 0;
  if (Math.abs(offset) < OFFSET_SHOWN_MS) return null;
  return (
    <p class="why warn">
      This computer's clock is {duration(Math.abs(offset) / 60_000)}{" "}
      {offset > 0 ? "behind" : "ahead of"}{" "}
      the cloud's. Records allow for it; set the clock to correct it.
    </p>
  );
}

function Rejected() {
  const answer = useAnswer(
    (signal) => ask<RejectedRow[]>(`/sync/rejected?limit=${MOST}`, { signal }),
    { topics: ["sync"] },
  );
  const rows = answer.value ?? [];
  const action = useAction();
  const act = (what: "retry" | "discard", body: unknown) => () =>
    action.run(() => change(`/sync/rejected/${what}`, body)).then(answer.reload);
  if (answer.value?.length === 0) return null;
  return (
    <Card
      title="Refused by the cloud"
      aside={rows.length > 1 && (
        <button type="button" disabled={action.busy} onClick={act("retry", { all: true })}>
          Retry all
        </button>
      )}
    >
      {action.error && <Failed what="decide about these rows" error={action.error} />}
      <Instead what="what was refused" answer={answer}>
        <ul class="rejected">
          {rows.map((row) => (
            <RejectedItem
              key={`${row.stream} ${row.id}`}
              row={row}
              busy={action.busy}
              retry={act("retry", { stream: row.stream, ids: [row.id] })}
              discard={act("discard", { stream: row.stream, ids: [row.id] })}
            />
          ))}
        </ul>
      </Instead>
    </Card>
  );
}

function RejectedItem(
  { row, busy, retry, discard }: {
    row: RejectedRow;
    busy: boolean;
    retry: () => void;
    discard: () => void;
  },
) {
  return (
    <li>
      <div class="rejected-words">
        <b>{row.message}</b>
        <span class="quiet">
          {STREAM_NAMES[row.stream] ?? row.stream}, {row.table}
          {row.code && `, ${row.code}`}
          {row.status !== null && `, status ${row.status}`}, refused <Ago at={row.first_at} />
        </span>
        <details>
          <summary>The row</summary>
          <pre tabIndex={0}>{JSON.stringify(row.row, null, 2)}</pre>
        </details>
      </div>
      <div class="tools">
        <button type="button" disabled={busy} onClick={retry}>Retry</button>
        <SureButton name="Discard" question="Discard for good?" disabled={busy} run={discard} />
      </div>
    </li>
  );
}

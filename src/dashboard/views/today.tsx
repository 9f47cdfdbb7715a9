/** The first screen: playing or not, minutes left, and whether everything is synced. @module */
import type { ComponentChildren, VNode } from "preact";
import { useEffect } from "preact/hooks";
import type { DeviceState } from "../../contract/attendance.ts";
import type { Known } from "../source/source.ts";
import { arrivals, link, machineStatus, nowMs, todayDate, todayMs, zone } from "../live/state.ts";
import { source } from "../live/source.ts";
import { loadSpans, spans } from "../live/today.ts";
import {
  allowanceText,
  clock,
  counted,
  duration,
  longDay,
  number,
  relative,
} from "../model/format.ts";
import { limitOf } from "../model/limit.ts";
import { reportHealth, syncHealth, type Tone } from "../model/health.ts";
import { sessionsOf } from "../model/spans.ts";
import { addDays, dayStart } from "../model/zones.ts";
import { AllowanceCard } from "./allowance.tsx";
import { Ago, Card, Dot, Figure, Later, Loading } from "./parts.tsx";
import { Ring } from "./ring.tsx";
import { Timeline } from "./timeline.tsx";

export function TodayPanel(): VNode {
  const timeZone = zone.value;
  const day = todayDate.value;
  const from = todayMs.value;
  const to = dayStart(addDays(day, 1), timeZone);
  const reachable = link.value !== "offline" && link.value !== "locked";
  useEffect(() => {
    if (!reachable) return;
    // Why it could not be read shows where the status is shown.
    loadSpans(from).catch(() => {});
  }, [from, arrivals.value, source.value, reachable]);

  const known = machineStatus.value;
  if (!known) {
    return link.value === "offline" ? <Later /> : <Loading kind="tall" />;
  }
  return (
    <>
      <Now known={known} />
      <AllowanceCard known={known} />
      <Card title={longDay(day)} kind="day">
        <Timeline
          spans={spans.value}
          from={from}
          to={to}
          now={nowMs.value - nowMs.value % 30_000}
          timeZone={timeZone}
        />
      </Card>
      <Glance known={known} />
    </>
  );
}

function Now({ known }: { known: Known }) {
  const used = known.today.minutes_used;
  const allowance = limitOf(known.today);
  const over = Math.max(0, used - (allowance ?? Infinity));
  // Together with the minutes used, which are whole ones, it makes up the allowance.
  const exactly = Math.max(0, (allowance ?? 0) - used);
  const left = exactly < 1 ? exactly : Math.ceil(exactly - 1e-6);
  const [shown, word] = allowance === null
    ? [used, "played"]
    : over > 0
    ? [over, "over"]
    : [left, "left"];
  const words = allowance === null
    ? "no limit"
    : over > 0
    ? `${duration(over)} over, ${allowed(allowance)}`
    : allowance === 0
    ? allowed(allowance)
    : `${duration(left)} left of ${duration(allowance)}`;
  return (
    <Card kind={`now ${known.is_playing ? "playing" : ""}`}>
      <Ring used={used} allowance={allowance} label={`${duration(used)} used today: ${words}`}>
        <b class={over > 0 ? "over" : ""}>{duration(shown)}</b>
        <span>{allowance === 0 && over === 0 ? "no play today" : word}</span>
      </Ring>
      <div class="now-words">
        <Headline known={known} />
        <dl class="figures">
          <Figure name="Used">{duration(used)}</Figure>
          <Figure name="Allowance">
            {allowance === 0 ? "no play today" : allowanceText(allowance)}
          </Figure>
        </dl>
      </div>
    </Card>
  );
}

function allowed(allowance: number): string {
  return allowance === 0 ? "no play today" : `the allowance is ${duration(allowance)}`;
}

function Headline({ known }: { known: Known }) {
  const { is_playing, playing_since, process_name, last_seen } = known;
  const headline = (dot: VNode, words: string, more: ComponentChildren) => (
    <>
      <h2 aria-live="polite">{dot}{words}</h2>
      <p>{more}</p>
    </>
  );
  if (link.value === "offline") {
    const from = <Ago at={last_seen} none="before" />;
    return headline(<Dot tone="warn" />, "Agent not reached", <>What is shown is from {from}.</>);
  }
  if (is_playing) {
    const since = playing_since === null ? null : Date.parse(playing_since);
    const minutes = since === null ? 0 : (nowMs.value - since) / 60_000;
    return headline(<Dot tone="good" live />, "Playing now", [
      process_name,
      since !== null && ` since ${clock(since, zone.value)}`,
      minutes >= 1 && `, for ${duration(minutes)}`,
    ]);
  }
  if (is_playing === null) {
    const why = known.report
      ? "The machine has been silent."
      : "The agent has not seen the list of programs yet.";
    return headline(<Dot tone="warn" />, "Not known yet", why);
  }
  const last = sessionsOf(spans.value).at(-1);
  const then = last
    ? `Last played ${relative(last.to, nowMs.value)}, until ${clock(last.to, zone.value)}`
    : "Nothing played today so far.";
  return headline(<Dot tone="idle" />, "Not playing", then);
}

/** The rest of the agent in a line each, where it is in use. */
function Glance({ known }: { known: Known }) {
  const sync = known.report ? reportHealth(known.report) : syncHealth(known.sync);
  const { attendance, records, events } = known;
  const modes = Object.entries(events?.modes ?? {}).filter(([, { last_seq }]) => last_seq > 0);
  return (
    <div class="glance">
      <Tile panel="sync" name="Cloud" tone={sync.tone} words={sync.words}>{sync.detail}</Tile>
      {modes.length > 0 && (
        <Tile
          panel="events"
          name="Events"
          words={`${number(modes.reduce((sum, [, { last_seq }]) => sum + last_seq, 0))} recorded`}
        >
          in {modes.map(([mode]) => mode).join(", ")}
        </Tile>
      )}
      {attendance?.enabled && (
        <Tile
          panel="attendance"
          name="Attendance"
          tone={devicesTone(attendance.devices)}
          words={`${counted(attendance.devices.online, "device")} online`}
        >
          {attendance.devices.pending > 0
            ? `${number(attendance.devices.pending)} waiting for approval`
            : attendance.last_punch_at === null
            ? "No punch yet"
            : (
              <>
                Last punch <Ago at={attendance.last_punch_at} />
              </>
            )}
        </Tile>
      )}
      {records && records.conflicts_24h > 0 && (
        <Tile panel="records" name="Records" words={counted(records.conflicts_24h, "conflict")}>
          in the last 24 hours
        </Tile>
      )}
    </div>
  );
}

function Tile({ panel, name, tone, words, children }: {
  panel: string;
  name: string;
  tone?: Tone;
  words: string;
  children: ComponentChildren;
}) {
  return (
    <a class="tile" href={`#${panel}`}>
      <span>{name}</span>
      <b>{tone && <Dot tone={tone} />}{words}</b>
      <span>{children}</span>
    </a>
  );
}

function devicesTone({ pending, offline, online }: Readonly<Record<DeviceState, number>>): Tone {
  if (pending > 0 || offline > 0) return "warn";
  return online > 0 ? "good" : "idle";
}

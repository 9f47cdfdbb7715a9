/** Days and weeks: bars, the heat map, any range, and the numbers to take away. @module */
import type { VNode } from "preact";
import { useComputed, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { PlayDay } from "../source/source.ts";
import { nowMs, todayDate, zone } from "../live/state.ts";
import { useSource } from "../live/hooks.ts";
import { daysCsv } from "../model/csv.ts";
import { allowanceText, dayName, duration, number } from "../model/format.ts";
import { gameSums } from "../model/games.ts";
import { heatOf } from "../model/heat.ts";
import { addDays, daysBetween, dayStart } from "../model/zones.ts";
import { Bars, dayWords } from "./bars.tsx";
import { Segments } from "./forms.tsx";
import { HeatMap } from "./heat_map.tsx";
import { Card, Columns, Figure, Instead } from "./parts.tsx";

const RANGES = [7, 30, 90, 365];
const MOST_DAYS = 366;

export function HistoryPanel(): VNode {
  const timeZone = zone.value;
  const day = todayDate.value;
  // Today's bar grows: often enough for a chart, seldom enough to point at it in peace.
  const tick = useComputed(() => Math.floor(nowMs.value / 300_000)).value;
  const length = useSignal<number | null>(30);
  const chosen = useSignal({ from: addDays(day, -29), to: day });
  const { from, to } = length.value === null
    ? chosen.value
    : { from: addDays(day, 1 - length.value), to: day };
  const valid = from <= to && daysBetween(from, to) < MOST_DAYS;
  const hover = useSignal<number | null>(null);

  const answer = useSource(async (source, signal) => {
    if (!valid) return { days: [], games: [], heat: heatOf([], timeZone) };
    const range = { from, to, timeZone };
    const days = await source.days(range, { signal });
    const games = gameSums(await source.games(range, { signal }) ?? []);
    const fromMs = dayStart(from, timeZone);
    const toMs = dayStart(addDays(to, 1), timeZone);
    const slots = await source.slots({ fromMs, toMs }, { signal });
    return { days, games, heat: slots && heatOf(slots, timeZone) };
  }, { key: `${from}${to}${timeZone}${tick}`, keep: "history" });

  const days = answer.value?.days ?? [];
  const games = answer.value?.games ?? [];
  const pick = (edge: "from" | "to") => (event: Event) => {
    const { value } = event.currentTarget as HTMLInputElement;
    if (value === "") return;
    chosen.value = { from, to, [edge]: value };
    length.value = null;
  };
  return (
    <>
      <div class="tools">
        <Segments
          label="Range"
          keys={RANGES}
          pressed={length.value}
          press={(count) => void (length.value = count)}
        >
          {(count) => count === 365 ? "1 year" : `${number(count)} days`}
        </Segments>
        <label>
          <span>From</span>
          <input type="date" value={from} max={day} onChange={pick("from")} />
        </label>
        <label>
          <span>To</span>
          <input type="date" value={to} max={day} onChange={pick("to")} />
        </label>
        <button type="button" disabled={days.length === 0} onClick={() => download(days)}>
          Download CSV
        </button>
      </div>
      {!valid && (
        <p class="failed" role="alert">
          Choose a first day that is before the last, at most {number(MOST_DAYS)} days earlier.
        </p>
      )}
      <Card title="Minutes per day">
        <Instead
          what="the days"
          answer={answer}
          empty={!days.some((day) => day.minutes_used > 0) && "Nothing was played in this range."}
        >
          <Sums days={days} />
          <p class="hover" aria-live="polite">
            {hover.value === null || !days[hover.value]
              ? <span class="quiet">Point at a day to read it.</span>
              : dayWords(days[hover.value]!)}
          </p>
          <Bars days={days} hover={hover} />
          {days.some(({ allowance_min }) => allowance_min !== null) && (
            <p class="under keys">
              <span>
                <i class="key played" />Within the allowance
              </span>
              <span>
                <i class="key over" />Over it
              </span>
              <span>
                <i class="key line" />Allowance
              </span>
            </p>
          )}
          <details>
            <summary>As a table</summary>
            <DayTable days={days} />
          </details>
        </Instead>
      </Card>
      {games.length > 0 && (
        <Card title="By game">
          <ul class="games">
            {games.map(({ label, minutes_used }) => (
              <li key={label}>
                <b>{label}</b>
                {duration(minutes_used)}
              </li>
            ))}
          </ul>
        </Card>
      )}
      {answer.value?.heat !== null && (
        <Card title="By weekday and hour">
          <Instead what="the hours" answer={answer}>
            {answer.value && <HeatMap heat={answer.value.heat} />}
          </Instead>
        </Card>
      )}
    </>
  );
}

function Sums({ days }: { days: readonly PlayDay[] }) {
  const total = days.reduce((sum, { minutes_used }) => sum + minutes_used, 0);
  const most = days.reduce((most, day) => day.minutes_used > most.minutes_used ? day : most);
  const over = days.filter((day) => day.minutes_overdraft > 0).length;
  return (
    <dl class="figures">
      <Figure name="Altogether">{duration(total)}</Figure>
      <Figure name="A day">{duration(total / days.length)}</Figure>
      <Figure name="Most" note={dayName(most.date_utc)}>{duration(most.minutes_used)}</Figure>
      <Figure name="Days over">{number(over)}</Figure>
    </dl>
  );
}

function DayTable({ days }: { days: readonly PlayDay[] }) {
  const rows = useMemo(() => days.toReversed(), [days]);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Days">
      <table class="table">
        <Columns names={["Day", "Played", "Allowance", "Over"]} />
        <tbody>
          {rows.map((day) => (
            <tr key={day.date_utc}>
              <th scope="row">{dayName(day.date_utc)}</th>
              <td>{duration(day.minutes_used)}</td>
              <td>{allowanceText(day.allowance_min)}</td>
              <td>{day.allowance_min === null ? "–" : duration(day.minutes_overdraft)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function download(days: readonly PlayDay[]): void {
  const url = URL.createObjectURL(new Blob([daysCsv(days)], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `clockblock-${days[0]!.date_utc}-${days.at(-1)!.date_utc}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}

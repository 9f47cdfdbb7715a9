/** The agent as a source: its local API, asked over the page's own origin. @module */
import type { AllowanceView, Grant } from "../../contract/allowance.ts";
import type { Punch } from "../../contract/attendance.ts";
import type { GameDay } from "../../contract/games.ts";
import type { AgentCalls } from "../live/api.ts";
import type { SlotMinutes } from "../model/heat.ts";
import { type Beat, joinSpans, type PlaySpan, spansOf } from "../model/spans.ts";
import type { DayRange, Known, MachineSource, PlayDay } from "./source.ts";

const PAGE_ROWS = 5_000;
/** As much as `/slots` answers at once. */
const SLOTS_MS = 30 * 86_400_000;
/** A punch of a device whose clock is further ahead would stay above all others. */
const AHEAD_MS = 86_400_000;

export function agentSource({ ask, answer, change }: AgentCalls): MachineSource {
  return {
    status: (options) => ask<Known>("/status", options),
    async spans(sinceMs, options) {
      let spans: PlaySpan[] = [];
      // The first page of a later call is most often the only one.
      let next: string | undefined = `/history?limit=${PAGE_ROWS}`;
      while (next !== undefined) {
        const page: { value: Beat[]; next: string | undefined } = await answer(next, options);
        const inTime = page.value.filter(({ timestamp_utc }) =>
          Date.parse(timestamp_utc) >= sinceMs
        );
        spans = joinSpans(spansOf(inTime.reverse()), spans);
        next = inTime.length === page.value.length ? page.next : undefined;
      }
      return spans;
    },
    days: (range, options) => ask<PlayDay[]>(`/days?${rangeQuery(range)}`, options),
    games: (range, options) => ask<GameDay[]>(`/games?${rangeQuery(range)}`, options),
    async slots({ fromMs, toMs }, options) {
      const slots: SlotMinutes[] = [];
      for (let start = fromMs; start < toMs; start += SLOTS_MS) {
        const from = new Date(start).toISOString();
        const to = new Date(Math.min(toMs, start + SLOTS_MS)).toISOString();
        slots.push(...await ask<SlotMinutes[]>(`/slots?from=${from}&to=${to}`, options));
      }
      return slots;
    },
    allowance: (options) => ask<AllowanceView>("/allowance", options),
    grant: (grant) => change<Grant>("/allowance/grants", grant),
    punches({ limit, ...options }) {
      const to = new Date(Date.now() + AHEAD_MS).toISOString();
      return ask<Punch[]>(`/punches?limit=${limit}&to=${to}`, options);
    },
    async snapshot(mode, options) {
      const { health, snapshot } = await ask<
        { health: { snapshot_ts: string | null }; snapshot: unknown }
      >(`/local/state?mode=${encodeURIComponent(mode)}`, options);
      return health.snapshot_ts === null ? null : { at: health.snapshot_ts, state: snapshot };
    },
  };
}

function rangeQuery({ from, to, timeZone }: DayRange): string {
  return `from=${from}&to=${to}&tz=${encodeURIComponent(timeZone)}`;
}

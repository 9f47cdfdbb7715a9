/** A day as a band: played, not played, and, where there is nothing, not known. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { clock, duration, number } from "../model/format.ts";
import { clipSpans, type PlaySpan, sessionsOf, spanPath } from "../model/spans.ts";

const WIDTH = 1440;
const HEIGHT = 40;
const MOST_SESSIONS = 12;

export function Timeline(
  { spans, from, to, now, timeZone }: {
    spans: readonly PlaySpan[];
    from: number;
    to: number;
    now: number;
    timeZone: string;
  },
): VNode {
  const under = useSignal<{ at: number; words: string } | null>(null);
  const today = useMemo(() => clipSpans(spans, from, to), [spans, from, to]);
  const shape = { from, to, width: WIDTH, height: HEIGHT };
  const seen = useMemo(() => spanPath(today, shape), [today]);
  const played = useMemo(() => spanPath(today.filter(({ playing }) => playing), shape), [today]);
  const sessions = useMemo(() => sessionsOf(today), [today]);

  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const at = from + share * (to - from);
    const session = sessions.find((each) => at >= each.from && at < each.to);
    const known = today.some((span) => at >= span.from && at < span.to);
    const state = session
      ? `played ${clock(session.from, timeZone)} – ${clock(session.to, timeZone)}`
      : known
      ? "not playing"
      : at > now
      ? "still to come"
      : "no data: the agent did not run";
    under.value = { at: share, words: `${clock(at, timeZone)}, ${state}` };
  };

  const nowX = (now - from) / (to - from) * WIDTH;
  const hours = Array.from({ length: 9 }, (_, index) => from + index * (to - from) / 8);
  return (
    <div class="timeline">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Played today: ${summary(sessions, timeZone)}`}
        onPointerMove={point}
        onPointerLeave={() => void (under.value = null)}
      >
        <path class="seen" d={seen} />
        <path class="played" d={played} />
        {now > from && now < to && (
          <>
            <rect class="future" x={nowX} width={WIDTH - nowX} height={HEIGHT} />
            <rect class="now" x={nowX} width="2" height={HEIGHT} />
          </>
        )}
      </svg>
      <ol class="hours" aria-hidden="true">
        {hours.map((ms) => <li key={ms}>{clock(ms, timeZone)}</li>)}
      </ol>
      <p class="under keys" aria-hidden="true">
        {under.value?.words ?? (
          <>
            <span>
              <i class="key played" />Played
            </span>
            <span>
              <i class="key seen" />Not playing
            </span>
            <span>
              <i class="key unknown" />No data
            </span>
          </>
        )}
      </p>
      {sessions.length > 0 && (
        <ul class="sessions">
          {sessions.length > MOST_SESSIONS && (
            <li>{number(sessions.length - MOST_SESSIONS)} before</li>
          )}
          {sessions.slice(-MOST_SESSIONS).map((session) => (
            <li key={session.from}>
              <span>{clock(session.from, timeZone)} – {clock(session.to, timeZone)}</span>
              <b>{lasted(session)}</b>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** To the nearest minute: a session of 23 minutes and 58 seconds lasted 24. */
function lasted({ from, to }: PlaySpan): string {
  const minutes = (to - from) / 60_000;
  return duration(minutes < 1 ? minutes : Math.round(minutes));
}

function summary(sessions: readonly PlaySpan[], timeZone: string): string {
  if (sessions.length === 0) return "not at all";
  return sessions.map(({ from, to }) => `${clock(from, timeZone)} to ${clock(to, timeZone)}`).join(
    ", ",
  );
}

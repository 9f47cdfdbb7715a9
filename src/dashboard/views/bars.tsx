/** Days as bars, what lies beyond the allowance in its own colour, the allowance as a line over each. @module */
import type { VNode } from "preact";
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { PlayDay } from "../source/source.ts";
import { dayName, duration, number, shortDay } from "../model/format.ts";

const HEIGHT = 208;
/** Of the words beside the bars, and below them. */
const LEFT = 58;
const BELOW = 32;
/** What a day's name needs, in pixels. */
const NAME = 64;

export function Bars(
  { days, hover }: { days: readonly PlayDay[]; hover: Signal<number | null> },
): VNode {
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  useEffect(() => {
    const element = box.current!;
    const resized = new ResizeObserver(() => void (width.value = element.clientWidth));
    resized.observe(element);
    return () => {
      resized.disconnect();
      hover.value = null;
    };
  }, [days]);

  const most = Math.max(
    30,
    ...days.map((day) => Math.max(day.minutes_used, day.allowance_min ?? 0)),
  );
  // Whole hours where there are hours.
  const gap = [15, 30, 60, 120, 240, 360].find((step) => most / step <= 5) ?? 480;
  const top = Math.ceil(most * 1.05 / gap) * gap;
  const slot = Math.max(0, width.value - LEFT) / days.length;
  const every = [1, 2, 3, 5, 7, 14, 30].find((count) => count * slot >= NAME) ?? 61;
  const x = (index: number) => LEFT + index * slot;
  const y = (minutes: number) => 8 + (HEIGHT - 8) * (1 - minutes / top);
  const bar = (index: number, from: number, to: number) =>
    to > from ? `M${x(index + 0.14)} ${y(from)}V${y(to)}H${x(index + 0.86)}V${y(from)}z` : "";
  const within = ({ minutes_used, minutes_overdraft }: PlayDay) => minutes_used - minutes_overdraft;

  const move = (index: number) =>
    void (hover.value = Math.min(days.length - 1, Math.max(0, index)));
  const step = (event: KeyboardEvent) => {
    const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (by === 0) return;
    event.preventDefault();
    move((hover.value ?? days.length - 1) + by);
  };
  return (
    <div
      class="bars"
      ref={box}
      tabIndex={0}
      role="group"
      aria-label="Minutes played per day; arrow keys move from day to day"
      onKeyDown={step}
      onPointerMove={({ clientX, currentTarget }) =>
        move(Math.floor((clientX - currentTarget.getBoundingClientRect().left - LEFT) / slot))}
      onPointerLeave={() => void (hover.value = null)}
    >
      <svg width={width.value} height={HEIGHT + BELOW} aria-hidden="true">
        {hover.value !== null && (
          <rect class="at" x={x(hover.value)} y="0" width={slot} height={HEIGHT} />
        )}
        {Array.from({ length: top / gap + 1 }, (_, index) => (
          <>
            <path class="grid" d={`M${LEFT} ${y(index * gap)}H${width.value}`} />
            <text x={LEFT - 8} y={y(index * gap) + 4} text-anchor="end">
              {minutes(index * gap)}
            </text>
          </>
        ))}
        <path class="used" d={days.map((day, index) => bar(index, 0, within(day))).join("")} />
        <path
          class="beyond"
          d={days.map((day, index) => bar(index, within(day), day.minutes_used)).join("")}
        />
        <path
          class="limit"
          d={days.map(({ allowance_min }, index) =>
            allowance_min === null ? "" : `M${x(index)} ${y(allowance_min)}H${x(index + 1)}`
          ).join("")}
        />
        {days.map(({ date_utc }, index) =>
          // The last one would be cut at the edge.
          index % every === 0 && x(index + 0.5) <= width.value - NAME / 3 && (
            <text x={x(index + 0.5)} y={HEIGHT + 22} text-anchor="middle">
              {shortDay(date_utc)}
            </text>
          )
        )}
      </svg>
    </div>
  );
}

/** A day in words, shown while its bar is pointed at. */
export function dayWords(day: PlayDay): string {
  const over = day.minutes_overdraft > 0 ? `, ${duration(day.minutes_overdraft)} over` : "";
  return `${dayName(day.date_utc)}: ${duration(day.minutes_used)}${over}`;
}

function minutes(value: number): string {
  return value === 0 ? number(0) : duration(value);
}

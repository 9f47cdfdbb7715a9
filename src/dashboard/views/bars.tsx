/** Days as bars, what lies beyond the allowance in its own colour, the allowance as a line over each. @module */
import type { VNode } from "preact";
import type { Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { DayView } from "../live/answers.ts";
import { dayName, duration, number, shortDay } from "../model/format.ts";

const HEIGHT = 240;

export function Bars(
  { days, hover }: { days: readonly DayView[]; hover: Signal<number | null> },
): VNode {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);

  useEffect(() => {
    const element = box.current!;
    const made = new uPlot(options(days, hover, element.clientWidth), data(days), element);
    plot.current = made;
    const resized = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: HEIGHT })
    );
    resized.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => made.redraw(false, true);
    dark.addEventListener("change", redraw);
    return () => {
      dark.removeEventListener("change", redraw);
      resized.disconnect();
      made.destroy();
      hover.value = null;
    };
  }, [days]);

  const step = (event: KeyboardEvent) => {
    const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    const made = plot.current;
    if (by === 0 || !made) return;
    event.preventDefault();
    const at = Math.min(days.length - 1, Math.max(0, (hover.value ?? days.length - 1) + by));
    made.setCursor({ left: made.valToPos(at, "x"), top: 10 });
  };

  return (
    <div
      class="bars"
      ref={box}
      tabIndex={0}
      role="group"
      aria-label="Minutes played per day; arrow keys move from day to day"
      onKeyDown={step}
    />
  );
}

/** A day in words, for whoever points at its bar. */
export function dayWords(day: DayView): string {
  const over = day.minutes_overdraft > 0 ? `, ${duration(day.minutes_overdraft)} over` : "";
  return `${dayName(day.date_utc)}: ${duration(day.minutes_used)}${over}`;
}

function data(days: readonly DayView[]): uPlot.AlignedData {
  return [
    days.map((_, index) => index),
    days.map(({ minutes_used }) => minutes_used),
    days.map(({ minutes_used, allowance_min }) =>
      Math.min(minutes_used, allowance_min ?? Infinity)
    ),
  ];
}

function options(
  days: readonly DayView[],
  hover: Signal<number | null>,
  width: number,
): uPlot.Options {
  const bars = uPlot.paths.bars!({ size: [0.72, 40], radius: 0.15 });
  const most = Math.max(
    30,
    ...days.map((day) => Math.max(day.minutes_used, day.allowance_min ?? 0)),
  );
  // Whole hours where there are hours.
  const gap = [15, 30, 60, 120, 240, 360].find((step) => most / step <= 5) ?? 480;
  const colour = (name: string) => () => cssColour(name);
  const font = "12px system-ui, sans-serif";
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: [-0.6, days.length - 0.4] },
      y: { range: [0, Math.ceil(most * 1.05 / gap) * gap] },
    },
    series: [
      {},
      { paths: bars, fill: colour("--over"), width: 0, points: { show: false } },
      { paths: bars, fill: colour("--accent"), width: 0, points: { show: false } },
    ],
    axes: [
      {
        font,
        stroke: colour("--ink-3"),
        grid: { show: false },
        ticks: { show: false },
        size: 32,
        incrs: [1, 2, 3, 5, 7, 14, 30, 61],
        space: 64,
        values: (_, at) =>
          at.map((index) => Number.isInteger(index) ? shortDay(days[index]?.date_utc ?? "") : ""),
      },
      {
        font,
        stroke: colour("--ink-3"),
        grid: { stroke: colour("--line"), width: 1 },
        ticks: { show: false },
        size: 58,
        splits: (_, __, low, high) =>
          Array.from({ length: Math.floor((high - low) / gap) + 1 }, (_, index) => index * gap),
        values: (_, at) =>
          at.map((value) => value % 60 === 0 ? hours(value / 60) : duration(value)),
      },
    ],
    hooks: {
      draw: [(plot) => drawAllowance(plot, days)],
      setCursor: [(plot) => void (hover.value = plot.cursor.idx ?? null)],
    },
  };
}

function hours(value: number): string {
  return value === 0 ? number(0) : duration(value * 60);
}

function drawAllowance(plot: uPlot, days: readonly DayView[]): void {
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = cssColour("--ink-2");
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  days.forEach(({ allowance_min }, index) => {
    if (allowance_min === null) return;
    const y = plot.valToPos(allowance_min, "y", true);
    ctx.moveTo(plot.valToPos(index - 0.5, "x", true), y);
    ctx.lineTo(plot.valToPos(index + 0.5, "x", true), y);
  });
  ctx.stroke();
  ctx.restore();
}

function cssColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}

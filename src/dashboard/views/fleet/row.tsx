/** One machine in the list of all: what it does, today's minutes against the allowance, its week. @module */
import type { VNode } from "preact";
import { hrefOf, openMachine } from "../../live/machine.ts";
import {
  type FleetMachine,
  keyOf,
  machineState,
  STATE_TONES,
  usedText,
  weekMinutes,
} from "../../model/fleet.ts";
import { number, relative } from "../../model/format.ts";
import { Dot } from "../parts.tsx";

/** A row as it was made, and what it says: one that says the same is not made again. */
const made = new WeakMap<FleetMachine, { words: string; row: VNode }>();

export function machineRow(machine: FleetMachine, nowMs: number): VNode {
  const words = wordsOf(machine, nowMs);
  const known = made.get(machine);
  if (known?.words === words) return known.row;
  const row = <Row key={keyOf(machine)} machine={machine} words={words} nowMs={nowMs} />;
  made.set(machine, { words, row });
  return row;
}

function Row({ machine, words, nowMs }: { machine: FleetMachine; words: string; nowMs: number }) {
  const state = machineState(machine, nowMs);
  return (
    <li>
      <a
        href={hrefOf(machine)}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          openMachine(machine);
        }}
      >
        <Dot tone={STATE_TONES[state]} live={state === "playing"} />
        <span class="grow">
          <b>{machine.name}</b>
          <span class="quiet">{words}</span>
        </span>
        <span class="used">
          <span>{usedText(machine)}</span>
          {machine.limitMin !== null && (
            <progress
              max={Math.max(machine.limitMin, 1)}
              value={Math.min(machine.usedMin, machine.limitMin)}
              aria-hidden="true"
            />
          )}
        </span>
        <Week minutes={weekMinutes(machine, nowMs)} />
      </a>
    </li>
  );
}

/** What it does, since when it is silent, what waits. */
function wordsOf(machine: FleetMachine, nowMs: number): string {
  const { lastError, processName, waiting, seenMs } = machine;
  const seen = relative(seenMs, nowMs);
  const waits = waiting > 0 ? `, ${number(waiting)} waiting` : "";
  switch (machineState(machine, nowMs)) {
    case "error":
      return `${lastError}, seen ${seen}${waits}`;
    case "silent":
      return `Silent, last seen ${seen}${waits}`;
    case "over":
      return `${machine.isPlaying ? "Playing, o" : "O"}ver the allowance${waits}`;
    case "playing":
      return `Playing${processName === null ? "" : ` ${processName}`}${waits}`;
    case "idle":
      return `Not playing${waits}`;
  }
}

/** Seven days as bars; at the full height four hours. One path: a thousand rows are many elements. */
function Week({ minutes }: { minutes: readonly number[] }) {
  const total = Math.round(minutes.reduce((sum, each) => sum + each, 0) / 60);
  const bars = minutes.map((each, index) => {
    const height = each === 0 ? 1 : Math.max(2, Math.round(Math.min(1, each / 240) * 24));
    return `M${index * 8} 24v-${height}h7v${height}z`;
  });
  return (
    <svg class="week" viewBox="0 0 55 24" role="img" aria-label={`${number(total)} hrs in 7 days`}>
      <path d={bars.join("")} />
    </svg>
  );
}

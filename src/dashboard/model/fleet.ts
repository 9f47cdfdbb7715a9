/** Many machines: which of them need a person, their order, and what is looked for. @module */
import { duration, NAMES } from "./format.ts";
import { SILENT_MS } from "../source/source.ts";
import type { Tone } from "./health.ts";

export interface FleetMachine {
  readonly systemId: string;
  readonly deviceId: string;
  readonly name: string;
  readonly version: string;
  /** Allowed today, with what was granted; null without a daily limit. */
  readonly limitMin: number | null;
  readonly usedMin: number;
  /** Of the day or the week, whichever leaves less; null without a limit, or from an older agent. */
  readonly leftMin: number | null;
  readonly isPlaying: boolean;
  readonly processName: string | null;
  /** Rows that wait on it for the cloud. */
  readonly waiting: number;
  readonly lastError: string | null;
  /** Of its last report, by the cloud's clock. */
  readonly receivedMs: number;
  /** The same by this browser's clock. */
  readonly seenMs: number;
  /** UTC day → minutes of play, of the last seven days with any. */
  readonly days: Readonly<Record<string, number>>;
}

/** The most urgent first. */
const STATES = ["error", "silent", "over", "playing", "idle"] as const;
export type MachineState = typeof STATES[number];

export const STATE_TONES: Readonly<Record<MachineState, Tone | "over">> = {
  error: "bad",
  silent: "warn",
  over: "over",
  playing: "good",
  idle: "idle",
};

export function machineState(machine: FleetMachine, nowMs: number): MachineState {
  if (machine.lastError !== null) return "error";
  if (isSilent(machine, nowMs)) return "silent";
  const { limitMin, usedMin, leftMin, isPlaying } = machine;
  // Of a week that is used up only play is too much.
  if ((limitMin !== null && usedMin > limitMin) || (leftMin === 0 && isPlaying)) return "over";
  return isPlaying ? "playing" : "idle";
}

function isSilent({ seenMs }: FleetMachine, nowMs: number): boolean {
  return nowMs - seenMs > SILENT_MS;
}

export const FILTERS = ["all", "playing", "attention", "silent"] as const;
export type FleetFilter = typeof FILTERS[number];

/** What a filter shows. A machine that plays beyond its allowance is in two of them. */
export function passes(machine: FleetMachine, filter: FleetFilter, nowMs: number): boolean {
  switch (filter) {
    case "all":
      return true;
    case "playing":
      return machine.isPlaying && !isSilent(machine, nowMs);
    case "attention":
      return ["error", "silent", "over"].includes(machineState(machine, nowMs));
    case "silent":
      return isSilent(machine, nowMs);
  }
}

/** Those that a filter and a part of the name or id let through, the most urgent first, then by name. */
export function listed(
  machines: Iterable<FleetMachine>,
  { filter, text, nowMs }: { filter: FleetFilter; text: string; nowMs: number },
): FleetMachine[] {
  const wanted = text.trim().toLowerCase();
  return [...machines]
    .filter((machine) =>
      passes(machine, filter, nowMs) &&
      (`${machine.name}\n${machine.deviceId}`).toLowerCase().includes(wanted)
    )
    .map((machine) => ({ machine, rank: STATES.indexOf(machineState(machine, nowMs)) }))
    .sort((a, b) =>
      a.rank - b.rank || NAMES.compare(a.machine.name, b.machine.name) ||
      NAMES.compare(keyOf(a.machine), keyOf(b.machine))
    )
    .map(({ machine }) => machine);
}

/** What distinguishes a machine. */
export function keyOf({ systemId, deviceId }: Pick<FleetMachine, "systemId" | "deviceId">): string {
  return JSON.stringify([systemId, deviceId]);
}

/** `1 hr 10 mins of 2 hrs`; without a limit what was played. */
export function usedText({ usedMin, limitMin }: FleetMachine): string {
  return limitMin === null ? duration(usedMin) : `${duration(usedMin)} of ${duration(limitMin)}`;
}

/** The minutes of seven UTC days up to today, oldest first. */
export function weekMinutes({ days }: FleetMachine, nowMs: number): number[] {
  return Array.from({ length: 7 }, (_, index) => {
    const day = new Date(nowMs - (6 - index) * 86_400_000).toISOString().slice(0, 10);
    return days[day] ?? 0;
  });
}

/**
 * What the whole page knows, as signals: the agent's status, how it is reached, the reader's choices, and a count
 * for each topic that goes up when there is news of it.
 * @module
 */
import { computed, effect, signal } from "@preact/signals";
import type { Known } from "../source/source.ts";
import { keep, kept } from "./storage.ts";
import { dayAt, dayStart, detectedZone } from "../model/zones.ts";

/**
 * How the machine is reached: by its agent's stream, by asking the agent again and again, by the cloud in its place, not
 * at all, or only with the agent's token.
 */
export type Link = "connecting" | "live" | "polling" | "remote" | "offline" | "locked";

export const link = signal<Link>("connecting");
export const machineStatus = signal<Known | null>(null);
/** Why the cloud could not take the agent's place. */
export const cloudError = signal<Error | null>(null);
/** When the agent last answered, or the cloud in its place. */
export const heardMs = signal<number | null>(null);
/** Ticks while someone looks. */
export const nowMs = signal(Date.now());

/** Counts of news. A panel that shows a topic loads again when its count has changed. */
export const changes = {
  heartbeat: signal(0),
  allowance: signal(0),
  events: signal(0),
  punches: signal(0),
  presence: signal(0),
  people: signal(0),
  corrections: signal(0),
  devices: signal(0),
  records: signal(0),
  sync: signal(0),
  warnings: signal(0),
};
export type Topic = keyof typeof changes;

/** Goes up whenever the agent is back: whatever was shown may have changed meanwhile. */
export const arrivals = signal(0);

const ZONE_KEY = "clockblock.zone";

/** The zone that the reader chose; empty for that of the agent, whose days the allowance counts. */
export const chosenZone = signal(kept(ZONE_KEY));
export const agentZone = computed(() => machineStatus.value?.today.time_zone);
export const zone = computed(() => chosenZone.value || agentZone.value || detectedZone());

export const todayDate = computed(() => dayAt(nowMs.value, zone.value));
/** When it began. */
export const todayMs = computed(() => dayStart(todayDate.value, zone.value));

effect(() => keep(ZONE_KEY, chosenZone.value));

const EDITOR_KEY = "clockblock.editor";

/** Who corrects punches at this browser; asked for once. */
export const editor = signal(kept(EDITOR_KEY));
effect(() => keep(EDITOR_KEY, editor.value));

const hash = signal("");
addEventListener("hashchange", showRoute);
showRoute();

/** Takes the panel from the address: after `pushState`, which says nothing. */
export function showRoute(): void {
  hash.value = location.hash.slice(1);
}

/** The panel on show: the first part of what stands after the `#`. */
export const panelId = computed(() => hash.value.split("/")[0]!);
/** The part of that panel: `days` in `#attendance/days`. */
export const section = computed(() => hash.value.split("/")[1] ?? "");

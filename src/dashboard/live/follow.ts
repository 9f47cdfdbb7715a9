/**
 * Keeps the page up to date: by the agent's stream, by polling where there is no stream, and by neither while
 * the page is hidden (a browser allows six connections to one address for all of its tabs together).
 * @module
 */
import { batch, effect } from "@preact/signals";
import { readStream, type SseMessage } from "../../client/mod.ts";
import type { EventsMessage } from "../../contract/events.ts";
import type { Warning } from "../../contract/status.ts";
import type { SyncStatus } from "../../contract/sync.ts";
import { isRefusal, type Known } from "../source/source.ts";
import { alerting, alertReader } from "./alerts.ts";
import { ask } from "./api.ts";
import { whileVisible } from "./while_visible.ts";
import {
  arrivals,
  changes,
  heardMs,
  type Link,
  link,
  machineStatus,
  nowMs,
  type Topic,
} from "./state.ts";
import { keepAnswer, keptAnswer } from "./kept.ts";
import { noteHeartbeat, recallSpans } from "./today.ts";
import type { Beat } from "../model/spans.ts";

const POLL_MS = 5_000;
const RETRY_MS = 1_000;
/** Time without any data after which a new stream counts as blocked, in milliseconds. */
const PATIENCE_MS = 3_000;
/** Time after which a blocked stream is tried again, in milliseconds. */
const HELD_MS = 60_000;
/** More than there can be between two polls. */
const POLLED_HEARTBEATS = 20;
/** Silence after which the stream is checked, in milliseconds. */
const QUIET_MS = 2_000;
const TIMEOUT_MS = 2_000;
/** News within this time are one change. */
const SETTLE_MS = 250;

let unlocking = Promise.withResolvers<void>();

/** Runs as long as the page. */
export async function follow(): Promise<never> {
  setInterval(() => {
    if (!document.hidden) nowMs.value = Date.now();
  }, 1_000);
  for (;;) {
    await wanted();
    if (await followStream()) {
      await refresh();
      await wait(RETRY_MS);
    } else {
      await poll();
      await wait(link.value === "polling" ? POLL_MS : RETRY_MS);
    }
  }
}

/** The token was accepted. */
export function unlocked(): void {
  link.value = "connecting";
  unlocking.resolve();
  unlocking = Promise.withResolvers<void>();
}

/** Reads the status again; what cannot be reached shows in `link`. */
export async function refresh(): Promise<void> {
  try {
    const answered = await ask<Known>("/status", { signal: AbortSignal.timeout(TIMEOUT_MS) });
    batch(() => {
      machineStatus.value = answered;
      heardMs.value = Date.now();
      if (isAway()) back("connecting");
    });
    keepAnswer("status", answered);
  } catch (error) {
    if (isRefusal(error) && error.status === 401) await locked();
    // An open stream breaks when the agent is gone; one late answer proves nothing.
    else if (link.value !== "live" && link.value !== "remote") away();
  }
}

/** Nothing answers: a page that has shown nothing yet shows what it last had. */
function away(): void {
  const last = machineStatus.value ? undefined : keptAnswer<Known>("status");
  batch(() => {
    if (last) {
      machineStatus.value = last.value;
      heardMs.value = last.atMs;
      recallSpans();
    }
    link.value = "offline";
  });
}

function isAway(): boolean {
  return link.value === "offline" || link.value === "remote";
}

/** The agent answers, perhaps again. */
function back(as: Link): void {
  const wasAway = isAway();
  link.value = as;
  if (!wasAway) return;
  // A page that its service worker has opened has no cookie: the agent's own page brings it.
  void fetch("./", { cache: "no-store" }).then((response) => response.body?.cancel()).catch(
    () => {},
  );
}

async function locked(): Promise<void> {
  link.value = "locked";
  await unlocking.promise;
}

/** Polling in place of the stream: requests everything that it would have delivered. */
async function poll(): Promise<void> {
  await refresh();
  if (isAway()) return;
  const heartbeats = await ask<Beat[]>(`/history?limit=${POLLED_HEARTBEATS}`).catch(() => []);
  batch(() => {
    // A stream that was opened meanwhile has newer data.
    if (link.value === "connecting") link.value = "polling";
    heartbeats.reverse().forEach(noteHeartbeat);
    for (const topic of Object.values(changes)) topic.value++;
  });
}

/** @returns whether there was a stream, or is reason to think that there will be */
async function followStream(): Promise<boolean> {
  const stop = new AbortController();
  let streamed = false;
  let unlockedNow = false;
  const begunMs = performance.now();
  let heard = begunMs;
  let pollAtMs = heard + PATIENCE_MS;
  // What there is to see does not wait for what changes it.
  void refresh();
  const watch = setInterval(async () => {
    if (!streamed) {
      if (link.value === "locked" || performance.now() < pollAtMs) return;
      if (performance.now() - begunMs > HELD_MS) return stop.abort();
      pollAtMs = performance.now() + POLL_MS;
      return await poll();
    }
    if (performance.now() - heard < QUIET_MS) return;
    try {
      await ask("/healthz", { signal: AbortSignal.timeout(TIMEOUT_MS) });
      heard = performance.now();
    } catch (error) {
      if (!isRefusal(error)) stop.abort();
    }
  }, 1_000);
  const letGo = whileVisible(() => () => alerting.value || stop.abort());
  try {
    const response = await fetch("/stream", { signal: stop.signal, cache: "no-store" });
    if (response.status === 401) {
      await response.body?.cancel();
      await locked();
      unlockedNow = true;
    }
    for await (const messages of readStream(response)) {
      heard = performance.now();
      streamed = true;
      if (link.value !== "live") {
        back("live");
        // The stream has no past: what happened before it is asked for.
        void refresh().then(() => arrivals.value++);
      }
      batch(() => messages.forEach(take));
    }
  } catch {
    // It broke: whether the agent answers at all shows next.
  } finally {
    clearInterval(watch);
    letGo();
    if (link.value === "live") link.value = "connecting";
  }
  return streamed || unlockedNow;
}

function take({ event, data }: SseMessage): void {
  const value: unknown = JSON.parse(data);
  const known = machineStatus.value;
  if (event === "sync" && known) machineStatus.value = { ...known, sync: value as SyncStatus };
  if (event === "warnings" && known) {
    machineStatus.value = { ...known, warnings: value as Warning[] };
  }
  if (event === "events" && known?.events) {
    const { mode, last_seq } = value as EventsMessage;
    const { modes } = known.events;
    // The panel shows the first mode that has events. Later ones change nothing but a number.
    if (modes[mode]?.last_seq === 0) {
      const health = { ...modes[mode], last_seq };
      const events = { ...known.events, modes: { ...modes, [mode]: health } };
      machineStatus.value = { ...known, events };
    }
  }
  if (event === "allowance") {
    // A threshold that was crossed, or a grant.
    const { event: threshold } = value as { event?: Parameters<typeof alertReader>[0] };
    if (threshold) alertReader(threshold);
  }
  if (event === "heartbeat") noteHeartbeat(value as Beat);
  if (event in changes) announce(event as Topic);
}

const announced = new Set<Topic>();
let settling: ReturnType<typeof setTimeout> | undefined;

function announce(topic: Topic): void {
  announced.add(topic);
  settling ??= setTimeout(() => {
    settling = undefined;
    // Events come by the hundred and change nothing of what the status says but a number.
    if ([...announced].some((topic) => topic !== "events" && topic !== "sync")) void refresh();
    batch(() => announced.forEach((topic) => changes[topic].value++));
    announced.clear();
  }, SETTLE_MS);
}

/** Resolves when the page is visible or has to alert. */
async function wanted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (alerting.value || !document.hidden) resolve();
  };
  const leave = effect(look);
  document.addEventListener("visibilitychange", look);
  await promise;
  leave();
  document.removeEventListener("visibilitychange", look);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

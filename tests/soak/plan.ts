/**
 * What is going to happen, all of it decided before it begins: when the agent dies and what the network does
 * meanwhile. The same seed and length give the same plan.
 * @module
 */
import type { LinkFault } from "../support/fault_proxy.ts";
import type { Fault } from "../support/faulty_server.ts";
import { type Random, randomOf } from "./random.ts";

/** The links that have weather: to each cloud, and from the devices to the agent. */
export const LINKS = ["events", "punches", "supabase", "devices"] as const;
export type LinkName = (typeof LINKS)[number];

export interface Life {
  runMs: number;
  end: "SIGKILL" | "SIGTERM";
}

/** A change of the weather. */
export interface Change {
  atMs: number;
  link: LinkName;
  /** What the network does, or what the server behind it does to each request. */
  fault: LinkFault | { kind: "server"; fault: Fault };
}

export interface Plan {
  lives: Life[];
  changes: Change[];
}

/** A long life shows growth, short ones catch the agent at everything it does. */
const SHORT_LIVES = 5;
const SHORT_MS = [300, 8_000] as const;
const STOPPED_SHARE = 0.2;
const CLEAR_MS = [1_000, 6_000] as const;
const FAULT_MS = [500, 6_000] as const;

export function makePlan({ seed, ms }: { seed: number; ms: number }): Plan {
  return { lives: lives(randomOf(seed, "lives"), ms), changes: changes(seed, ms) };
}

function lives(random: Random, ms: number): Life[] {
  const longMs = Math.min(15 * 60_000, Math.max(40_000, ms / 4));
  const lives: Life[] = [];
  const add = (runMs: number) => {
    lives.push({ runMs, end: random() < STOPPED_SHARE ? "SIGTERM" : "SIGKILL" });
    return runMs;
  };
  for (let planned = 0; planned < ms;) {
    planned += add(longMs * random.between(0.8, 1.2));
    for (let n = 0; n < SHORT_LIVES && planned < ms; n++) {
      planned += add(random.between(...SHORT_MS));
    }
  }
  return lives;
}

function changes(seed: number, ms: number): Change[] {
  return LINKS.flatMap((link) => {
    const random = randomOf(seed, link);
    const changes: Change[] = [];
    let atMs = 0;
    while (atMs < ms) {
      atMs += random.between(...CLEAR_MS);
      changes.push({ atMs, link, fault: anyFault(random, link) });
      atMs += random.between(...FAULT_MS);
      changes.push({ atMs, link, fault: { kind: "clear" } });
    }
    return changes;
  }).sort((a, b) => a.atMs - b.atMs);
}

function anyFault(random: Random, link: LinkName): Change["fault"] {
  const faults: Change["fault"][] = [
    { kind: "latency", ms: random.between(20, 400), jitterMs: random.between(0, 400) },
    { kind: "loss", share: random.between(0.05, 0.4) },
    { kind: "trickle", bytesPerSec: random.between(20, 400) },
    { kind: "refuse" },
    { kind: "reset" },
    { kind: "reset-after-apply" },
    { kind: "half-open" },
    { kind: "one-way", passes: random.pick(["up", "down"]) },
  ];
  // Devices do not speak HTTP of that kind.
  if (link !== "devices") {
    faults.push(
      { kind: "status", status: random.pick([408, 500, 502, 503, 504]) },
      { kind: "status", status: random.pick([429, 503]), headers: { "retry-after": "1" } },
    );
  }
  if (link === "events" || link === "punches") {
    faults.push(
      { kind: "server", fault: { kind: "duplicate" } },
      { kind: "server", fault: { kind: "half-written" } },
      { kind: "server", fault: { kind: "slow", ms: random.between(100, 2_500) } },
    );
  }
  return random.pick(faults);
}

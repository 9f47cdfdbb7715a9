/**
 * What is going to happen, all of it decided before it begins: when the agent dies and what the network does
 * meanwhile. The same seed and length give the same plan.
 * @module
 */
import type { LinkFault } from "../support/servers/fault_proxy.ts";
import type { Fault } from "../support/servers/faulty_server.ts";
import { type Random, randomOf } from "./load/random.ts";

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
  fault: LinkFault | Redirect | { kind: "server"; fault: Fault };
}

/** Requests are sent on to another origin: to that of a server which nothing may ask. */
export interface Redirect {
  kind: "redirect";
  status: 301 | 302 | 307 | 308;
  host: "127.0.0.1" | "localhost";
}

/** From `atMs` on, the clock of the agent's machine is off by so much. */
export interface ClockStep {
  atMs: number;
  offsetSec: number;
}

export interface Plan {
  lives: Life[];
  changes: Change[];
  clock: ClockStep[];
}

/** A long life shows growth, short ones catch the agent at everything it does. */
const SHORT_LIVES = 5;
const SHORT_MS = [300, 8_000] as const;
const STOPPED_SHARE = 0.2;
const CLEAR_MS = [1_000, 6_000] as const;
const FAULT_MS = [500, 6_000] as const;
const CLOCK_MS = [4_000, 16_000] as const;
const HOUR_SEC = 3_600;
const DAY_SEC = 24 * HOUR_SEC;

export function makePlan({ seed, ms }: { seed: number; ms: number }): Plan {
  return {
    lives: lives(randomOf(seed, "lives"), ms),
    changes: changes(seed, ms),
    clock: clock(randomOf(seed, "clock"), ms),
  };
}

/** A fault in a word or two: the kinds that a report counts. */
export function nameOf(fault: Change["fault"]): string {
  switch (fault.kind) {
    case "server":
      return `server: ${fault.fault.kind}`;
    case "one-way":
      return `one-way ${fault.passes}`;
    case "status":
      return `status ${Math.floor(fault.status / 100)}xx`;
    case "redirect":
    case "portal":
      return `${fault.kind} ${fault.status}`;
    default:
      return fault.kind;
  }
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

/** By hours and days, ahead and behind, and right in between: each within five steps. */
function clock(random: Random, ms: number): ClockStep[] {
  const steps: ClockStep[] = [];
  let due: number[] = [];
  for (let atMs = random.between(...CLOCK_MS); atMs < ms; atMs += random.between(...CLOCK_MS)) {
    if (due.length === 0) {
      const hours = () => Math.round(random.between(0.1, 23) * HOUR_SEC);
      const days = () => Math.round(random.between(1, 40) * DAY_SEC);
      due = [days(), -hours(), 0, hours(), -days()];
    }
    const [offsetSec] = due.splice(random.below(due.length), 1);
    steps.push({ atMs, offsetSec: offsetSec! });
  }
  return steps;
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
      { kind: "portal", status: random.pick([200, 511]) },
      {
        kind: "redirect",
        status: random.pick([301, 302, 307, 308]),
        host: random.pick(["127.0.0.1", "localhost"]),
      },
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

/**
 * Maintenance of the database while the agent runs: integrity check, daily backup, retention. A minute after the start,
 * then hourly, and at once when an error makes the database look damaged.
 * @module
 */
import { type Clock, every, logger, type Stream, systemClock, type Warnings } from "../core/mod.ts";
import { DailyBackup } from "./backup/backup.ts";
import { ClockTrust } from "./outbox/clock_trust.ts";
import { prune } from "./outbox/prune.ts";
import { noteSuspicion } from "./recovery/journal.ts";
import type { Store } from "./store.ts";
import { type BackupFinding, examine } from "./backup/examine.ts";

export interface MaintainOptions {
  signal: AbortSignal;
  warnings: Warnings;
  clock?: Clock;
  /** Streams to prune. */
  streams?: readonly Pick<Stream, "name" | "prune">[];
  /** Called when the database is damaged: opening it again repairs it. */
  onDamaged?: (damage: string) => void;
}

/** Not during the start. */
const FIRST_AFTER_MS = 60_000;
const INTERVAL_MS = 60 * 60_000;
/** Minimum time between two checks for an error that the first one found no damage for. */
const RECHECK_AFTER_MS = 10 * 60_000;

/** Maintains the database until the signal aborts. */
export async function maintain(store: Store, options: MaintainOptions): Promise<void> {
  const { signal, warnings, clock = systemClock, streams = [], onDamaged = () => {} } = options;
  const clockTrust = new ClockTrust(store, clock);
  const backup = new DailyBackup(store, clock);
  await clock.wait(FIRST_AFTER_MS, { signal });
  let checked = false;
  let falseAlarmAt = -Infinity;
  await every(INTERVAL_MS, async () => {
    const { suspected } = store;
    if (suspected && clock.monotonic() - falseAlarmAt < RECHECK_AFTER_MS) return;
    const due = await backup.due();
    if (due || suspected || !checked) {
      const finding = await reading(
        store,
        () => due ? backup.make({ signal }) : examine({ path: store.path }, { signal }),
      );
      if (signal.aborted) return;
      if (finding.state === "damaged") return giveUp(store, { ...finding, warnings, onDamaged });
      if (finding.state === "sound") {
        store.suspected = false;
        checked = true;
        if (suspected) falseAlarmAt = clock.monotonic();
      }
      report(finding, { due, warnings });
    }
    if (await clockTrust.trusted()) await prune(store, { streams, clock, signal });
  }, { signal, name: "store", clock, wake: store.suspicion });
}

/** Without checkpoints meanwhile: they could not move what the reader still needs. */
async function reading(store: Store, look: () => Promise<BackupFinding>): Promise<BackupFinding> {
  using _held = store.checkpointer.hold();
  return await look();
}

/** Warns and ends the agent: the next start repairs. */
function giveUp(
  store: Store,
  { damage, warnings, onDamaged }: {
    damage: string;
    warnings: Warnings;
    onDamaged: (damage: string) => void;
  },
): void {
  store.unsound = `the database is damaged (${damage})`;
  warnings.raise("database-damaged", `The database is damaged (${damage}) and is being repaired.`);
  try {
    noteSuspicion(store.path, damage);
  } catch (error) {
    logger("store").error("Cannot note the damage for the next start: {error}", { error });
  }
  onDamaged(damage);
}

function report(
  finding: BackupFinding,
  { due, warnings }: { due: boolean; warnings: Warnings },
): void {
  if (finding.state === "failed" && due) {
    warnings.raise(
      "backup",
      `Cannot make today's backup: ${finding.reason}. It is tried again every hour.`,
    );
  } else if (finding.state === "failed") {
    logger("store").warn("Cannot check the database: {reason}", { reason: finding.reason });
  } else if (due) {
    warnings.clear("backup");
  }
}

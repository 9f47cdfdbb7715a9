/**
 * The clock of the agent's machine: libfaketime shows the agent's process another time of day than this machine's, and
 * rereads from a file how far it is off. Timers and `performance.now()` go on as they do when a real clock is set.
 * @module
 */

/** A step is seen by the agent at most this much later. */
const REREAD_SEC = 1;

export interface MachineClock {
  /** What a process needs in its environment to have this clock. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets it, in seconds from the right time: ahead when above 0. */
  set(offsetSec: number): void;
  /** Removes the shared memory that a process leaves behind when it is killed. */
  forget(pid: number): void;
}

/**
 * @param file where the offset is kept, in a folder that is there
 * @throws {Error} where libfaketime is not installed
 */
export function startClock(
  file: string,
  { library = findLibrary() }: { library?: string | null } = {},
): MachineClock {
  if (library === null) {
    throw new Error(
      "Cannot set the agent's clock: libfaketime is not installed (Debian, Ubuntu: apt-get install libfaketime)",
    );
  }
  const clock: MachineClock = {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: String(REREAD_SEC),
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    },
    set(offsetSec) {
      Deno.writeTextFileSync(`${file}.new`, `${offsetSec < 0 ? "" : "+"}${offsetSec}\n`);
      // Half of a file is never read.
      Deno.renameSync(`${file}.new`, file);
    },
    forget(pid) {
      for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`]) {
        try {
          Deno.removeSync(`/dev/shm/${name}`);
        } catch {
          // A process that ended by itself has removed it.
        }
      }
    },
  };
  clock.set(0);
  return clock;
}

/** Where Debian has it, whatever the machine's architecture; null where it is not installed. */
export function findLibrary(): string | null {
  if (Deno.build.os !== "linux") return null;
  for (const { name } of Deno.readDirSync("/usr/lib")) {
    const path = `/usr/lib/${name}/faketime/libfaketimeMT.so.1`;
    try {
      Deno.statSync(path);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

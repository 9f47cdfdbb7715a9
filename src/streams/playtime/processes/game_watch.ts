/** Finds the configured games in the process list, within a time limit. @module */
import { type Clock, Deadline, type Warnings } from "../../../core/mod.ts";
import {
  type Game,
  gameLabeller,
  gamesFinder,
  neverSeen,
  type ProcessName,
  toMatchers,
} from "./matchers.ts";
import { type Process, type ProcessLister, systemLister } from "./mod.ts";

export interface GameWatchOptions {
  /** Lists processes (default: this system's own list). */
  lister?: ProcessLister | undefined;
  clock: Clock;
  warnings: Warnings;
}

/** Warning code while `process_name` needs what this system does not report. */
const NEVER_SEEN = "process-name";

export class GameWatch {
  readonly #options: GameWatchOptions;
  #configured: ProcessName | null;
  #list!: ProcessLister;
  #find!: (processes: readonly Process[]) => Game[];
  #labelOf!: (image: string) => string;

  constructor(processName: ProcessName | null, options: GameWatchOptions) {
    this.#options = options;
    this.#configured = processName;
    this.#derive();
  }

  /** Applies from the next poll on. */
  configure(processName: ProcessName | null): void {
    if (JSON.stringify(processName) === JSON.stringify(this.#configured)) return;
    this.#configured = processName;
    this.#derive();
  }

  /**
   * The games that run.
   * @throws when the list failed, made no sense, or did not come in time
   */
  async look({ timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }): Promise<Game[]> {
    signal.throwIfAborted();
    const find = this.#find;
    using deadline = new Deadline({ ms: timeoutMs, signal, clock: this.#options.clock });
    return find(await deadline.limit(this.#list({ signal: deadline.signal })));
  }

  /** The game of a process of which only its name is known, as in a heartbeat. */
  labelOf(image: string): string {
    return this.#labelOf(image);
  }

  #derive(): void {
    const { lister, warnings } = this.#options;
    const matchers = toMatchers(this.#configured);
    this.#list = lister ?? systemLister(matchers);
    this.#find = gamesFinder(matchers);
    this.#labelOf = gameLabeller(this.#configured);
    if (!neverSeen(matchers, Deno.build.os)) return warnings.clear(NEVER_SEEN);
    const hidden = Deno.build.os === "windows" ? "command" : "window_title";
    warnings.raise(
      NEVER_SEEN,
      `Every "process_name" asks for a "${hidden}", which this system does not tell: nothing will count as the game. Add one without it.`,
    );
  }
}

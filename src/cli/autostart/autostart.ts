/**
 * Start at login: what each system's way of it can do. All of them do the same twice as once, and none touches data.
 * @module
 */
import type { InstallSteps } from "./install_steps.ts";
import type { Program } from "./program.ts";

export interface Autostart {
  /** What is registered, for people. */
  readonly what: string;
  /** The programs of the system that it is done with. */
  readonly tools: readonly string[];
  /**
   * Has the system start the program at login.
   * @param options.replace whether to take the place of another folder's
   * @throws {AutostartError} when the system does not do it, or does it for another folder
   */
  install(
    program: Program,
    steps: InstallSteps,
    options?: { replace?: boolean },
  ): Promise<Registration>;
  /**
   * Undoes that, and ends the agent that it started.
   * @returns whether there was something to undo
   */
  uninstall(folder: string, steps: InstallSteps): Promise<boolean>;
  /** What else is good to know. */
  readonly hints: readonly string[];
}

export interface Registration {
  /** What was registered before: nothing, something else, or just this. */
  readonly state: "new" | "changed" | "same";
  /** Whether the system runs it now; undefined where that cannot be known. */
  readonly active?: boolean;
  /** Starts it now; restarts it if it runs. */
  start(): Promise<void>;
}

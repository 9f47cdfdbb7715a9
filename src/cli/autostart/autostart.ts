/** The interface to a system's start at login. Every method may be repeated, and none touches data. @module */
import type { InstallSteps } from "./install_steps.ts";
import type { Program } from "./program.ts";

export interface Autostart {
  /** Name of the registration, for people. */
  readonly what: string;
  /** The programs of the system that it runs. */
  readonly tools: readonly string[];
  /**
   * Has the system start the program at login.
   * @param options.replace whether to take the place of another folder's
   * @throws {AutostartError} when the system refuses, or another folder is registered
   */
  install(
    program: Program,
    steps: InstallSteps,
    options?: { replace?: boolean },
  ): Promise<Registration>;
  /**
   * Undoes `install` and ends the agent that it started.
   * @returns whether there was something to undo
   */
  uninstall(folder: string, steps: InstallSteps): Promise<boolean>;
  /** Further notes for the user. */
  readonly hints: readonly string[];
}

export interface Registration {
  /** Against the registration before: there was none, it was another, or the same. */
  readonly state: "new" | "changed" | "same";
  /** Whether the system runs it now; undefined where the system does not tell. */
  readonly active?: boolean;
  /** Starts it now; restarts it if it runs. */
  start(): Promise<void>;
}

/** Programs of the system as a test pretends them: what was asked of them, and what they answer. @module */
import type { RunProgram } from "../../../src/cli/autostart/mod.ts";

export interface SystemPrograms {
  run: RunProgram;
  /** Every command line so far. */
  readonly calls: string[];
}

/** The first pattern that a command line begins with answers; without one it succeeds and prints nothing. */
export function systemPrograms(
  answers: Readonly<Record<string, { code?: number; stdout?: string; stderr?: string } | Error>> =
    {},
): SystemPrograms {
  const calls: string[] = [];
  return {
    calls,
    run(program, args) {
      const line = [program, ...args].join(" ");
      calls.push(line);
      const answer = Object.entries(answers).find(([start]) => line.startsWith(start))?.[1] ?? {};
      if (answer instanceof Error) return Promise.reject(answer);
      const { code = 0, stdout = "", stderr = "" } = answer;
      const bytes = (text: string) => new TextEncoder().encode(text);
      return Promise.resolve({ code, stdout: bytes(stdout), stderr: bytes(stderr) });
    },
  };
}

/**
 * A process that does nothing but look how late its timers fire: what the machine does to anyone. As a program it
 * prints a line for each that was late: when, and by how many milliseconds.
 * @module
 */
import { print } from "../bench/print.ts";

const INTERVAL_MS = 2;
const LATE_MS = 20;

export interface Control extends AsyncDisposable {
  /** The latest timer since a moment (`performance.timeOrigin + performance.now()`), in milliseconds. */
  latestSince(sinceMs: number): number;
}

export function startControl(): Control {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", import.meta.filename!],
    stdout: "piped",
  }).spawn();
  const late: { at: number; ms: number }[] = [];
  const reading = child.stdout.pipeThrough(new TextDecoderStream()).pipeTo(
    new WritableStream({
      write(lines) {
        for (const line of lines.trim().split("\n")) {
          const [at, ms] = line.split(" ").map(Number);
          late.push({ at: at!, ms: ms! });
        }
      },
    }),
  );
  return {
    latestSince(sinceMs) {
      let latest = 0;
      for (let index = late.length - 1; index >= 0 && late[index]!.at >= sinceMs; index--) {
        latest = Math.max(latest, late[index]!.ms);
      }
      return latest;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await reading;
    },
  };
}

if (import.meta.main) {
  let due = performance.now() + INTERVAL_MS;
  setInterval(() => {
    const now = performance.now();
    const ms = now - due;
    if (ms > LATE_MS) print(`${performance.timeOrigin + now} ${ms}`);
    due = now + INTERVAL_MS;
  }, INTERVAL_MS);
}

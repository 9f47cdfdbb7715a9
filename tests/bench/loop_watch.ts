/**
 * How long an event loop is held at most, seen by a timer of one millisecond. As a program it watches itself
 * doing nothing, and prints that: what the machine alone costs. Argument: seconds.
 * @module
 */
import { print } from "./print.ts";

/** Watches the loop of this process until it is stopped. */
export function watchLoop(): { stop(): number } {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - 1);
    last = now;
  }, 1);
  return {
    stop() {
      clearInterval(timer);
      return longest;
    },
  };
}

/** The longest hold of a process that does nothing meanwhile, in milliseconds. */
export async function idleLoop(seconds: number): Promise<number> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", import.meta.filename!, String(seconds)],
  }).output();
  return Number(new TextDecoder().decode(stdout));
}

if (import.meta.main) {
  const watch = watchLoop();
  await new Promise((resolve) => setTimeout(resolve, Number(Deno.args[0]) * 1_000));
  print(String(watch.stop()));
}

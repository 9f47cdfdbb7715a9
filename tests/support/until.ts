/**
 * Waiting for something to become true, with a deadline, instead of sleeping.
 * @module
 */

/** Polls a condition; throws with `what` when it is not true within half a minute, or as long as is said. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = "the condition",
  { withinMs = 30_000 }: { withinMs?: number } = {},
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

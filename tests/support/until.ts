/**
 * Waiting for something to become true, with a deadline, instead of sleeping.
 * @module
 */

/** Polls a condition; throws with `what` when it is not true within ten seconds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = "the condition",
): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

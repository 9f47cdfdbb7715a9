/** Waiting for parts that run side by side. @module */

/** Waits for every part, so that none works on what is closed next; the first that fails ends the others. */
export async function allEnded(
  parts: readonly (Promise<void> | undefined)[],
  endAll: () => void,
): Promise<void> {
  await Promise.allSettled(parts.map((part) => part?.catch(endAll)));
  await Promise.all(parts);
}

/**
 * A crash between two operations on files: from the n-th on every one of them fails, as nothing can happen after a crash.
 * @module
 */

const OPERATIONS = ["copyFileSync", "renameSync", "removeSync", "writeTextFileSync"] as const;

/** Does `work`, which crashes at its n-th operation that changes a file by name; whether it came that far. */
export function crashing(n: number, work: () => void): boolean {
  const original = { ...Deno };
  let done = 0;
  for (const operation of OPERATIONS) {
    const real = original[operation] as (...args: unknown[]) => unknown;
    Object.assign(Deno, {
      [operation]: (...args: unknown[]) => {
        if (++done >= n) throw new Error(`crashed before ${operation}`);
        return real(...args);
      },
    });
  }
  try {
    work();
  } catch (error) {
    if (done < n) throw error;
  } finally {
    for (const operation of OPERATIONS) Object.assign(Deno, { [operation]: original[operation] });
  }
  return done >= n;
}

/** What runs on this machine and which of it counts as the game: for people whose game is not seen. @module */
import { gameFinder, type ProcessName, toMatchers } from "./matchers.ts";
import { fullLister, type Process, type ProcessLister } from "./processes/mod.ts";

export interface Candidate extends Process {
  /** Whether it counts as the game. */
  counts: boolean;
}

/** Every program that runs, once for each name: what counts first, then by name. */
export async function candidates(
  processName: ProcessName | null,
  { lister = fullLister(), signal = new AbortController().signal }: {
    lister?: ProcessLister;
    signal?: AbortSignal;
  } = {},
): Promise<Candidate[]> {
  const find = gameFinder(toMatchers(processName));
  const byImage = new Map<string, Candidate>();
  for (const process of await lister({ signal })) {
    if (isOfTheKernel(process)) continue;
    const counts = find([process]) !== undefined;
    const known = byImage.get(process.image);
    if (!known || (counts && !known.counts)) byImage.set(process.image, { ...process, counts });
  }
  return [...byImage.values()].sort((a, b) =>
    Number(b.counts) - Number(a.counts) || a.image.localeCompare(b.image)
  );
}

/** Linux lists its own threads among the processes, their names in brackets. */
function isOfTheKernel({ command }: Process): boolean {
  return command?.startsWith("[") ?? false;
}

/** Running programs, and which count as the game, for users whose game is not found. @module */
import { gamesFinder, imageTest, type ProcessName, toMatchers } from "./matchers.ts";
import { fullLister, type Process, type ProcessLister } from "./mod.ts";

export interface Candidate extends Omit<Process, "pid"> {
  /** Whether it counts as the game. */
  counts: boolean;
  /** Whether only its window or command differs from the game's. */
  nearly: boolean;
}

/** Every running program once: those that count first, then those that nearly do, then by name. */
export async function candidates(
  processName: ProcessName | null,
  { lister = fullLister(), signal = new AbortController().signal }: {
    lister?: ProcessLister;
    signal?: AbortSignal;
  } = {},
): Promise<Candidate[]> {
  const matchers = toMatchers(processName);
  const find = gamesFinder(matchers);
  const named = matchers.map(({ image }) => imageTest(image));
  const byPid = new Map<unknown, Candidate>();
  for (const process of await lister({ signal })) {
    if (isOfTheKernel(process)) continue;
    const { pid = process, ...rest } = process;
    const counts = find([process]).length > 0;
    const nearly = !counts && named.some((hasImage) => hasImage(process));
    add(byPid, pid, { ...rest, counts, nearly });
  }
  const byImage = new Map<string, Candidate>();
  for (const candidate of byPid.values()) add(byImage, candidate.image, candidate);
  return [...byImage.values()].sort((a, b) => rank(b) - rank(a) || a.image.localeCompare(b.image));
}

/** Adds a candidate, unless one that ranks higher has the key. */
function add<K>(known: Map<K, Candidate>, key: K, candidate: Candidate): void {
  const other = known.get(key);
  if (!other || rank(candidate) > rank(other)) known.set(key, candidate);
}

function rank({ counts, nearly }: Candidate): number {
  return counts ? 2 : nearly ? 1 : 0;
}

/** Linux lists its own threads among the processes, their names in brackets. */
function isOfTheKernel({ command }: Process): boolean {
  return command?.startsWith("[") ?? false;
}

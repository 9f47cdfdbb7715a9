/** Which process is the game. A name is not enough: Java Edition is one Java program among others. @module */
import type { Allowance } from "../days/allowance.ts";
import type { Process } from "./process.ts";

/** Patterns of a process: in any case, `*` matches anything, `.exe` may be left out. */
export interface Matcher {
  image: string;
  /** Seen on Windows only. */
  window_title?: string;
  /** Seen on Linux and macOS only. */
  command?: string;
  /** Titles and commands that are not the game. */
  except?: readonly string[];
  /** Name of the game (default: the process's own). */
  label?: string;
  /** Minutes of play of this game alone. */
  daily_allowance_min?: Allowance;
}

/** A game that runs: one for each label, however many processes it has. */
export interface Game {
  readonly label: string;
  /** The name of the process that was found for it. */
  readonly process_name: string;
}

/** Games of one poll: `*` matches every program. */
export const MAX_GAMES = 16;

/** The key of the configuration: a name, a matcher, or a list of these. */
export type ProcessName = string | Matcher | readonly (string | Matcher)[];

const GAME_WINDOW = {
  window_title: "Minecraft*",
  except: ["Minecraft Launcher*", "Minecraft server"],
};

/**
 * Every launcher starts the game with its class path (`… -cp …/com/mojang/minecraft/… net.minecraft.client.main.Main`).
 * What Java runs by `-jar` or from an argument file is a server, a launcher or a tool.
 */
const GAME_COMMAND = {
  command: "*minecraft*",
  except: ["* -jar *", "*_args.txt*", "*net.minecraft.server.*", "*org.gradle.*"],
};

/** Minecraft: Bedrock, Java Edition, and any `Minecraft.exe`. */
export const MINECRAFT: readonly Matcher[] = [
  { image: "Minecraft.Windows.exe" },
  { image: "Minecraft.exe" },
  { image: "javaw.exe", ...GAME_WINDOW },
  { image: "java.exe", ...GAME_WINDOW },
  { image: "java", ...GAME_COMMAND },
  { image: "javaw", ...GAME_COMMAND },
].map((matcher) => ({ ...matcher, label: "Minecraft" }));

/** The matchers of a configuration; without one, Minecraft's. */
export function toMatchers(processName: ProcessName | null | undefined): readonly Matcher[] {
  if (processName === null || processName === undefined) return MINECRAFT;
  const names = Array.isArray(processName) ? processName : [processName];
  return names.map((name: string | Matcher) => typeof name === "string" ? { image: name } : name);
}

/** Finds the games among processes, in the order of the matchers; a process counts for one game only. */
export function gamesFinder(
  matchers: readonly Matcher[],
): (processes: readonly Process[]) => Game[] {
  const tests = matchers.map((matcher) => ({ label: matcher.label, fits: processTest(matcher) }));
  return (processes) => {
    const games = new Map<string, Game>();
    const counted = new Set<unknown>();
    for (const { label, fits } of tests) {
      for (const process of processes) {
        const { pid = process, image } = process;
        if (counted.has(pid) || !fits(process)) continue;
        counted.add(pid);
        const name = label ?? image;
        if (games.has(name)) continue;
        games.set(name, { label: name, process_name: image });
        if (games.size === MAX_GAMES) return [...games.values()];
      }
    }
    return [...games.values()];
  };
}

/** Names the game of a process of which only its name is known, as in a heartbeat. */
export function gameLabeller(
  processName: ProcessName | null,
): (image: string) => string {
  const tests = toMatchers(processName).map(({ image, label }) => ({
    label,
    fits: imageTest(image),
  }));
  return (image) => tests.find(({ fits }) => fits({ image }))?.label ?? image;
}

/** The allowances of games that have one of their own, by label, in the order of the matchers. */
export function gameAllowances(
  processName: ProcessName | null,
): ReadonlyMap<string, Allowance> {
  return new Map(
    toMatchers(processName).flatMap(({ image, label = image, daily_allowance_min }) =>
      daily_allowance_min === undefined ? [] : [[label, daily_allowance_min] as const]
    ),
  );
}

/** Whether a process has the image of a matcher. */
export function imageTest(image: string): (process: Process) => boolean {
  const fits = glob(withoutExe(image));
  return (process) => fits(withoutExe(process.image));
}

/**
 * Words in lower case, one of which is in every text with a matcher's image: the longest ASCII part of each image (the
 * lower case of other letters depends on what follows).
 */
export function imageWords(matchers: readonly Matcher[]): string[] {
  return matchers.map(({ image }) => {
    const parts = withoutExe(image).toLowerCase().split(/[^\x20-\x7e]|\*/);
    return parts.reduce((longest, part) => part.length > longest.length ? part : longest);
  });
}

/** Whether every matcher needs what this system's process list does not have: nothing can match. */
export function neverSeen(matchers: readonly Matcher[], os: typeof Deno.build.os): boolean {
  const hidden = os === "windows" ? "command" : "window_title";
  return matchers.every((matcher) => matcher[hidden] !== undefined);
}

function processTest(matcher: Matcher): (process: Process) => boolean {
  const { image, window_title, command, except = [] } = matcher;
  const hasImage = imageTest(image);
  const hasTitle = window_title === undefined ? undefined : glob(window_title);
  const hasCommand = command === undefined ? undefined : glob(command);
  const excepted = except.map(glob);
  return (process) => {
    if (!hasImage(process)) return false;
    const { windowTitle, command } = process;
    if (hasTitle && (windowTitle === undefined || !hasTitle(windowTitle))) return false;
    if (hasCommand && (command === undefined || !hasCommand(command))) return false;
    return !excepted.some((is) =>
      (windowTitle !== undefined && is(windowTitle)) || (command !== undefined && is(command))
    );
  };
}

/** A test for a pattern with `*`. Linear in the text, whose class paths can be long. */
function glob(pattern: string): (text: string) => boolean {
  const [first = "", ...rest] = pattern.toLowerCase().split("*");
  const last = rest.pop();
  return (text) => {
    const lower = text.toLowerCase();
    if (last === undefined) return lower === first;
    if (!lower.startsWith(first)) return false;
    let from = first.length;
    for (const part of rest) {
      const at = lower.indexOf(part, from);
      if (at < 0) return false;
      from = at + part.length;
    }
    return lower.length - last.length >= from && lower.endsWith(last);
  };
}

function withoutExe(image: string): string {
  return image.replace(/\.exe$/i, "");
}

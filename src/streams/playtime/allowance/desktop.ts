/**
 * Notifications of thresholds on a Linux desktop, by `notify-send`. One runs at a time; of those due meanwhile, the newest
 * of each limit is shown.
 * @module
 */
import {
  type Clock,
  Deadline,
  errorMessage,
  type Hub,
  Notifier,
  type Warnings,
} from "../../../core/mod.ts";
import { runTool } from "../processes/tool.ts";

export interface DesktopOptions {
  hub: Hub;
  warnings: Warnings;
  clock: Clock;
  signal: AbortSignal;
  /** The program (default: this system's `notify-send`). */
  program?: string;
  os?: typeof Deno.build.os;
  /** A variable of the environment. */
  variable?: (name: string) => string | undefined;
}

/** An event of a threshold. */
interface Threshold {
  body: string;
  severity: string;
  /** The game; null: all play. */
  symbol: string | null;
}

/** Variables of the session bus. The child gets no others: Deno refuses to pass LD_* on. */
const BUS = ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"];

/** Time limit of one call. */
const TIMEOUT_MS = 10_000;

const FAILED = "desktop";

/** Notifies until the signal aborts. A failure is a warning. */
export async function notifyDesktop(
  { hub, warnings, signal, clock, ...options }: DesktopOptions,
): Promise<void> {
  const { program = "notify-send", os = Deno.build.os } = options;
  const failed = (reason: string) =>
    warnings.raise(FAILED, `Cannot show notifications on the desktop: ${reason}.`);
  if (os !== "linux") {
    return failed("desktop_notifications is for Linux, elsewhere the page notifies");
  }
  const env = busAddress(options.variable ?? ((name) => Deno.env.get(name)));
  const call = async (args: readonly string[]) => {
    try {
      using deadline = new Deadline({ ms: TIMEOUT_MS, signal, clock });
      await runTool(program, args, { signal: deadline.signal, env });
      return true;
    } catch (error) {
      if (!signal.aborted) failed(errorMessage(error));
      return false;
    }
  };

  const due = new Map<string | null, Threshold>();
  const wake = new Notifier();
  const unsubscribe = hub.subscribe(({ topic, data }) => {
    const event = topic === "allowance" ? thresholdOf(data) : undefined;
    if (!event) return;
    due.set(event.symbol, event);
    wake.notify();
  });
  try {
    // A missing program is reported at the start.
    await call(["--version"]);
    while (!signal.aborted) {
      using stopped = new Deadline({ signal });
      if (!await stopped.met(wake.notified())) return;
      wake.reset();
      for (const [symbol, event] of due) {
        due.delete(symbol);
        if (await call(argumentsOf(event))) warnings.clear(FAILED);
      }
    }
  } finally {
    unsubscribe();
  }
}

/** The sentence is the title, which is plain text: a label may have markup or backslashes, which a body interprets. */
function argumentsOf({ body, severity }: Threshold): string[] {
  // A desktop holds normal ones back while a program fills the screen.
  const urgency = severity === "warning" ? "critical" : "normal";
  return ["--app-name=ClockBlock", `--urgency=${urgency}`, "--", body];
}

function thresholdOf(data: unknown): Threshold | undefined {
  // The stream's own message: an event, or a grant.
  return (data as { event?: Threshold }).event;
}

function busAddress(variable: (name: string) => string | undefined): Record<string, string> {
  const found = BUS.map((name) => [name, variable(name)] as const);
  return Object.fromEntries(found.filter((entry): entry is [string, string] => !!entry[1]));
}

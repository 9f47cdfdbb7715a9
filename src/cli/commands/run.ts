/** `clockblock run`: the agent, until Ctrl-C. Prints the API's address once it answers. @module */
import { buildCommand, type Command } from "@stricli/core";
import { ListenError, openAgent, runAgent } from "../../agent.ts";
import { Hub, logger, systemClock, version } from "../../core/mod.ts";
import type { Context } from "../context.ts";
import { EXIT, isUserError } from "../exit.ts";
import { switchFlag } from "../flags.ts";
import {
  conflictsPathOf,
  debugs,
  logPathOf,
  secretsOf,
  startCommandLogging,
  startLogging,
} from "../logging.ts";
import { pollOnce } from "../poll_once.ts";
import { whoListens } from "../port_conflict.ts";

interface Flags {
  once: boolean;
  dryRun: boolean;
}

/** Time limit for stopping. A forced end loses nothing: the database survives a kill. */
const STOP_MS = 2_000;

export const runCommand: Command<Context> = buildCommand<Flags, [], Context>({
  docs: { brief: "Run the agent; what happens when no command is given" },
  parameters: {
    flags: {
      once: switchFlag("Look for the game once, print the heartbeat as JSON and end"),
      dryRun: switchFlag("Write nothing and send nothing; print heartbeats as JSON"),
    },
  },
  async func({ once, dryRun }) {
    if (once) await lookOnce(this, { dryRun });
    else await runUntilStopped(this, { dryRun });
  },
});

async function lookOnce(context: Context, { dryRun }: { dryRun: boolean }): Promise<void> {
  const config = context.config();
  const { stdout, stderr } = context.io;
  const level = dryRun ? "info" : config.log_level;
  await using _log = await startCommandLogging({ ...config, log_level: level }, { output: stderr });
  const agent = await openAgent(config, { dryRun });
  try {
    const heartbeat = await pollOnce(agent);
    if (!heartbeat) {
      const why = agent.warnings.list().map(({ message }) => message).join(" ");
      throw new Error(why || "Cannot tell whether the game runs");
    }
    stdout.write(`${JSON.stringify(heartbeat)}\n`);
  } finally {
    agent.close();
  }
}

async function runUntilStopped(
  context: Context,
  { dryRun }: { dryRun: boolean },
): Promise<void> {
  const { io } = context;
  const config = context.config();
  await using log = await startLogging({
    level: config.log_level,
    output: io.stderr,
    file: dryRun ? null : logPathOf(config),
    conflictsFile: dryRun ? null : conflictsPathOf(config),
    held: true,
    secrets: secretsOf(config),
  });

  const stop = new AbortController();
  const ended = new AbortController();
  const forced = Promise.withResolvers<"forced">();
  const stopListening = io.onStop((signal) => {
    if (stop.signal.aborted) return forced.resolve("forced");
    logger("agent").info("Stopping: {signal}", { signal });
    stop.abort();
    void systemClock.wait(STOP_MS, { signal: ended.signal }).then(() => forced.resolve("forced"));
  });

  const stopCatching = catchStrays();
  let started = false;
  const hub = new Hub();
  if (dryRun) {
    hub.subscribe(({ topic, data }) => {
      if (topic === "heartbeat") io.stdout.write(`${JSON.stringify(data)}\n`);
    });
  }
  const stopFollowing = hub.subscribe(({ topic }) => {
    if (topic === "config") log.setLevel(config.log_level);
  });
  const running = runAgent(config, {
    signal: stop.signal,
    hub,
    dryRun,
    file: context.configFile(),
    onListening(url) {
      // In a dry run standard output has heartbeats only.
      const output = dryRun ? io.stderr : io.stdout;
      output.write(`ClockBlock ${version} is running: ${url}\n`);
      started = true;
      logger("agent").info("Started", { version, url });
      log.release();
    },
  });
  // An error after the forced end is not reported.
  running.catch(() => {});
  try {
    const outcome = await Promise.race([running, forced.promise]);
    if (outcome === "forced") context.process.exitCode = EXIT.failed;
    else logger("agent").info("Stopped");
  } catch (error) {
    const unforeseen = started && !isUserError(error);
    logger("agent")[unforeseen ? "fatal" : "debug"]("{error}", { error });
    if (debugs(config.log_level)) log.release();
    if (error instanceof ListenError && error.cause instanceof Deno.errors.AddrInUse) {
      throw new ListenError(`${error.message} ${await whoListens(config)}`, { cause: error });
    }
    throw error;
  } finally {
    ended.abort();
    stopListening();
    stopFollowing();
    stopCatching();
  }
}

/** Logs unhandled rejections instead of ending the process. @returns a function that removes the handler */
function catchStrays(): () => void {
  const onStray = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    logger("agent").error("Unhandled error: {error}", { error: event.reason });
  };
  addEventListener("unhandledrejection", onStray);
  return () => removeEventListener("unhandledrejection", onStray);
}

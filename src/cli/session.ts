/** The agent of one command: the running one, over HTTP, or one opened for the command when none runs. @module */
import { type Agent, openAgent } from "../agent.ts";
import type { Config } from "../config/mod.ts";
import { type Clock, logger, systemClock } from "../core/mod.ts";
import { isFile, lockedBy, StoreError } from "../store/mod.ts";
import {
  type AgentClient,
  ApiError,
  apiUrlOf,
  connectAgent,
  createClient,
  NoAnswerError,
  readToken,
  tokenPathOf,
} from "./client.ts";
import type { Context } from "./context.ts";
import { startCommandLogging } from "./logging.ts";

export interface SessionOptions {
  /** Whether an agent that is opened for this command syncs meanwhile. */
  sync?: boolean;
}

/** Time limit for the lock holder to publish its address; the second where the holder is unknown. */
const PATIENCE_MS = 10_000;
const UNKNOWN_PATIENCE_MS = 3_000;
const RETRY_MS = 50;
/** Each failed attempt: another command opened the database first. */
const MAX_OPEN_TRIES = 100;

/** There is no database. */
export class NoDatabaseError extends Error {
  override readonly name = "NoDatabaseError";
}

/**
 * Calls `work` with the agent.
 * @throws {NoDatabaseError} when none runs and there is no database
 * @throws {NoAnswerError} when one runs but does not answer
 */
export async function withAgent<T>(
  context: Context,
  work: (client: AgentClient) => Promise<T>,
  { sync = false }: SessionOptions = {},
): Promise<T> {
  const config = context.config();
  await using _log = await startCommandLogging(config, { output: context.io.stderr });
  try {
    for (let tries = 1;; tries++) {
      const running = await runningAgent(config);
      if (running) return await work(running);
      const agent = await openUnlessHeld(config, { last: tries === MAX_OPEN_TRIES });
      if (agent) return await withOpened(agent, config, work, { sync });
    }
  } catch (error) {
    logger("cli").debug("{error}", { error });
    throw error;
  }
}

/** Opens the database; undefined when another command holds it, unless this is the last try. */
async function openUnlessHeld(
  config: Config,
  { last }: { last: boolean },
): Promise<Agent | undefined> {
  requireDatabase(config);
  try {
    return await openAgent(config);
  } catch (error) {
    if (!last && error instanceof StoreError && error.kind === "locked") return undefined;
    throw error;
  }
}

async function withOpened<T>(
  agent: Agent,
  config: Config,
  work: (client: AgentClient) => Promise<T>,
  { sync }: Required<SessionOptions>,
): Promise<T> {
  try {
    const client = createClient({
      url: null,
      base: `http://127.0.0.1:${config.api_port}`,
      token: await readToken(tokenPathOf(config.db_path)),
      fetch: agent.fetch,
    });
    return sync ? await syncing(agent, () => work(client)) : await work(client);
  } finally {
    agent.close();
  }
}

/**
 * The agent that holds the database; undefined when none does. Waits for a holder without an address: it is starting, or
 * is another command. After the time limit (a full disk, so that it cannot publish one) tries the configured address.
 * @throws {NoAnswerError}
 */
export async function runningAgent(
  config: Config,
  { clock = systemClock }: { clock?: Clock } = {},
): Promise<AgentClient | undefined> {
  const tokenPath = tokenPathOf(config.db_path);
  let pid: number | undefined;
  let deadline = clock.monotonic() + UNKNOWN_PATIENCE_MS;
  for (;;) {
    const held = lockedBy(config.db_path);
    if (!held) return undefined;
    const { holder } = held;
    if (holder?.url) return await connectAgent(holder.url, { tokenPath });
    if (holder && holder.pid !== pid) {
      pid = holder.pid;
      deadline = clock.monotonic() + PATIENCE_MS;
    }
    if (clock.monotonic() > deadline) {
      const client = await connectAgent(apiUrlOf(config), { tokenPath });
      await requireSameToken(client);
      return client;
    }
    await clock.wait(RETRY_MS);
  }
}

/** The agent of another folder may listen at the address: only this folder's takes the token. */
async function requireSameToken(client: AgentClient): Promise<void> {
  try {
    await client.post("/session");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new NoAnswerError(
      `Cannot reach ClockBlock: the one that answers at ${client.url} is not this folder's. ` +
        "This folder's may be starting or stopping: try again",
      { cause: error },
    );
  }
}

/** @throws {NoDatabaseError} when nothing was recorded yet */
export function requireDatabase({ db_path }: Config): void {
  if (isFile(db_path)) return;
  throw new NoDatabaseError(
    `Cannot open "${db_path}": there is no database yet. Start the agent with clockblock run`,
  );
}

async function syncing<T>(agent: Agent, work: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  const running = agent.sync.run(done.signal);
  try {
    return await work();
  } finally {
    done.abort();
    await running;
  }
}

/** A command that asks the agent: the running one, or the database itself when none runs. @module */
import {
  type BaseArgs,
  buildCommand,
  type Command,
  type FlagParametersForType,
  type TypedCommandParameters,
  type TypedPositionalParameters,
} from "@stricli/core";
import type { AgentClient } from "../client.ts";
import type { Context } from "../context.ts";
import type { Output } from "../io.ts";
import { withAgent } from "../session.ts";
import { type Painter, painter } from "../terminal.ts";

export interface Asked {
  readonly client: AgentClient;
  readonly context: Context;
  readonly stdout: Output;
  /** Colours text for `stdout`. */
  readonly paint: Painter;
}

export interface AgentCommand<Flags, Args extends BaseArgs> {
  brief: string;
  fullDescription?: string;
  flags?: FlagParametersForType<Flags, Context>;
  positional?: TypedPositionalParameters<Args, Context>;
  /** Whether an agent that is opened for this command syncs meanwhile. */
  sync?: boolean;
  /** Called before the agent is looked for. @throws {UsageError} */
  check?(flags: Flags, ...args: Args): void;
  run(asked: Asked, flags: Flags, ...args: Args): void | Promise<void>;
}

export function agentCommand<
  const Flags extends Readonly<Partial<Record<keyof Flags, unknown>>> = NonNullable<unknown>,
  const Args extends BaseArgs = [],
>(
  { brief, fullDescription, flags, positional, sync = false, check, run }: AgentCommand<
    Flags,
    Args
  >,
): Command<Context> {
  return buildCommand<Flags, Args, Context>({
    docs: { brief, ...(fullDescription === undefined ? {} : { fullDescription }) },
    // For a generic type, the compiler cannot see that these are all of its parts.
    parameters: { flags, positional } as unknown as TypedCommandParameters<Flags, Args, Context>,
    async func(flags, ...args) {
      check?.(flags, ...args);
      const { stdout } = this.io;
      const asked = { context: this, stdout, paint: painter(stdout) };
      const work = async (client: AgentClient) => await run({ ...asked, client }, flags, ...args);
      await withAgent(this, work, { sync });
    },
  });
}

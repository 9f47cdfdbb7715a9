/** A command that asks the agent: the running one, or the database itself when none runs. @module */
import {
  type BaseArgs,
  buildCommand,
  type Command,
  type TypedCommandParameters,
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

export type AgentCommand<
  Flags extends Readonly<Partial<Record<keyof Flags, unknown>>>,
  Args extends BaseArgs,
> = TypedCommandParameters<Flags, Args, Context> & {
  brief: string;
  fullDescription?: string;
  /** Whether an agent that is opened for this command syncs meanwhile. */
  sync?: boolean;
  /** Called before the agent is looked for. @throws {UsageError} */
  check?(flags: Flags, ...args: Args): void;
  run(asked: Asked, flags: Flags, ...args: Args): void | Promise<void>;
};

export function agentCommand<
  const Flags extends Readonly<Partial<Record<keyof Flags, unknown>>> = NonNullable<unknown>,
  const Args extends BaseArgs = [],
>(
  { brief, fullDescription, sync = false, check, run, ...parameters }: AgentCommand<Flags, Args>,
): Command<Context> {
  return buildCommand<Flags, Args, Context>({
    docs: { brief, ...(fullDescription === undefined ? {} : { fullDescription }) },
    // For a generic type, the compiler cannot see that the rest are these.
    parameters: parameters as unknown as TypedCommandParameters<Flags, Args, Context>,
    async func(flags, ...args) {
      check?.(flags, ...args);
      const { stdout } = this.io;
      const asked = { context: this, stdout, paint: painter(stdout) };
      const work = async (client: AgentClient) => await run({ ...asked, client }, flags, ...args);
      await withAgent(this, work, { sync });
    },
  });
}

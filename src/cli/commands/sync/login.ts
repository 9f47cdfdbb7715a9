/** `clockblock login|logout`: the sign-in to Supabase. The session is kept, encrypted; the password is not. @module */
import { buildCommand, type Command } from "@stricli/core";
import { type CloudAccount, cloudAccount } from "../../../agent.ts";
import type { Config } from "../../../config/mod.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { textFlag } from "../../flags.ts";
import { startCommandLogging } from "../../logging.ts";
import { runningAgent } from "../../session.ts";

export const loginCommand: Command<Context> = buildCommand<{ email?: string }, [], Context>({
  docs: {
    brief: "Sign in to Supabase; asks for what the configuration does not say",
    fullDescription:
      "Signs in with e-mail and password and keeps the session, encrypted, in auth.json beside the database. " +
      "The password is read from the terminal or from standard input and kept nowhere.",
  },
  parameters: {
    flags: { email: textFlag("The account (default: supabase.email)") },
  },
  async func({ email: given }) {
    const config = this.config();
    const { io } = this;
    await using _log = await startCommandLogging(config, { output: io.stderr });
    const account = await accountOf(config);
    const email = given ?? config.supabase.email ?? await io.ask("E-mail: ");
    const known = given === undefined || given === config.supabase.email;
    const password = (known ? config.supabase.password : null) ??
      await io.ask("Password: ", { secret: true });
    if (!email || !password) {
      throw new UsageError("Cannot sign in: an e-mail address and a password are needed");
    }
    await account.login(email, password);
    io.stdout.write(`Signed in as ${email}\n`);
    // A lane that waits for the sign-in starts at once.
    const running = await runningAgent(config);
    await running?.post("/sync/now");
  },
});

export const logoutCommand: Command<Context> = buildCommand<Record<never, never>, [], Context>({
  docs: { brief: "Forget the sign-in to Supabase; what is recorded waits for the next" },
  parameters: {},
  async func() {
    const config = this.config();
    await using _log = await startCommandLogging(config, { output: this.io.stderr });
    await (await accountOf(config)).logout();
    this.io.stdout.write("Signed out\n");
    if (config.supabase.password !== null) {
      this.io.stderr.write(
        "The agent will sign in again by itself: the configuration has a password\n",
      );
    }
  },
});

async function accountOf(config: Config): Promise<CloudAccount> {
  const account = await cloudAccount(config);
  if (account) return account;
  throw new UsageError(
    "Cannot sign in: no Supabase project is configured. Set supabase.url and supabase.key in config.json",
  );
}

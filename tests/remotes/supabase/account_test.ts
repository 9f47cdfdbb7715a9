/** What the account and the project make of responses, which the test gives one by one. @module */
import assert from "node:assert/strict";
import { RemoteError } from "../../../src/core/mod.ts";
import { Account, type AccountOptions } from "../../../src/remotes/supabase/account.ts";
import { memoryTokenStore } from "../../../src/remotes/supabase/mod.ts";
import { Project } from "../../../src/remotes/supabase/project.ts";

type Answer = () => Response;

const ok: Answer = () => Response.json(true);

function status(code: number, headers: Record<string, string> = {}): Answer {
  return () => Response.json({ message: "not now" }, { status: code, headers });
}

function session(name: string, { expiresInSec = 3_600 } = {}): Answer {
  const encoded = (value: unknown) =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({ alphabet: "base64url" })
      .replaceAll("=", "");
  const claims = { sub: name, exp: Math.floor(Date.now() / 1_000) + expiresInSec };
  return () =>
    Response.json({
      access_token: `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(claims)}.${encoded(0)}`,
      refresh_token: `refresh-${name}`,
      token_type: "bearer",
      expires_in: expiresInSec,
      user: { id: name, email: `${name}@example.com` },
    });
}

/** A project whose endpoints answer as told; how often each was asked. */
function project(options: Partial<AccountOptions> = {}) {
  const answers: Record<string, Answer> = {
    password: session("alice"),
    refresh_token: session("alice"),
    register_system: ok,
    health: ok,
  };
  const asked: Record<string, number> = {};
  const { tokens = memoryTokenStore() } = options;
  const cloud = new Project({
    url: "https://project.example",
    key: "sb_publishable_key",
    tokens,
    fetch: (input) => {
      const url = new URL(input instanceof Request ? input.url : String(input));
      const what = url.searchParams.get("grant_type") ?? url.pathname.split("/").at(-1)!;
      asked[what] = (asked[what] ?? 0) + 1;
      return Promise.resolve(answers[what]!());
    },
  });
  const account = new Account(cloud, {
    email: "alice@example.com",
    password: "secret",
    systems: ["pc-1"],
    tokens,
    ...options,
  });
  return { cloud, account, answers, asked };
}

/** Lets the wall clock of this process jump, until it is disposed of. */
function leapingClock(): Disposable & { leap(ms: number): void } {
  const { now } = Date;
  let aheadMs = 0;
  Date.now = () => now() + aheadMs;
  return {
    leap: (ms) => aheadMs += ms,
    [Symbol.dispose]: () => Date.now = now,
  };
}

/** The status that a call is refused with; undefined where it is not. */
async function refusal(call: Promise<unknown>): Promise<number | undefined> {
  const error = await call.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error === undefined || error instanceof RemoteError, String(error));
  return error?.status;
}

Deno.test("Account does not take a server that is broken for a refused sign-in", async () => {
  const { account, answers } = project();
  answers.password = status(500);
  assert.equal(await refusal(account.signedIn()), 500);
  answers.password = status(400);
  assert.equal(await refusal(account.signedIn()), 401);
  answers.password = session("alice");
  assert.equal(await refusal(account.signedIn()), undefined);
});

Deno.test("Account keeps its session when a refresh finds the server broken, and asks nobody to sign in", async () => {
  const tokens = memoryTokenStore();
  const { account, answers, asked } = project({ tokens });
  answers.password = session("alice", { expiresInSec: -10 });
  await account.login("alice@example.com", "secret");
  using clock = leapingClock();
  answers.refresh_token = () => {
    // supabase-js tries for half a minute, by the wall clock.
    clock.leap(60_000);
    return status(503)();
  };
  assert.equal(await refusal(account.signedIn()), 503);
  assert.equal(await refusal(account.refresh()), 503);
  assert.equal(asked.password, 1, "the password was not asked for again");
  assert.equal(await account.whoIsSignedIn(), "alice@example.com");
  answers.refresh_token = session("alice");
  assert.equal(await refusal(account.signedIn()), undefined);
  assert.equal(asked.password, 1);
});

Deno.test("Account refreshes its session once the clock is right, also when a refresh had failed under a wrong one", async () => {
  const { account, answers } = project({ email: undefined, password: undefined });
  answers.password = session("alice", { expiresInSec: -10 });
  await account.login("alice@example.com", "secret");
  using clock = leapingClock();
  const MONTH_MS = 30 * 86_400_000;
  clock.leap(MONTH_MS);
  answers.refresh_token = () => {
    clock.leap(60_000);
    return status(503)();
  };
  assert.equal(await refusal(account.signedIn()), 503);
  clock.leap(-MONTH_MS);
  answers.refresh_token = session("alice");
  assert.equal(await refusal(account.signedIn()), undefined);
});

Deno.test("Account signs in once for all who need it at the same time", async () => {
  const { account, asked } = project();
  await Promise.all(Array.from({ length: 4 }, () => account.refresh()));
  assert.equal(asked.password, 1);
});

Deno.test("Account registers the systems again for another account", async () => {
  const accounts: string[] = [];
  const { account, answers, asked } = project({ onAccount: () => accounts.push("another") });
  await account.signedIn();
  await account.signedIn();
  assert.equal(asked.register_system, 1);
  answers.password = session("bob");
  answers.register_system = () => Response.json(false);
  await account.login("bob@example.com", "secret");
  await account.signedIn();
  assert.equal(asked.register_system, 2);
  assert.equal(account.email, "bob@example.com");
  assert.equal(account.membership("pc-1"), "foreign");
  assert.equal(accounts.length, 2);
});

Deno.test("Account registers a system again that it had no answer for", async () => {
  const { account, answers, asked } = project();
  answers.register_system = status(503);
  assert.equal(await refusal(account.signedIn()), 503);
  answers.register_system = ok;
  await account.signedIn();
  assert.equal(asked.register_system, 2);
  assert.equal(account.membership("pc-1"), "member");
});

Deno.test("Project reports the Retry-After of the last response, not of one before", async () => {
  const { cloud, answers } = project();
  const { signal } = new AbortController();
  const retryAfterMs = () => cloud.failure("push to", { message: "x" }, 503).retryAfterMs;
  answers.health = status(429, { "retry-after": "60" });
  await cloud.probe(signal).catch(() => {});
  assert.equal(retryAfterMs(), 60_000);
  answers.health = status(503);
  await cloud.probe(signal).catch(() => {});
  assert.equal(retryAfterMs(), undefined);
});

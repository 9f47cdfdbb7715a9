/**
 * Signing in, staying signed in, and what is said when it does not work.
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { RemoteError } from "../../../src/core/mod.ts";
import { encryptedTokenStore, memoryTokenStore } from "../../../src/remotes/supabase/mod.ts";
import { Cloud } from "../../support/servers/cloud.ts";
import { Machine } from "../../support/machine.ts";
import { supabaseOn } from "../../support/servers/supabase.ts";
import { tempDir } from "../../support/temp.ts";
import { until } from "../../support/until.ts";

const DAY_MS = 86_400_000;
const NO_PASSWORD = { email: undefined, password: undefined };

const cloud = await Cloud.start();
const { signal } = new AbortController();

function test(behaviour: string, run: (dir: string) => Promise<void>): void {
  Deno.test(`Sign-in to Supabase ${behaviour}`, async () => {
    await cloud.empty();
    using dir = tempDir();
    await run(dir.path);
  });
}

test("is kept on the disk, encrypted, for the owner only, and used after a restart", async (dir) => {
  await supabaseOn(cloud, { tokens: files(dir), ...NO_PASSWORD })
    .login(cloud.alice.email, cloud.alice.password);
  const text = await Deno.readTextFile(join(dir, "auth.json"));
  assert.ok(!text.includes(cloud.alice.email) && !text.includes("access_token"));
  if (Deno.build.os !== "windows") {
    for (const name of ["auth.json", "auth.key"]) {
      assert.equal((await Deno.stat(join(dir, name))).mode! & 0o777, 0o600);
    }
  }
  cloud.requests.length = 0;
  await supabaseOn(cloud, { tokens: files(dir), ...NO_PASSWORD }).pull!("projects", null, {
    signal,
  });
  assert.equal(requests("token").length, 0);
});

test("is done once for all streams that need it at the same time, and kept as it is", async (dir) => {
  const remote = supabaseOn(cloud, { tokens: files(dir) });
  await Promise.all(
    Array.from({ length: 4 }, () => remote.pull!("projects", null, { signal })),
  );
  assert.equal(requests("token").length, 1);
  assert.notEqual(await files(dir).getItem("session"), null);
});

test("is kept whole when it is written several times at once", async (dir) => {
  const tokens = files(dir);
  const names = Array.from({ length: 8 }, (_, n) => `session ${n}`);
  await Promise.all(names.map((name) => tokens.setItem("session", name)));
  assert.equal(await files(dir).getItem("session"), names.at(-1));
});

test("is refreshed before it runs out", async () => {
  const remote = supabaseOn(cloud);
  cloud.tokenSec = 60;
  await remote.login(cloud.alice.email, cloud.alice.password);
  cloud.tokenSec = 3_600;
  await remote.pull!("projects", null, { signal });
  await remote.pull!("projects", null, { signal });
  assert.deepEqual(requests("token").map(({ path }) => path), [
    "/auth/v1/token?grant_type=password",
    "/auth/v1/token?grant_type=refresh_token",
  ]);
});

test("is refreshed on 401, as after a long sleep", async () => {
  await using machine = new Machine(cloud);
  await machine.sync();
  cloud.clockOffsetMs = 2 * 3_600_000;
  await machine.put("projects", "p1", { name: "house" });
  await machine.sync();
  assert.equal(machine.waiting, 0);
  assert.equal(machine.lane.state, "connected");
});

for (const days of [1, -1]) {
  test(`is not refreshed all the time when the clock is ${days} days off`, async () => {
    cloud.clockOffsetMs = days * DAY_MS;
    const remote = supabaseOn(cloud);
    for (let n = 0; n < 4; n++) await remote.pull!("projects", null, { signal });
    assert.equal(requests("token").length, 1);
  });
}

test("is asked for when the refresh token has run out: state failed, nothing lost", async () => {
  const tokens = memoryTokenStore();
  const remote = supabaseOn(cloud, { tokens });
  await remote.login(cloud.alice.email, cloud.alice.password);
  await using machine = new Machine(cloud, { supabase: { tokens, ...NO_PASSWORD } });
  await machine.sync();
  cloud.forgetSessions();
  cloud.clockOffsetMs = 2 * 3_600_000;
  await machine.put("projects", "p1", { name: "house" });
  await machine.sync();
  assert.equal(machine.lane.state, "failed");
  assert.equal(machine.waiting, 1);
  assert.match(machine.lane.last_error?.advice ?? "", /sign in again: `clockblock login`/);
  assert.match(machine.warnings.list()[0]!.message, /clockblock login/);
  cloud.clockOffsetMs = 0;
  await remote.login(cloud.alice.email, cloud.alice.password);
  await machine.sync();
  assert.equal(machine.waiting, 0);
  assert.deepEqual(machine.warnings.list(), []);
});

test("is done anew with the password when the refresh token has run out", async () => {
  await using machine = new Machine(cloud);
  await machine.sync();
  cloud.forgetSessions();
  cloud.clockOffsetMs = 2 * 3_600_000;
  await machine.put("projects", "p1", { name: "house" });
  await machine.sync();
  assert.equal(machine.waiting, 0);
});

for (
  const [file, damage] of [
    ["auth.json", "{ half of a"],
    ["auth.json", ""],
    ["auth.key", "AAAA"],
    ["auth.key", "not base64 !"],
  ] as const
) {
  test(`is asked for when ${file} holds ${JSON.stringify(damage)}`, async (dir) => {
    const tokens = files(dir);
    await supabaseOn(cloud, { tokens }).login(cloud.alice.email, cloud.alice.password);
    await Deno.writeTextFile(join(dir, file), damage);
    assert.equal(await tokens.getItem("session"), null);
    // With a password at hand, nobody is asked.
    const remote = supabaseOn(cloud, { tokens });
    await remote.pull!("projects", null, { signal });
    assert.notEqual(await files(dir).getItem("session"), null);
  });
}

test("ends with a logout, on this machine", async (dir) => {
  const remote = supabaseOn(cloud, { tokens: files(dir), ...NO_PASSWORD });
  await remote.login(cloud.alice.email, cloud.alice.password);
  await remote.logout();
  await assert.rejects(Deno.stat(join(dir, "auth.json")), Deno.errors.NotFound);
});

test("says which of the settings is wrong", async () => {
  const cases = [
    [{ password: "wrong" }, /Invalid login credentials. Check supabase.email and the password/],
    [{ email: "who@example.com" }, /Check supabase.email and the password/],
    [{ key: "sb_publishable_other" }, /Invalid API key. Check supabase.url and supabase.key/],
    [{ url: "http://127.0.0.1:1" }, /no answer/],
    [{ url: `${cloud.url}/dashboard` }, /no Supabase project. Check supabase.url/],
    [
      { fetch: () => Promise.resolve(new Response("<!doctype html>", { status: 404 })) },
      /no Supabase project. Check supabase.url/,
    ],
  ] as const;
  for (const [options, message] of cases) {
    const error = await supabaseOn(cloud, options).pull!("projects", null, { signal })
      .then(() => undefined, (reason: unknown) => reason);
    assert.ok(error instanceof RemoteError, String(error));
    assert.match(error.message, message);
    assert.ok(!error.message.includes(cloud.alice.password));
    assert.equal(error.status, message.source === "no answer" ? undefined : 401);
  }
});

test("is not taken for lost while there is no network", async () => {
  const tokens = memoryTokenStore();
  const remote = supabaseOn(cloud, { tokens, ...NO_PASSWORD });
  cloud.tokenSec = 1;
  await remote.login(cloud.alice.email, cloud.alice.password);
  cloud.plug.pull();
  const supabase = { tokens, ...NO_PASSWORD };
  // supabase-js tries for half a minute to refresh; the lane does not wait for it.
  await using machine = new Machine(cloud, { timeoutMs: 500, supabase });
  await machine.put("projects", "p1", { name: "house" });
  await machine.sync();
  assert.equal(machine.lane.state, "disconnected");
  cloud.plug.push();
  cloud.tokenSec = 3_600;
  await until(() => machine.waiting === 0);
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

function files(dir: string) {
  return encryptedTokenStore({
    sessionPath: join(dir, "auth.json"),
    keyPath: join(dir, "auth.key"),
  });
}

function requests(part: string) {
  return cloud.requests.filter(({ path }) => path.includes(part));
}

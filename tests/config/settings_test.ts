import assert from "node:assert/strict";
import { loadConfig, Settings } from "../../src/config/mod.ts";
import { Problem, Warnings } from "../../src/core/mod.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { tempDir } from "../support/temp.ts";

/** Settings that follow a real file in a folder of their own. */
function followed(text: string, given: { flags?: Map<string, string> } = {}) {
  const dir = tempDir();
  const path = `${dir.path}/config.json`;
  Deno.writeTextFileSync(path, text);
  const load = () => loadConfig({ cwd: dir.path, ...given });
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  const warnings = new Warnings({ clock });
  const settings = new Settings(load(), { file: { path, load }, warnings, clock });
  return {
    path,
    clock,
    warnings,
    settings,
    write: (text: string) => Deno.writeTextFileSync(path, text),
    warned: () => warnings.list().map(({ code, message }) => `${code}: ${message}`),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

Deno.test("Settings puts what can change into the configuration in force, and names what cannot", () => {
  using test = followed('{ "poll_interval_sec": 5, "api_port": 4000 }');
  const { settings, write, warned } = test;
  const { config } = settings;
  const { flush } = config.events;
  write(`{ "poll_interval_sec": 7, "api_port": 4001, "retention_days": 9, "process_name": "a",
    "events": { "flush": { "active_sec": 3, "active_hours": { "from": "08:00" } } } }`);
  assert.deepEqual(settings.reload(), {
    applied: [
      "process_name",
      "poll_interval_sec",
      "events.flush.active_sec",
      "events.flush.active_hours.from",
    ],
    needs_restart: ["api_port", "retention_days"],
  });
  assert.equal(config.poll_interval_sec, 7);
  assert.deepEqual(config.process_name, [{ image: "a" }]);
  assert.equal(flush.active_sec, 3, "in the object that the stream has");
  assert.equal(flush.active_hours.from, "08:00");
  assert.equal(config.api_port, 4000);
  assert.deepEqual(warned(), [
    "config-restart: api_port, retention_days have changed in the configuration and need a restart of the agent.",
  ]);
  assert.deepEqual(settings.status(), {
    needs_restart: ["api_port", "retention_days"],
    error: null,
  });

  write('{ "poll_interval_sec": 7, "api_port": 4000 }');
  settings.reload();
  assert.deepEqual(warned(), []);
  assert.equal(flush.active_sec, 15, "a key that is gone has its default again");
  assert.deepEqual(settings.reload(), { applied: [], needs_restart: [] });
});

Deno.test("Settings leaves everything in force when the file is wrong, and says where it is wrong", () => {
  using test = followed('{ "daily_allowance_min": 60 }');
  const { settings, write, warned } = test;
  const refused = (text: string, pattern: RegExp) => {
    write(text);
    assert.throws(() => settings.reload(), (error: unknown) => {
      assert.ok(error instanceof Problem);
      assert.equal(error.status, 400);
      assert.match(error.message, pattern);
      return true;
    });
    assert.equal(settings.config.daily_allowance_min, 60);
    assert.equal(warned().length, 1);
    assert.match(warned()[0]!, pattern);
    assert.match(settings.status().error!, pattern);
  };
  refused(
    '{ "daily_allowance_min": 90,\n  "poll_interval_sec": 0 }',
    /config\.json, line 2: it is 0/,
  );
  refused(
    '{ "daily_allowance_min": 90,\n\n  "pol": 0 }',
    /Unknown key pol in config\.json, line 3/,
  );
  refused('{ "daily_allowance_min": 90', /line 1, column \d+: the text ends too early/);
  Deno.removeSync(test.path);
  refused("", /it is empty/);
  write('{ "daily_allowance_min": 90 }');
  assert.deepEqual(settings.reload().applied, ["daily_allowance_min"]);
  assert.deepEqual(warned(), []);
});

Deno.test("Settings keeps what a deleted file said", () => {
  using test = followed('{ "daily_allowance_min": 60 }');
  Deno.removeSync(test.path);
  for (let look = 0; look < 2; look++) {
    assert.throws(() => test.settings.reload(), /it is no longer there/);
  }
  assert.equal(test.settings.config.daily_allowance_min, 60);
  test.write('{ "daily_allowance_min": 30 }');
  assert.deepEqual(test.settings.reload().applied, ["daily_allowance_min"]);
  assert.deepEqual(test.warned(), []);
});

Deno.test("Settings lets flags win over a changed file", () => {
  using test = followed("{}", { flags: new Map([["poll_interval_sec", "9"]]) });
  test.write('{ "poll_interval_sec": 7, "sync_interval_sec": 60 }');
  assert.deepEqual(test.settings.reload().applied, ["sync_interval_sec"]);
  assert.equal(test.settings.config.poll_interval_sec, 9);
});

Deno.test("Settings follows the file, also one that an editor replaces", async () => {
  using test = followed("{}");
  const { settings, clock, path } = test;
  const reloads: unknown[] = [];
  const stop = new AbortController();
  const watching = settings.watch(stop.signal, ({ applied }) => reloads.push(applied));
  await clock.advance(3_000);
  assert.deepEqual(reloads, []);
  test.write('{ "poll_interval_sec": 6 }');
  await clock.advance(1_000);
  assert.deepEqual(reloads, [], "it may still be being written");
  await clock.advance(1_000);
  Deno.writeTextFileSync(`${path}.new`, '{ "poll_interval_sec": 8 }');
  Deno.renameSync(`${path}.new`, path);
  await clock.advance(2_000);
  assert.deepEqual(reloads, [["poll_interval_sec"], ["poll_interval_sec"]]);
  assert.equal(settings.config.poll_interval_sec, 8);
  test.write('{ "poll_interval_sec": 0 }');
  await clock.advance(2_000);
  assert.match(test.warned().join(), /poll_interval_sec in config\.json, line 1/);
  Deno.removeSync(path);
  await clock.advance(3_000);
  assert.match(test.warned().join(), /no longer there/);
  assert.equal(settings.config.poll_interval_sec, 8);
  stop.abort();
  await watching;
});

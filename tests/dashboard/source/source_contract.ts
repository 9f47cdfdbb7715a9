/**
 * What every source of the page has to do, whatever is behind it: run on each of them, over the same machine.
 * @module
 */
import assert from "node:assert/strict";
import type { MachineSource } from "../../../src/dashboard/source/source.ts";
import type { MachinePast } from "../../support/machines/synced_machine.ts";

/** What the machine did, and ways to ask for it. */
export interface ContractMachine extends MachinePast {
  source: MachineSource;
  /** A source of the same kind with nothing at its address. */
  nowhere: MachineSource;
  /** What must not be in any message. */
  secrets: readonly string[];
}

/** Tests that `source` is a MachineSource as the views need it. */
export function sourceContract(name: string, open: () => Promise<ContractMachine>): void {
  const test = (behaviour: string, run: (machine: ContractMachine) => Promise<void>) =>
    Deno.test({
      name: `${name} ${behaviour}`,
      fn: async () => await run(await open()),
    });

  test("knows the machine: who it is, today's minutes, its modes", async (machine) => {
    const { source, deviceId, today, timeZone, minutesToday, allowanceMin, modes } = machine;
    const known = await source.status();
    assert.equal(known.device_id, deviceId);
    assert.equal(known.system_id, deviceId);
    assert.match(known.version, /^\d+\.\d+\.\d+/);
    assert.equal(known.today.date, today);
    assert.equal(known.today.time_zone, timeZone);
    assert.equal(Math.round(known.today.minutes_used), minutesToday);
    assert.equal(known.today.allowance_min, allowanceMin);
    assert.ok(Math.abs(Date.now() - Date.parse(known.last_seen!)) < 600_000, known.last_seen!);
    for (const [mode, seq] of Object.entries(modes)) {
      assert.equal(known.events?.modes[mode]?.last_seq, seq, mode);
    }
  });

  test("gives today's play as spans, oldest first, none twice", async ({ source, played, todayMs }) => {
    const spans = await source.spans(todayMs);
    assert.deepEqual(spans.map(({ from }) => from), spans.map(({ from }) => from).sort());
    for (const [index, span] of spans.entries()) {
      assert.ok(index === 0 || spans[index - 1]!.to <= span.from, "spans overlap");
    }
    assert.deepEqual(
      spans.filter(({ playing }) => playing).map(({ from, to }) => [from, to]),
      played,
    );
  });

  test("gives only what is newer when it is asked for that", async ({ source, played }) => {
    const [, [from, to] = [0, 0]] = played;
    const spans = await source.spans(from);
    assert.deepEqual(spans.filter(({ playing }) => playing).map((span) => [span.from, span.to]), [
      [from, to],
    ]);
  });

  test("has every day of a range, also those without play", async ({ source, minutes }) => {
    const [from = "", to = ""] = Object.keys(minutes).sort();
    const days = await source.days({ from, to, timeZone: "UTC" });
    const count = (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;
    assert.deepEqual(
      days.map(({ date_utc }) => date_utc),
      Array.from(
        { length: count },
        (_, index) => new Date(Date.parse(from) + index * 86_400_000).toISOString().slice(0, 10),
      ),
    );
    for (const { date_utc, minutes_used, time_zone } of days) {
      assert.equal(Math.round(minutes_used), minutes[date_utc] ?? 0, date_utc);
      assert.equal(time_zone, "UTC");
    }
  });

  test("leaves out what it does not have, and nothing else", async ({ source, today, todayMs }) => {
    const games = await source.games({ from: today, to: today, timeZone: "UTC" });
    const slots = await source.slots({ fromMs: todayMs, toMs: Date.now() });
    for (const list of [games, slots]) assert.ok(list === null || Array.isArray(list));
    const snapshot = await source.snapshot("live");
    assert.ok(snapshot === null || typeof snapshot.at === "string");
  });

  test("has the newest punches first", async ({ source, people }) => {
    const all = await source.punches({ limit: 10 });
    assert.deepEqual(all.map(({ person_id }) => person_id), people);
    const [newest] = await source.punches({ limit: 1 });
    assert.equal(newest?.id, all[0]!.id);
    assert.match(newest!.punched_at, /^\d{4}-.*\.\d{3}Z$/);
    assert.equal(newest!.struck, false);
  });

  test("grants minutes, shows them, and undoes them once", async ({ source, allowanceMin }) => {
    const before = await source.allowance();
    assert.equal(before.allowance_min, allowanceMin);
    const grant = await source.grant({ extra_min: 15, reason: "homework", made_by: "Ada" });
    assert.equal(grant.extra_min, 15);
    const granted = await source.allowance();
    assert.equal(granted.granted_min, before.granted_min + 15);
    const shown = granted.grants.find(({ id }) => id === grant.id);
    assert.deepEqual([shown?.reason, shown?.made_by, shown?.undoes], ["homework", "Ada", null]);
    await source.grant({ undoes: grant.id });
    const undone = await source.allowance();
    assert.equal(undone.granted_min, before.granted_min);
    assert.equal(undone.grants.filter(({ undoes }) => undoes === grant.id).length, 1);
  });

  test("ends with its signal", async ({ source, todayMs }) => {
    const signal = AbortSignal.abort();
    await assert.rejects(source.status({ signal }));
    await assert.rejects(source.spans(todayMs, { signal }));
    await assert.rejects(source.punches({ limit: 1, signal }));
  });

  test("fails in words that give nothing away when it cannot be reached", async (machine) => {
    const { nowhere, today, todayMs, secrets } = machine;
    for (
      const read of [
        () => nowhere.status(),
        () => nowhere.spans(todayMs),
        () => nowhere.days({ from: today, to: today, timeZone: "UTC" }),
        () => nowhere.allowance(),
        () => nowhere.punches({ limit: 1 }),
      ]
    ) {
      await assert.rejects(read, (error: Error) => {
        assert.ok(!secrets.some((secret) => error.message.includes(secret)), error.message);
        return true;
      });
    }
  });
}

/**
 * Text that would do something where it is not taken as text: kept and given back as it came, byte for byte, with
 * every other table as it was.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { DOOR, startTarget, type Target, Wire } from "./target.ts";
import { maskedFrame } from "../support/fakes/raw_wire.ts";
import { request } from "./attack.ts";
import { until } from "../support/until.ts";

const HOSTILE = [
  `'; DROP TABLE events; --`,
  `" OR ""="`,
  `1); DELETE FROM heartbeats; SELECT (1`,
  `<script>window.hacked=1</script>`,
  `<img src=x onerror="window.hacked=1">'"&amp;`,
  `\${process.exit()} {{7*7}} %s %n $(id) \`id\``,
  `=cmd|' /C calc'!A0`,
  `\u202etxt.exe\u2066 \ufeff`,
];

Deno.test("Text of programs and devices is kept as text, whatever it would do elsewhere", async (t) => {
  await using target = await startTarget();
  const before = tables(target);

  await t.step("in every field of an event", async () => {
    const sent = HOSTILE.map((text, index) => ({
      mode: "live",
      source: text,
      type: text,
      subtype: text,
      symbol: text,
      severity: "info",
      body: text,
      meta: { [text]: text, nested: [{ [text]: [text] }] },
      idempotency_key: `${text}${index}`,
    }));
    const { status, json } = await target.ask("/local/events", { method: "POST", json: sent });
    assert.equal(status, 200, JSON.stringify(json));
    const { json: kept } = await target.ask("/local/events?mode=live");
    assert.deepEqual(
      kept.map(({ id: _id, ts: _ts, seq: _seq, ...event }: Record<string, unknown>) => event),
      sent,
    );
    for (const text of HOSTILE) {
      const { json: found } = await target.ask(
        `/local/events?mode=live&type=${encodeURIComponent(text)}`,
      );
      assert.deepEqual(found.map(({ type }: { type: string }) => type), [text]);
    }
  });

  await t.step("in a state", async () => {
    const sent = Object.fromEntries(HOSTILE.map((text) => [text, [text, { [text]: text }]]));
    const { status } = await target.ask("/local/state?mode=live", { method: "PUT", json: sent });
    assert.equal(status, 200);
    const { json: { snapshot } } = await target.ask("/local/state?mode=live");
    assert.deepEqual(snapshot, sent);
  });

  await t.step("in the id and every field of a record", async () => {
    for (const text of HOSTILE) {
      const path = `/records/tasks/${encodeURIComponent(text)}`;
      const fields = { [text]: text, title: text, list: [{ [text]: text }] };
      const { status, json } = await target.ask(path, { method: "PUT", json: fields });
      assert.equal(status, 201, JSON.stringify(json));
      const { json: { updated_at: _at, system_id: _system, deleted_at: _deleted, ...kept } } =
        await target.ask(path);
      assert.deepEqual(kept, { id: text, ...fields });
    }
    const { json: all } = await target.ask("/records/tasks");
    assert.deepEqual(all.map(({ id }: { id: string }) => id).sort(), [...HOSTILE].sort());
  });

  await t.step("in a punch", async () => {
    using wire = await Wire.open(target.devicesPort);
    await wire.say(request("GET /pub/chat", {
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version": "13",
    }));
    await wire.answered();
    const say = (message: unknown) =>
      wire.say(maskedFrame(new TextEncoder().encode(JSON.stringify(message)), { opcode: 1 }));
    await say({ cmd: "reg", sn: DOOR });
    await say({
      cmd: "sendlog",
      sn: DOOR,
      count: HOSTILE.length,
      record: HOSTILE.map((name, index) => ({
        enrollid: 1_000 + index,
        name,
        time: `2026-01-06 08:00:0${index}`,
      })),
    });
    await until(() => wire.heard.includes('"sendlog"'), "the punches to be acknowledged");
    const { json: kept } = await target.ask("/punches");
    const names = kept.map(({ person_name }: { person_name: string }) => person_name);
    // A name is read by people: what turns the writing around is left out of it, and stays in `raw`.
    const shown = HOSTILE.map((text) => text.replaceAll(/[\u202e\u2066\ufeff]/g, "").trim());
    assert.deepEqual(names.sort(), shown.sort());
    const raws = kept.map(({ raw }: { raw: string }) => JSON.parse(raw).name);
    assert.deepEqual(raws.sort(), [...HOSTILE].sort());
  });

  await t.step("in a query, where it finds nothing", async () => {
    for (const text of HOSTILE) {
      const value = encodeURIComponent(text);
      const { json: people } = await target.ask(`/punches?person=${value}`);
      assert.deepEqual(people, []);
      const { status } = await target.ask(`/records/${value}`);
      assert.ok([400, 404].includes(status), `${status}`);
    }
  });

  await t.step("and no table has come or gone, and the page is the page", async () => {
    assert.deepEqual(tables(target), before);
    await target.serves();
    const page = await fetch(`${target.agent.url}/`);
    const html = await page.text();
    assert.match(
      page.headers.get("content-security-policy") ?? "",
      /default-src 'none'|script-src/,
    );
    assert.ok(!html.includes("hacked") && !html.includes(target.token));
    const { printed, file } = await target.end();
    for (const text of [printed, file]) {
      assert.ok(!text.includes(target.token));
      // deno-lint-ignore no-control-regex -- they are what is looked for
      assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
    }
  });
});

/** The names of all tables and what makes them. */
function tables({ agent }: Target): unknown[] {
  using db = new DatabaseSync(`${agent.dir}/clockblock.db`, { readOnly: true });
  return db.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY name").all();
}

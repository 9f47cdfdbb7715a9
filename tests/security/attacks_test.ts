/**
 * Attacks on both listeners of one running agent: each is refused, and after each one a program is answered and
 * a punch is taken in. At the end nothing of them is stored, and the log says each kind once.
 * @module
 */
import assert from "node:assert/strict";
import { API_ATTACKS } from "./api_attacks.ts";
import { type Attack, attempt } from "./attack.ts";
import { DEVICE_ATTACKS, NOBODY } from "./device_attacks.ts";
import { crowd, ELSEWHERE, HERE, startTarget, type Target } from "./target.ts";
import { until } from "../support/until.ts";

/** What is logged of each kind of attack, once however often it came. */
const SAID_ONCE = [
  /"message":"Refused [^"]*: Unknown Host/,
  /"message":"Refused [^"]*: Foreign origin/,
  /"message":"Refused [^"]*: Token required/,
  /"message":"Refused [^"]*: Body too large/,
  /"message":"Refused [^"]*: Too many events/,
  /"message":"Turned a web page away/,
  /"message":"Unknown device EVIL0001 at [^ ]* waits/,
  ...ELSEWHERE === HERE ? [] : [/"message":"Device [^"]*AYSK1001[^"]* uses its serial number/],
  /"message":"Cannot understand /,
  /"message":"Closed the connection of /,
  /"message":"Too many connections, closed a stranger's/,
];

async function run(attack: Attack, target: Target, port: number, from?: string): Promise<void> {
  for (const bytes of attack.says?.(target) ?? []) {
    const { statuses, heard } = await attempt(port, bytes, from === undefined ? {} : { from });
    const what = `${bytes.slice(0, 200)}\nwas answered\n${heard.slice(0, 500)}`;
    assert.ok(statuses.length > 0 || attack.mayHangUp, what);
    assert.ok(statuses.every((status) => attack.answers!.includes(status)), what);
    assert.ok(!heard.includes(target.token), what);
  }
  await attack.steps?.(target);
  await target.serves();
}

Deno.test("The agent withstands attacks on both of its ports, keeps nothing of them and says so once", async (t) => {
  await using target = await startTarget();
  await target.serves();
  for (const attack of API_ATTACKS) {
    await t.step(`API: ${attack.name}`, () => run(attack, target, target.apiPort));
  }
  for (const attack of DEVICE_ATTACKS) {
    await t.step(
      `devices: ${attack.name}`,
      () => run(attack, target, target.devicesPort, ELSEWHERE),
    );
  }

  await t.step("nothing of it is stored", async () => {
    for (const mode of ["live", "paper"]) {
      const { json: events } = await target.ask(`/local/events?mode=${mode}&limit=1000`);
      assert.deepEqual(events, []);
    }
    const { json: punches } = await target.ask("/punches?limit=5000");
    assert.equal(punches.length, target.punches);
    assert.ok(punches.every(({ person_id }: { person_id: string }) => person_id !== `${NOBODY}`));
    for (const table of ["projects", "tasks", "results"]) {
      assert.deepEqual((await target.ask(`/records/${table}?deleted=true`)).json, []);
    }
  });

  await t.step(
    "the log says each kind once, without the token or a control character",
    async () => {
      const { printed, file } = await target.end();
      for (const line of SAID_ONCE) {
        const said = printed.split("\n").filter((text) => line.test(text));
        assert.equal(said.length, 1, `${line}\n${printed}`);
      }
      assert.doesNotMatch(printed, /"level":"error"/);
      for (const text of [printed, file]) {
        assert.ok(!text.includes(target.token));
        // deno-lint-ignore no-control-regex -- they are what is looked for
        assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
      }
    },
  );
});

Deno.test({
  name: "The agent outlives more callers than the system lets it have files",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using target = await startTarget({ files: 200 });
    await target.serves();
    for (const port of [target.apiPort, target.devicesPort]) {
      using _idle = await crowd(400, port, { from: () => ELSEWHERE, mayBeRefused: true });
      await until(
        async () => {
          try {
            await target.serves();
            return true;
          } catch {
            // For a moment there is no file left and no port: a caller that asks again is answered.
            return false;
          }
        },
        "a program and a device to be served again",
        { withinMs: 30_000 },
      );
    }
    await target.serves();
    const { printed } = await target.end();
    assert.match(
      printed,
      /All connections to the API are closed, to start again: .*Too many open files/,
    );
  },
});

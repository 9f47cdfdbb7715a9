/** `records list|get|put|delete`, with the agent running and without one. @module */
import assert from "node:assert/strict";
import { cliFolder } from "../../../support/process/cli.ts";

const config = {
  process_name: "no such game",
  records: { tables: ["projects", { name: "parts", key: "part_no" }] },
};
const HUGE = '{"n":12345678901234567890,"done":false}';

for (const running of [true, false]) {
  const how = running ? "an agent that runs" : "no agent running";

  Deno.test(`records puts, gets, lists and deletes with ${how}`, async () => {
    using folder = cliFolder(config);
    const agent = await folder.start();
    if (!running) await agent[Symbol.asyncDispose]();
    await using _stopped = running ? agent : null;
    const cli = (...args: string[]) => folder.cli(...args);

    assert.match((await cli("records", "list")).out, /^projects {2}0 records .*empty\n/);
    const put = await cli("records", "put", "projects", "a/b", HUGE);
    assert.deepEqual(put, { code: 0, out: "projects a/b is stored\n", err: "" });
    folder.answers.push('{"title":"Paint \\u001b[2J","done":true}');
    const piped = await cli("records", "put", "projects", "c", "--json");
    assert.match(piped.out, /^\{"title":"Paint .*"done":true,"id":"c",.*\}\n$/);

    const got = await cli("records", "get", "projects", "a/b");
    assert.match(
      got.out,
      /^\{\n {2}"n": 12345678901234567890,\n {2}"done": false,\n {2}"id": "a\/b"/,
    );
    assert.match((await cli("records", "list")).out, /^projects {2}2 records +2 waiting/);
    const shown = await cli("records", "list", "projects", "done=true");
    assert.match(shown.out, /^c {2}\S+Z {2}\{"title":"Paint .*"done":true\}\n$/);
    assert.ok(!shown.out.includes("\x1b"));
    const one = await cli("records", "list", "projects", "n=12345678901234567890", "--json");
    assert.match(one.out, /^\{"n":12345678901234567890,"done":false,"id":"a\/b",.*\}\n$/);

    assert.equal((await cli("records", "delete", "projects", "c")).out, "projects c is deleted\n");
    assert.equal((await cli("records", "list", "projects", "done=true")).out, "No record\n");
    const since = ["--changed-since", "2020-01-01T00:00:00Z", "--json"];
    assert.match((await cli("records", "list", "projects", ...since)).out, /"id":"a\/b"/);
    const later = ["--changed-since", "2100-01-01T00:00:00Z", "--json"];
    assert.equal((await cli("records", "list", "projects", ...later)).out, "");
    const [first] = (await cli("records", "list", "--json")).out.split("\n");
    assert.equal(JSON.parse(first!).rows, 1);
  });
}

Deno.test.each(
  [
    ["an unknown table", ["list", "nowhere"], 2, /"table": expected one of projects, parts/],
    ["a filter without =", ["list", "projects", "done"], 2, /expected field=value/],
    ["a time that is none", ["list", "projects", "--changed-since", "now"], 2, /expected a time/],
    ["a record that is not there", ["get", "projects", "x"], 1, /^No such record: .*"x"\n$/],
    ["the deletion of nothing", ["delete", "projects", "x"], 1, /^No such record/],
    ["what is not JSON", ["put", "projects", "x", "{a"], 2, /its fields are not JSON/],
    ["what is no object", ["put", "projects", "x", "[1]"], 2, /expected an object with/],
    ["a missing id", ["get", "projects"], 2, /^Missing argument <id>/],
  ] as const,
)("records refuses %s", async (_, args, exit, message) => {
  using folder = cliFolder(config);
  await (await folder.start())[Symbol.asyncDispose]();
  const { code, out, err } = await folder.cli("records", ...args);
  assert.equal(code, exit);
  assert.equal(out, "");
  assert.match(err, message);
});

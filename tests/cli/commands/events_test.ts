/** Commands about application events. @module */
import assert from "node:assert/strict";
import { cliFolder } from "../../support/process/cli.ts";
import { capturedIo } from "../../support/process/captured_io.ts";
import { main } from "../../../src/cli/mod.ts";
import { until } from "../../support/until.ts";

const config = { process_name: "no such game" };
const BUY = ["--mode", "live", "--type", "trade", "--subtype", "BUY_FILLED"];

const line = (event: Record<string, unknown>) =>
  JSON.stringify({ mode: "live", source: "bot", type: "t", subtype: "S", body: "b", ...event });

Deno.test("events send stores one event, with what its flags say", async () => {
  using folder = cliFolder(config);
  await using agent = await folder.start();
  const flags = [...BUY, "--symbol", "ABC", "--meta", '{"qty":5}', "--idempotency-key", "k1"];
  const sent = await folder.cli("events", "send", ...flags, "--json", "bought 5");
  const { seq, idempotency_key, duplicate } = JSON.parse(sent.out);
  assert.deepEqual([seq, idempotency_key, duplicate, sent.code], [1, "k1", false, 0]);
  const again = await folder.cli("events", "send", ...flags, "bought 5");
  assert.equal(again.out, "1 stored, 1 of them known already\n");
  const [event] = await (await fetch(`${agent.url}/local/events?mode=live`)).json();
  assert.deepEqual(
    [event.source, event.type, event.symbol, event.severity, event.body, event.meta],
    ["cli", "trade", "ABC", "info", "bought 5", { qty: 5 }],
  );
});

Deno.test("events send stores the good lines of standard input and names the bad", async () => {
  using folder = cliFolder(config);
  await using agent = await folder.start();
  folder.answers.push(
    line({ body: "one" }),
    "",
    "{not json",
    line({ mode: "demo" }),
    line({ body: "two" }),
  );
  const { code, out, err } = await folder.cli("events", "send");
  assert.equal(code, 1);
  assert.equal(out, "2 stored\n");
  assert.match(err, /^Line 3 is not stored: it is not JSON\n/m);
  assert.match(err, /^Line 4 is not stored: mode: expected one of paper, live\n/m);
  assert.match(err, /2 not stored: correct these lines/);
  const stored = await (await fetch(`${agent.url}/local/events?mode=live`)).json();
  assert.deepEqual(stored.map(({ body }: { body: string }) => body), ["one", "two"]);
});

Deno.test("events send takes more lines than a request may have", async () => {
  using folder = cliFolder(config);
  await using _agent = await folder.start();
  folder.answers.push(
    Array.from({ length: 1_200 }, (_, n) => line({ body: `${n}` })).join("\r\n"),
  );
  assert.equal((await folder.cli("events", "send")).out, "1 200 stored\n");
});

Deno.test("events send stores without a running agent, too", async () => {
  using folder = cliFolder(config);
  await (await folder.start())[Symbol.asyncDispose]();
  assert.equal((await folder.cli("events", "send", ...BUY, "offline")).out, "1 stored\n");
});

Deno.test.each(
  [
    ["no text", [...BUY], /it has no text/],
    ["an unknown mode", ["--mode", "demo", "--type", "t", "--subtype", "s", "x"], /mode: expected/],
    ["no type", ["--mode", "live", "--subtype", "s", "x"], /type: missing/],
    ["meta that is a list", [...BUY, "--meta", "[1]", "x"], /not a JSON object/],
  ] as const,
)("events send refuses %s", async (_, args, message) => {
  using folder = cliFolder(config);
  await using _agent = await folder.start();
  const { code, err } = await folder.cli("events", "send", ...args);
  assert.equal(code, 2);
  assert.match(err, message);
});

Deno.test("events tail follows every mode, and harmless text only", async () => {
  using folder = cliFolder(config);
  await using _agent = await folder.start();
  await folder.cli("events", "send", ...BUY, "early");
  const io = capturedIo({ cwd: folder.path });
  const ended = main(["events", "tail", "--since-seq", "0"], { io });
  await io.printed(/live 1 {2}info {2}BUY_FILLED {2}early {2}cli\/trade\n/);
  await folder.cli(
    "events",
    "send",
    "--mode",
    "paper",
    "--type",
    "t",
    "--subtype",
    "s",
    "a\x1b[2J\nb",
  );
  await io.printed(/paper 1 {2}info {2}s {2}a \[2J b {2}cli\/t\n/);
  io.stop();
  assert.equal(await ended, 0);
});

Deno.test("events tail goes on where it was when the agent comes back", async () => {
  using folder = cliFolder(config);
  const agent = await folder.start();
  const io = capturedIo({ cwd: folder.path });
  const ended = main(["events", "tail", "--mode", "live", "--json"], { io });
  folder.answers.push(line({ body: "one" }));
  // It begins with what comes, at a moment that cannot be seen from outside: send until one has come.
  await until(async () => {
    folder.answers.splice(0, Infinity, line({ body: "one" }));
    await folder.cli("events", "send");
    return io.out !== "";
  });
  await agent[Symbol.asyncDispose]();
  await until(() => io.err.includes("the agent is away"));
  folder.answers.splice(0, Infinity, line({ body: "missed" }));
  await folder.cli("events", "send");
  await using _agent = await folder.start();
  await io.printed(/"body":"missed"/);
  io.stop();
  assert.equal(await ended, 0);
  const seqs = io.out.trimEnd().split("\n").map((text) => JSON.parse(text).seq);
  assert.deepEqual(seqs, seqs.map((_, index) => seqs[0] + index));
});

Deno.test("events tail says that no agent runs, and which modes there are", async () => {
  using folder = cliFolder(config);
  const none = await folder.cli("events", "tail");
  assert.equal(none.code, 1);
  assert.match(none.err, /no agent runs on it\. Start it with clockblock run/);
  await using _agent = await folder.start();
  const { code, err } = await folder.cli("events", "tail", "--mode", "demo");
  assert.equal(code, 2);
  assert.match(err, /expected one of paper, live, clockblock/);
});

/** @module */
import assert from "node:assert/strict";
import { whoListens } from "../../src/cli/port_conflict.ts";
import { cliFolder } from "../support/process/cli.ts";

Deno.test("whoListens names the command of this system that shows it", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr;
  const config = { api_host: "127.0.0.1", api_port: port };
  const commands = [
    ["windows", `netstat -ano | findstr :${port}`],
    ["linux", `ss -ltnp sport = :${port}`],
    ["darwin", `lsof -nP -iTCP:${port} -sTCP:LISTEN`],
  ] as const;
  const said = await Promise.all(commands.map(([os]) => whoListens(config, { os })));
  assert.deepEqual(said, commands.map(([, command]) => `This shows which it is: ${command}`));
});

Deno.test("whoListens does not take another program for ClockBlock", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => Response.json({ version: "1.0" }),
  );
  try {
    const config = { api_host: "127.0.0.1", api_port: server.addr.port };
    assert.match(await whoListens(config), /^This shows which it is/);
  } finally {
    await server.shutdown();
  }
});

Deno.test("run says that the port belongs to the ClockBlock of another folder", async () => {
  using first = cliFolder({ process_name: "no such game", device_id: "their-pc" });
  await using agent = await first.start();
  using second = cliFolder({ api_port: Number(new URL(agent.url).port) });
  const { code, err } = await second.cli("run");
  assert.equal(code, 2);
  assert.match(
    err,
    /^Cannot listen on .* It is ClockBlock \S+ in another folder or of another user \(device their-pc, for \d+ s\)\n$/,
  );
  assert.deepEqual(second.files(), ["config.json"]);
});

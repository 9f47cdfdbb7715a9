/** The sync on Windows, over a kill. @module */
import assert from "node:assert/strict";
import { bundleAgent } from "../../build/compile.ts";
import { runAgent, startAgent } from "../support/process/agent_process.ts";
import { tempFolder, windows } from "./windows.ts";

const here = windows();
const emulated = here?.emulated ? { emulated: here.emulated } : {};

Deno.test({
  name: "ClockBlock on Windows syncs each heartbeat, also those of before a kill",
  ignore: !here,
  async fn() {
    const received: string[] = [];
    const full = Promise.withResolvers<void>();
    let wanted = 3;
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        if (request.method !== "POST") return new Response(null, { status: 405 });
        const rows = await request.json() as { id: string }[];
        received.push(...rows.map(({ id }) => id));
        if (new Set(received).size >= wanted) full.resolve();
        return new Response(null, { status: 204 });
      },
    );
    using folder = await tempFolder("sync");
    await bundleAgent(folder.path);
    const config = { process_name: "no such game", poll_interval_sec: 1, sync_interval_sec: 3600 };
    const endpoint_url = `http://127.0.0.1:${server.addr.port}/in`;
    const start = (more: Readonly<Record<string, unknown>>) =>
      startAgent({
        dir: folder.path,
        entry: "agent.js",
        config: { ...config, ...more },
        ...emulated,
      });
    let before: { id: string }[] = [];
    {
      await using agent = await start({});
      while (before.length < 3) {
        before = await (await fetch(`${agent.url}/history`)).json();
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      await agent.kill("SIGKILL");
    }
    wanted = before.length;
    await using agent = await start({ endpoint_url });
    // At the start it sends what waits, of its own accord.
    await full.promise;
    const { code, stderr } = await runAgent(["sync", "now"], {
      dir: folder.path,
      entry: "agent.js",
      ...emulated,
    });
    assert.equal(code, 0, stderr);
    for (const { id } of before) assert.equal(received.filter((sent) => sent === id).length, 1);
    const { sync } = await (await fetch(`${agent.url}/status`)).json();
    assert.equal(
      sync.lanes.find(({ stream }: { stream: string }) => stream === "playtime").rows_rejected,
      0,
    );
  },
});

/**
 * A runtime that cannot serve a single connection: the agent is there all the same, by `Deno.serve`.
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startAgent } from "../support/agent_process.ts";

Deno.test("The agent on a runtime without its server for one connection answers, streams and ends in time", async () => {
  await using agent = await startAgent({
    config: { process_name: `Nobody${Deno.pid}.exe` },
    entry: fileURLToPath(new URL("../support/agent_by_deno_serve.ts", import.meta.url)),
  });
  const status = await fetch(`${agent.url}/status`);
  assert.equal(status.status, 200);
  assert.equal((await status.json()).online, null);
  const stream = await fetch(`${agent.url}/stream`);
  const news = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await news.read()).value, "retry: 1000\n\n");
  // A body that never comes to its end: what is under way is waited for, and no longer than so long.
  using half = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(agent.url).port) });
  await half.write(new TextEncoder().encode(
    "POST /local/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" +
      `Authorization: Bearer ${await agent.token()}\r\nContent-Length: 100\r\n\r\n{`,
  ));
  const { code } = await agent.stop();
  assert.equal(code, Deno.build.os === "windows" ? 1 : 0);
  const heard = (await Array.fromAsync(rest(news))).join("");
  assert.doesNotMatch(heard, /error/);
  const said = agent.output.match(/does not let the agent bound its connections/g);
  assert.equal(said?.length, 1, agent.output);
});

/** What is still to come of a stream, until it ends or breaks off. */
async function* rest(reader: ReadableStreamDefaultReader<string>): AsyncGenerator<string> {
  try {
    for (let part; !(part = await reader.read()).done;) yield part.value;
  } catch {
    // On Windows the agent is killed.
  }
}

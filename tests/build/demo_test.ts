/**
 * `deno task demo` as a newcomer starts it: every stream reaches its cloud, which says what it is.
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("The demo shows every stream on its way, and says that its cloud is a model", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "build/demo.ts", "0"],
    cwd: root,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  let output = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    const counts = /in the cloud: (\d+) heartbeats, (\d+) events, (\d+) punches, (\d+) projects/g;
    if (![...output.matchAll(counts)].some((all) => all.slice(1).every((n) => n !== "0"))) continue;
    const cloud = /Cloud +(\S+),/.exec(output)?.[1] ?? "";
    const answer = await (await fetch(cloud)).text().catch(String);
    assert.match(answer, /a model of Supabase .* not Supabase/);
    break;
  }
  if (Deno.build.os === "windows") child.kill();
  else {
    child.kill("SIGINT");
    assert.equal((await child.status).code, 0, await stderr);
  }
  assert.match(output, /^Starting a model of Supabase .* not Supabase/);
  assert.match(output, /in the cloud:/, await stderr);
});

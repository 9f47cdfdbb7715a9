import assert from "node:assert/strict";
import { loadToken } from "../../../src/api/mod.ts";
import { tempDir } from "../../support/temp.ts";

Deno.test("loadToken makes a token once, for its owner only", async () => {
  using dir = tempDir();
  const path = `${dir.path}/api-token`;
  const token = await loadToken(path);
  assert.match(token, /^[\w-]{43}$/);
  assert.equal(await loadToken(path), token);
  assert.deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["api-token"]);
  if (Deno.build.os !== "windows") assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
});

Deno.test("loadToken takes back a file that others may read", {
  ignore: Deno.build.os === "windows",
}, async () => {
  using dir = tempDir();
  const path = `${dir.path}/api-token`;
  const token = "abcdefghijabcdefghijabcdefghijabcdefghij";
  Deno.writeTextFileSync(path, token, { mode: 0o644 });
  assert.equal(await loadToken(path), token);
  assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
});

for (
  const [name, content] of [
    ["empty", ""],
    ["too short", "abc"],
    ["binary", "\0".repeat(43)],
    ["two lines", `${"a".repeat(43)}\n${"b".repeat(43)}`],
  ] as const
) {
  Deno.test(`loadToken replaces a file that is ${name}`, async () => {
    using dir = tempDir();
    const path = `${dir.path}/api-token`;
    Deno.writeTextFileSync(path, content);
    const token = await loadToken(path);
    assert.match(token, /^[\w-]{43}$/);
    assert.equal(Deno.readTextFileSync(path), `${token}\n`);
  });
}

Deno.test("loadToken says what to do where it cannot write", async () => {
  using dir = tempDir();
  await assert.rejects(
    loadToken(`${dir.path}/nowhere/api-token`),
    /^Error: Cannot keep the API token: .*api-token is not writable\. Repair the folder's access rights\.$/,
  );
});

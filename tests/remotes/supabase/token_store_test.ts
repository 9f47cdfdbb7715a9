import assert from "node:assert/strict";
import { encryptedTokenStore } from "../../../src/remotes/supabase/mod.ts";
import { tempDir } from "../../support/temp.ts";

const windows = Deno.build.os === "windows";

function bench() {
  const dir = tempDir();
  const sessionPath = `${dir.path}/auth.json`;
  const keyPath = `${dir.path}/auth.key`;
  return {
    sessionPath,
    keyPath,
    open: () => encryptedTokenStore({ sessionPath, keyPath }),
    sealed: (): { iv: string; data: string } => JSON.parse(Deno.readTextFileSync(sessionPath)),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

Deno.test("encryptedTokenStore seals each session with another IV: AES-GCM is broken by a second use", async () => {
  using test = bench();
  const ivs = new Set<string>();
  const texts = new Set<string>();
  for (let n = 0; n < 5; n++) {
    await test.open().setItem("session", "the same");
    ivs.add(test.sealed().iv);
    texts.add(test.sealed().data);
  }
  assert.equal(ivs.size, 5);
  assert.equal(texts.size, 5);
  for (const iv of ivs) assert.equal(Uint8Array.fromBase64(iv).length, 12);
  assert.equal(await test.open().getItem("session"), "the same");
});

Deno.test("encryptedTokenStore opens a session under its own name only", async () => {
  using test = bench();
  await test.open().setItem("session", "secret");
  assert.equal(await test.open().getItem("other"), null);
});

Deno.test({
  name: "encryptedTokenStore puts a whole new file in the place of the session, for its owner only",
  ignore: windows,
  async fn() {
    using test = bench();
    await test.open().setItem("session", "first");
    // One that others may read, as a copy back from somewhere makes it.
    Deno.chmodSync(test.sessionPath, 0o644);
    Deno.writeTextFileSync(`${test.sessionPath}.new`, "half of a", { mode: 0o644 });
    Deno.chmodSync(`${test.sessionPath}.new`, 0o644);
    const { ino } = Deno.statSync(test.sessionPath);
    await test.open().setItem("session", "second");
    const stat = Deno.statSync(test.sessionPath);
    assert.notEqual(stat.ino, ino, "written in place, a crash leaves half a session");
    assert.equal(stat.mode! & 0o777, 0o600);
    assert.equal(Deno.statSync(test.keyPath).mode! & 0o777, 0o600);
    assert.equal(await test.open().getItem("session"), "second");
  },
});

Deno.test("encryptedTokenStore makes another key where the one it has is none", async () => {
  using test = bench();
  await test.open().setItem("session", "first");
  for (const damage of [new Uint8Array(16).toBase64(), "", "not base64 !"]) {
    Deno.writeTextFileSync(test.keyPath, damage);
    assert.equal(await test.open().getItem("session"), null);
    await test.open().setItem("session", "again");
    const key = Deno.readTextFileSync(test.keyPath);
    assert.equal(Uint8Array.fromBase64(key).length, 32);
    assert.equal(await test.open().getItem("session"), "again");
  }
});

Deno.test("encryptedTokenStore keeps the last of many sessions that are written at once", async () => {
  using test = bench();
  const tokens = test.open();
  const names = Array.from({ length: 20 }, (_, n) => `session ${n}`);
  await Promise.all(names.map((name) => tokens.setItem("session", name)));
  assert.equal(await test.open().getItem("session"), "session 19");
});

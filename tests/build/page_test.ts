/** @module */
import { gzipSync } from "node:zlib";
import assert from "node:assert/strict";
import { pageOf, writePage } from "../../build/page.ts";
import { tempDir } from "../support/temp.ts";

const URL_FLAGS = ["--supabase-url", "https://abc.supabase.co"];

/** A key as earlier projects have them. */
function jwt(role: string): string {
  const part = (value: object) => btoa(JSON.stringify(value)).replaceAll("=", "");
  return `${part({ alg: "HS256" })}.${part({ iss: "supabase", role })}.signature`;
}

Deno.test("pageOf takes a publishable key and refuses every other, without repeating it", () => {
  for (const key of ["sb_publishable_abc", jwt("anon")]) {
    assert.equal(pageOf([...URL_FLAGS, "--key", key])?.project.key, key);
  }
  for (const key of ["sb_secret_abc", jwt("service_role"), jwt("authenticated"), "abc", "a.b.c"]) {
    assert.throws(() => pageOf([...URL_FLAGS, "--key", key]), (error: Error) => {
      assert.match(error.message, /no publishable key/);
      assert.ok(!error.message.includes(key) || key === "abc", error.message);
      return error instanceof TypeError;
    });
  }
  assert.throws(() => pageOf(URL_FLAGS), /--key is missing/);
});

Deno.test("pageOf wants the project's address, by HTTPS", () => {
  const key = ["--key", "sb_publishable_abc"];
  for (const url of ["", "abc", "http://abc.supabase.co", "javascript:alert(1)"]) {
    assert.throws(() => pageOf([...key, "--supabase-url", url]), /expected https:/, url);
  }
  const wanted = pageOf([...key, "--supabase-url", "https://abc.supabase.co/rest/v1/"]);
  assert.equal(wanted?.project.url, "https://abc.supabase.co");
  assert.equal(wanted.project.agent, false);
  assert.equal(wanted.project.recordTables, undefined);
  const tables = ["invoices", "parts=part_no"].flatMap((table) => ["--record-table", table]);
  assert.deepEqual(pageOf([...URL_FLAGS, ...key, ...tables])?.project.recordTables, {
    invoices: "id",
    parts: "part_no",
  });
  assert.equal(pageOf(["--help"]), undefined);
});

Deno.test("writePage writes the whole page for any folder of a host, at most 120 kB, without a secret", async () => {
  using dir = tempDir();
  const { project } = pageOf([...URL_FLAGS, "--key", "sb_publishable_abc"])!;
  await writePage(dir.path, project);
  const names = [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort();
  assert.deepEqual(names, [
    "cloud.js",
    "icon-192.png",
    "icon-512.png",
    "index.html",
    "manifest.webmanifest",
    "sw.js",
  ]);
  const html = await Deno.readTextFile(`${dir.path}/index.html`);
  const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1] ?? "";
  assert.match(policy, /connect-src 'self' https:\/\/abc.supabase.co wss:\/\/abc.supabase.co/);
  assert.match(policy, /^default-src 'none';/);
  assert.doesNotMatch(policy, /unsafe/);
  // Nothing is asked of the host's root: the page may be in any folder.
  assert.doesNotMatch(html, /(?:src|href)="\//);
  const bytes = (name: string) => gzipSync(Deno.readFileSync(`${dir.path}/${name}`)).length;
  assert.ok(bytes("index.html") <= 65 * 1024, `${bytes("index.html")} bytes before the sign-in`);
  const all = ["index.html", "cloud.js", "sw.js", "manifest.webmanifest"].map(bytes);
  assert.ok(all.reduce((sum, each) => sum + each) <= 120 * 1024, `${all} bytes`);
});

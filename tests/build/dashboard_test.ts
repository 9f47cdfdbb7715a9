/** @module */
import { gzipSync } from "node:zlib";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { buildDashboard, page } from "../../build/dashboard.ts";
import { tempDir } from "../support/temp.ts";

Deno.test("buildDashboard writes one page whose policy allows its own script and style and no other", async () => {
  using dir = tempDir();
  await buildDashboard(`${dir.path}/dist`);
  const html = await Deno.readTextFile(`${dir.path}/dist/dashboard.html`);
  const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1] ?? "";
  for (const tag of ["script", "style"]) {
    const inline = [...html.matchAll(new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, "gs"))];
    assert.equal(inline.length, 1, tag);
    const hash = createHash("sha256").update(inline[0]![1]!).digest("base64");
    const own = tag === "script" ? "'self' " : "";
    assert.ok(policy.includes(`${tag}-src ${own}'sha256-${hash}';`), tag);
  }
  assert.match(policy, /^default-src 'none';/);
  assert.doesNotMatch(policy, /unsafe|https?:/);
  assert.ok(gzipSync(html).length <= 65 * 1024, `${gzipSync(html).length} bytes`);
  assert.doesNotMatch(html, /\son\w+=|style="|<script[^>]+src=|<link[^>]+href="(?!data:|manifest)/);
});

Deno.test("buildDashboard names the cloud's module by its content, and makes every file that is asked for", async () => {
  using dir = tempDir();
  await buildDashboard(`${dir.path}/dist`);
  const html = await Deno.readTextFile(`${dir.path}/dist/dashboard.html`);
  const files: { path: string; type: string; base64: string }[] = JSON.parse(
    await Deno.readTextFile(`${dir.path}/dist/page_files.json`),
  );
  const text = (path: string) =>
    new TextDecoder().decode(
      Uint8Array.fromBase64(files.find((file) => file.path === path)!.base64),
    );
  const digest = createHash("sha256").update(text("/cloud.js")).digest("hex").slice(0, 16);
  assert.match(html, new RegExp(`data-cloud="cloud\\.js\\?${digest}"`));
  assert.doesNotMatch(html, /signInWithPassword/);
  const { icons } = JSON.parse(text("/manifest.webmanifest"));
  for (const { src } of icons) assert.ok(files.some(({ path }) => path === `/${src}`), src);
  // The whole page, for a person who is signed in.
  const whole = gzipSync(html).length + gzipSync(text("/cloud.js")).length;
  assert.ok(whole <= 120 * 1024, `${whole} bytes`);
});

Deno.test("page refuses a script or style that would end its own element", () => {
  assert.throws(() => page({ script: 'x = "</SCRIPT>"', style: "" }), /contains "<\/script"/);
  assert.throws(() => page({ script: "", style: "/* </style> */" }), /contains "<\/style"/);
});

Deno.test("buildDashboard writes the client as one module without imports", async () => {
  using dir = tempDir();
  await buildDashboard(`${dir.path}/dist`);
  const client = await Deno.readTextFile(`${dir.path}/dist/client.js.txt`);
  assert.doesNotMatch(client, /\bimport\s*[({"'*]/);
  const { connectLocalLive } = await import(`data:text/javascript,${encodeURIComponent(client)}`);
  assert.equal(typeof connectLocalLive, "function");
  assert.ok(gzipSync(client).length <= 5 * 1024, `${gzipSync(client).length} bytes`);
});

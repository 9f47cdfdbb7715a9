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
    assert.ok(policy.includes(`${tag}-src 'sha256-${hash}'`), tag);
  }
  assert.match(policy, /^default-src 'none';/);
  assert.doesNotMatch(policy, /unsafe|https?:/);
  assert.ok(gzipSync(html).length <= 65 * 1024, `${gzipSync(html).length} bytes`);
  assert.doesNotMatch(html, /\son\w+=|style="|<script[^>]+src=|<link[^>]+href="(?!data:)/);
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

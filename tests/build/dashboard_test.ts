/** @module */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { buildDashboard, page } from "../../build/dashboard.ts";
import { tempDir } from "../support/temp.ts";

Deno.test("buildDashboard writes one page whose policy allows its own script and style and no other", async () => {
  using dir = tempDir();
  await buildDashboard(`${dir.path}/dist/dashboard.html`);
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
  assert.doesNotMatch(html, /\son\w+=|style="|<script[^>]+src=|<link[^>]+href="(?!data:)/);
});

Deno.test("page refuses a script or style that would end its own element", () => {
  assert.throws(() => page({ script: 'x = "</SCRIPT>"', style: "" }), /contains "<\/script"/);
  assert.throws(() => page({ script: "", style: "/* </style> */" }), /contains "<\/style"/);
});

import assert from "node:assert/strict";
import { testApi } from "../../support/api.ts";

const HTML = `<!doctype html><meta http-equiv="Content-Security-Policy" ` +
  `content="default-src 'none'; script-src 'sha256-abc'"><p>hello`;

Deno.test("/ is the page, with its own policy also where frames are forbidden", async () => {
  using test = testApi({ page: { html: HTML } });
  const response = await test.ask("/?any=query&is=fine");
  assert.equal(await response.text(), HTML);
  assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(
    response.headers.get("content-security-policy"),
    "default-src 'none'; script-src 'sha256-abc'; frame-ancestors 'none'",
  );
  assert.equal(response.headers.get("cache-control"), "no-store");
});

Deno.test("/ has a strict policy where the page has none", async () => {
  using test = testApi();
  const response = await test.ask("/");
  await response.body?.cancel();
  const policy = response.headers.get("content-security-policy")!;
  assert.match(policy, /^default-src 'none'; .*frame-ancestors 'none'$/);
  assert.ok(!policy.includes("unsafe"));
});

Deno.test("What the page asks for besides is served as it was built, to anyone", async () => {
  const bytes = new TextEncoder().encode("self");
  using test = testApi({
    page: {
      html: HTML,
      files: [{ path: "/sw.js", type: "text/javascript; charset=utf-8", bytes }],
    },
    host: "0.0.0.0",
  });
  const response = await test.ask("/sw.js?1", { from: "192.168.1.9" });
  assert.equal(await response.text(), "self");
  assert.equal(response.headers.get("content-type"), "text/javascript; charset=utf-8");
  assert.equal(response.headers.get("cache-control"), "no-cache");
  assert.match(response.headers.get("content-security-policy")!, /^default-src 'none';/);
});

Deno.test("/client.js is there when the agent carries it", async () => {
  using test = testApi({ page: { html: HTML, clientJs: "export {};" } });
  const response = await test.ask("/client.js");
  assert.equal(await response.text(), "export {};");
  assert.equal(response.headers.get("content-type"), "text/javascript; charset=utf-8");

  using without = testApi({ page: { html: HTML } });
  const missing = await without.ask("/client.js");
  await missing.body?.cancel();
  assert.equal(missing.status, 404);
});

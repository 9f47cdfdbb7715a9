import assert from "node:assert/strict";
import { bodyText } from "../../src/api/body.ts";
import { Problem } from "../../src/core/mod.ts";

const LIMIT = 100;

/** A request whose length is told beforehand, or not. */
function post(bytes: Uint8Array<ArrayBuffer>, { told }: { told: boolean }): Request {
  const body = told ? bytes : new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += 30) controller.enqueue(bytes.slice(at, at + 30));
      controller.close();
    },
  });
  const headers = told ? { "content-length": String(bytes.length) } : undefined;
  return new Request("http://127.0.0.1/", { method: "POST", body, ...(headers && { headers }) });
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Problem ? error.status : undefined;
}

for (const told of [true, false]) {
  const how = told ? "whose length is told" : "in chunks";

  Deno.test(`bodyText takes a body of exactly the limit, ${how}`, async () => {
    const text = "x".repeat(LIMIT);
    assert.equal(await bodyText(post(new TextEncoder().encode(text), { told }), LIMIT), text);
  });

  Deno.test(`bodyText refuses a byte more, ${how}`, async () => {
    const bytes = new TextEncoder().encode("x".repeat(LIMIT + 1));
    await assert.rejects(
      bodyText(post(bytes, { told }), LIMIT),
      (error) => statusOf(error) === 413,
    );
  });

  Deno.test(`bodyText refuses what is no UTF-8, and takes U+FFFD, ${how}`, async () => {
    const broken = new Uint8Array([0x61, 0xff, 0x62]);
    await assert.rejects(
      bodyText(post(broken, { told }), LIMIT),
      (error) => statusOf(error) === 400,
    );
    const text = "a\ufffdü".repeat(10);
    assert.equal(await bodyText(post(new TextEncoder().encode(text), { told }), LIMIT), text);
  });
}

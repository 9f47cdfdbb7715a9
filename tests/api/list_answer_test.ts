import assert from "node:assert/strict";
import * as v from "valibot";
import { listing, MAX_LIST_BYTES, type Placed, route } from "../../src/core/mod.ts";
import { testApi } from "../support/api.ts";

const MIB = 1 << 20;

/** A list of texts at `/things`, which counts how often a row of it is read. */
function things(texts: readonly string[]) {
  let read = 0;
  const routes = [route({
    method: "GET",
    path: "/things",
    summary: "Texts",
    tag: "test",
    query: v.strictObject({ limit: v.string(), after: v.optional(v.string(), "0") }),
    answer: v.array(v.string()),
    paged: true,
    handle: ({ query: { limit, after }, raw }) =>
      listing(raw, {
        limit: Number(limit),
        after: Number(after),
        *read({ after = 0, until = texts.length }): Generator<Placed<number>> {
          for (let at = after; at < until; at++) {
            read++;
            yield { at: at + 1, json: JSON.stringify(texts[at]) };
          }
        },
        next: (after) => ({ after }),
      }),
  })];
  return { routes, read: () => read };
}

function next(response: Response): string | undefined {
  return /<([^>]*)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
}

Deno.test("A list of large rows is answered in parts of at most 8 MiB, linked and without a gap", async () => {
  const texts = Array.from({ length: 30 }, (_, index) => `${index}:`.padEnd(MIB - index, "\u00e9"));
  using test = testApi({ routes: things(texts).routes, checkAnswers: false });
  const found: string[] = [];
  let parts = 0;
  for (let path: string | undefined = "/things?limit=1000"; path; parts++) {
    const response = await test.ask(path);
    const bytes = await response.clone().bytes();
    assert.ok(bytes.byteLength <= MAX_LIST_BYTES, `${bytes.byteLength} bytes`);
    found.push(...await response.json());
    path = next(response);
  }
  assert.deepEqual(found, texts);
  // 30 texts of just under 2 MiB, of which four fit.
  assert.equal(parts, 8);
});

Deno.test("A row that is larger than any answer may be is answered alone", async () => {
  using test = testApi({ routes: things(["a", "b".repeat(9 * MIB), "c"]).routes });
  const first = await test.ask("/things?limit=10");
  assert.deepEqual(await first.json(), ["a"]);
  const second = await test.ask(next(first)!);
  assert.equal((await second.json() as string[])[0]!.length, 9 * MIB);
  const third = await test.ask(next(second)!);
  assert.deepEqual(await third.json(), ["c"]);
  assert.equal(next(third), undefined);
});

Deno.test("A list is read as it is taken, and no further when its reader goes", async () => {
  const { routes, read } = things(Array.from({ length: 70 }, () => "x".repeat(100_000)));
  using test = testApi({ routes, checkAnswers: false });
  const response = await test.ask("/things?limit=70");
  const counted = read();
  const reader = response.body!.getReader();
  await reader.read();
  assert.ok(read() - counted <= 2, `${read() - counted} rows for a first piece`);
  await reader.cancel();
  const left = read();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(read(), left);
});

Deno.test("Of long lists that are asked for at once, one begins in a turn of the event loop", async () => {
  const texts = Array.from({ length: 3 }, (_, index) => `${index}:`.padEnd(MIB, "x"));
  const { routes, read } = things(texts);
  using test = testApi({ routes, checkAnswers: false });
  const asked = Array.from({ length: 5 }, () => test.ask("/things?limit=10"));
  assert.equal(read(), 1, "the others wait");
  for (const response of await Promise.all(asked)) {
    assert.deepEqual(await response.json(), texts);
  }
});

Deno.test("A short list does not wait until long ones are read", async () => {
  const texts = ["a", ...Array.from({ length: 8 }, () => "x".repeat(MIB))];
  using test = testApi({ routes: things(texts).routes, checkAnswers: false });
  const answered: string[] = [];
  const ask = async (what: string, path: string) => {
    const response = await test.ask(path);
    answered.push(what);
    return response;
  };
  const long = [1, 2, 3].map(() => ask("long", "/things?limit=10&after=1"));
  const short = await ask("short", "/things?limit=1");
  assert.deepEqual(await short.json(), ["a"]);
  assert.ok(next(short));
  for (const response of await Promise.all(long)) {
    assert.deepEqual(await response.json(), texts.slice(1, 8));
  }
  assert.notEqual(answered.at(-1), "short");
});

for (
  const [texts, limit, linked] of [
    [[], 5, false],
    [["a"], 5, false],
    [["a", "b"], 1, true],
    [["a", "b".repeat(300_000), "c"], 2, true],
  ] as const
) {
  Deno.test(`A list of ${texts.length} with limit ${limit} is ${limit} at most, linked: ${linked}`, async () => {
    using test = testApi({ routes: things(texts).routes });
    const response = await test.ask(`/things?limit=${limit}`);
    assert.deepEqual(await response.json(), texts.slice(0, limit));
    assert.equal(next(response) !== undefined, linked);
  });
}

Deno.test("HEAD of a long list has its length and its link", async () => {
  using test = testApi({
    routes: things(Array.from({ length: 10 }, () => "x".repeat(MIB))).routes,
    checkAnswers: false,
  });
  const response = await test.ask("/things?limit=100", { method: "HEAD" });
  assert.equal(response.headers.get("content-length"), String(7 * (MIB + 3) + 1));
  assert.ok(next(response));
});

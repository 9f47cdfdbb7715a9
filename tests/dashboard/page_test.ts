import assert from "node:assert/strict";
import { isPublishable, projectOf, withProject } from "../../src/dashboard/page.ts";

const HTML =
  `<meta content="default-src 'none'; connect-src 'self'; img-src data:"><title>x</title>`;
const PROJECT = {
  url: "https://abc.supabase.co/",
  key: "sb_publishable_x",
  agent: true,
  eventsTable: `a"b<c&d$&`,
  healthTable: "zoe_health",
};

Deno.test("withProject allows requests to the project alone, over HTTPS and its socket", () => {
  const html = withProject(HTML, PROJECT);
  assert.match(
    html,
    /connect-src 'self' https:\/\/abc\.supabase\.co wss:\/\/abc\.supabase\.co; img-src/,
  );
  const local = withProject(HTML, { ...PROJECT, url: "http://127.0.0.1:54321" });
  assert.match(local, /connect-src 'self' http:\/\/127\.0\.0\.1:54321 ws:\/\/127\.0\.0\.1:54321;/);
});

Deno.test("withProject keeps whatever the project says within its attribute", () => {
  const [, content] = /<meta name="clockblock-project" content="([^"<]*)">\n<title>/
    .exec(withProject(HTML, PROJECT)) ?? [];
  const text = content!.replaceAll("&lt;", "<").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
  assert.deepEqual(JSON.parse(text), PROJECT);
});

Deno.test("projectOf tells no page of a project by a secret key", () => {
  const events = { table: "t", health_table: "h" };
  const records = { tables: [{ name: "tasks", key: "task_id" }] };
  const url = "https://abc.supabase.co";
  const of = (key: string | null) => projectOf({ supabase: { url, key }, events, records });
  assert.equal(of("sb_secret_x"), undefined);
  assert.equal(of(null), undefined);
  assert.deepEqual(of("sb_publishable_x"), {
    url,
    key: "sb_publishable_x",
    agent: true,
    eventsTable: "t",
    healthTable: "h",
    recordTables: { tasks: "task_id" },
  });
});

Deno.test("isPublishable lets through publishable keys and those of the role anon, nothing else", () => {
  const jwt = (role: string) => `e30.${btoa(JSON.stringify({ role, iss: "supabase?>" }))}.sig`;
  assert.ok(isPublishable("sb_publishable_abc"));
  assert.ok(isPublishable(jwt("anon")));
  for (
    const key of ["sb_secret_abc", jwt("service_role"), "", "abc", "a.b.c", `x.${btoa("null")}.y`]
  ) {
    assert.ok(!isPublishable(key), key);
  }
});

import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { checkPermissions, ConfigError, loadConfig } from "../../src/config/mod.ts";

function configOf(file: unknown) {
  return loadConfig({ readFile: () => new TextEncoder().encode(JSON.stringify(file)) });
}

function problemsOf(
  file: unknown,
  refused: RegExp,
  { standalone = false } = {},
): readonly string[] {
  const granted = (descriptor: Deno.PermissionDescriptor) =>
    !refused.test(JSON.stringify(descriptor));
  try {
    checkPermissions(configOf(file), { granted, standalone });
  } catch (error) {
    assert(error instanceof ConfigError);
    return error.problems;
  }
  return [];
}

Deno.test("checkPermissions is content when everything is granted", () => {
  const file = { endpoint_url: "https://example.com/in", attendance: { enabled: true } };
  assert.deepEqual(problemsOf(file, /nothing/), []);
});

Deno.test("checkPermissions names the host, its port and what to do under deno", () => {
  const asked: [unknown, string, string][] = [
    [{ endpoint_url: "https://example.com/in" }, "endpoint_url", "example.com:443"],
    [{ endpoint_url: "http://example.com/in" }, "endpoint_url", "example.com:80"],
    [{ endpoint_url: "http://[fd00::1]:8080/" }, "endpoint_url", "[fd00::1]:8080"],
    [{ events: { endpoint_url: "https://e.example" } }, "events.endpoint_url", "e.example:443"],
    [{ supabase: { url: "https://s.example", key: "k" } }, "supabase.url", "s.example:443"],
    [
      { attendance: { endpoint_url: "https://a.example:8443/x" } },
      "attendance.endpoint_url",
      "a.example:8443",
    ],
  ];
  for (const [file, key, host] of asked) {
    assert.deepEqual(problemsOf(file, /example|fd00/), [
      `Cannot use ${key}: this ClockBlock may not connect to ${host}. ` +
      `Add "${host}" to permissions.agent.net in deno.json`,
    ]);
  }
});

Deno.test("checkPermissions sends users of the executable to the other flavour", () => {
  const [problem] = problemsOf({ endpoint_url: "https://example.com" }, /example/, {
    standalone: true,
  });
  assert.match(problem!, /clockblock-anyhost.*deno task build --allow-host example\.com:443$/);
});

Deno.test("checkPermissions looks at addresses that are listened on", () => {
  assert.match(
    problemsOf({ api_host: "0.0.0.0" }, /0\.0\.0\.0/)[0]!,
    /may not use 0\.0\.0\.0:3841/,
  );
  assert.match(problemsOf({ api_host: "::1", api_port: 9 }, /net/)[0]!, /may not use \[::1\]:9/);
  const file = { attendance: { enabled: true, port: 7788 } };
  assert.match(problemsOf(file, /7788/)[0]!, /attendance\.host.*0\.0\.0\.0:7788/);
  assert.deepEqual(problemsOf({ attendance: { port: 7788 } }, /7788/), []);
});

Deno.test("checkPermissions keeps the database inside the folder", () => {
  const [problem] = problemsOf({ db_path: "/var/data/x.db" }, /write.*var/);
  assert.match(problem!, /db_path.*may not read and write in "\/var\/data"/);
});

Deno.test("config.example.json loads as it is and needs no more than the permission set", () => {
  const text = Deno.readFileSync(new URL("../../config.example.json", import.meta.url));
  const config = loadConfig({ readFile: () => text });
  const { net } = project.permissions.agent;
  checkPermissions(config, {
    granted: (descriptor) =>
      descriptor.name !== "net" ||
      net.some((allowed) => `${descriptor.host}`.startsWith(allowed)),
  });
  assert.equal(config.endpoint_url, null);
});

import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { checkPermissions, ConfigError, forbiddenHost, loadConfig } from "../../src/config/mod.ts";

function configOf(file: unknown) {
  return loadConfig({ readFile: () => new TextEncoder().encode(JSON.stringify(file)) });
}

function problemsOf(file: unknown, refused: RegExp): readonly string[] {
  const granted = (descriptor: Deno.PermissionDescriptor) =>
    !refused.test(JSON.stringify(descriptor));
  try {
    checkPermissions(configOf(file), { granted });
  } catch (error) {
    assert(error instanceof ConfigError);
    return error.problems;
  }
  return [];
}

Deno.test("checkPermissions is content when everything is granted", () => {
  const file = { attendance: { enabled: true } };
  assert.deepEqual(problemsOf(file, /nothing/), []);
});

Deno.test("checkPermissions does not stop the recording for a host that may not be connected to", () => {
  assert.deepEqual(problemsOf({ endpoint_url: "https://example.com/in" }, /example/), []);
});

Deno.test("forbiddenHost names the key and the host, and what to do under deno", () => {
  const asked: [url: string, hostname: string, host: string][] = [
    ["https://example.com/in", "example.com", "example.com:443"],
    ["http://example.com/in", "example.com", "example.com:80"],
    ["http://[fd00::1]:8080/", "[fd00::1]", "[fd00::1]:8080"],
    ["https://a.example:8443/x", "a.example", "a.example:8443"],
  ];
  for (const [url, hostname, host] of asked) {
    const granted = (descriptor: Deno.PermissionDescriptor) =>
      descriptor.name !== "net" || descriptor.host !== host;
    assert.deepEqual(forbiddenHost("supabase.url", url, { granted, standalone: false }), {
      message: `Cannot use supabase.url: this ClockBlock may not connect to ${hostname}`,
      advice: `add "${host}" to permissions.agent.net in deno.json`,
    });
    assert.equal(forbiddenHost("supabase.url", url, { granted: () => true }), undefined);
  }
});

Deno.test("forbiddenHost sends users of the executable to the other flavour", () => {
  const options = { granted: () => false, standalone: true };
  assert.match(
    forbiddenHost("endpoint_url", "https://example.com", options)!.advice,
    /^download clockblock-anyhost.*deno task build --allow-host example\.com:443$/,
  );
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

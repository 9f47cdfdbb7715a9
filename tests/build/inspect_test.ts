/** @module */
import assert from "node:assert/strict";
import {
  type Baked,
  type Embedded,
  flaws,
  inspect,
  MAX_PAYLOAD_BYTES,
} from "../../build/inspect.ts";

const SOUND: Baked = {
  argv: [],
  v8_flags: [],
  permissions: {
    allow_read: ["./"],
    allow_write: ["./"],
    allow_net: ["127.0.0.1"],
    allow_run: ["/usr/bin/ps", "/bin/ps"],
    allow_env: ["CLOCKBLOCK_*"],
    allow_sys: ["hostname"],
    allow_ffi: null,
    deny_import: [],
    prompt: false,
  },
  code_cache_key: null,
  ca_data: null,
  unsafely_ignore_certificate_errors: null,
  env_vars_from_env_file: {},
  otel_config: { tracing_enabled: false, metrics_enabled: false },
};

interface Change {
  baked?: Record<string, unknown>;
  permissions?: Record<string, unknown>;
  files?: string[];
  payload?: Uint8Array;
}

function embedded({ baked, permissions, files = ["agent.js"], payload }: Change = {}): Embedded {
  return {
    baked: {
      ...SOUND,
      ...baked,
      permissions: { ...SOUND.permissions, ...permissions },
    } as unknown as Baked,
    files: files.map((path) => ({ path, size: 1 })),
    payload: payload ?? new TextEncoder().encode("console.log(1)"),
  };
}

const privatePaths = ["/home/maker/clockblock/", "C:\\Users\\maker\\"];

Deno.test("flaws finds nothing in a sound executable of either flavour", () => {
  assert.deepEqual(flaws(embedded(), { anyhost: false, privatePaths }), []);
  assert.deepEqual(
    flaws(embedded({ permissions: { allow_net: [] } }), { anyhost: true, privatePaths }),
    [],
  );
});

const UNSOUND: [Change, RegExp][] = [
  [{ permissions: { allow_net: [] } }, /^"net" is granted without limits$/],
  [{ permissions: { allow_read: [] } }, /^"read" is granted without limits$/],
  [{ permissions: { allow_write: [] } }, /^"write" is granted without limits$/],
  [{ permissions: { allow_run: [] } }, /^"run" is granted without limits$/],
  [{ permissions: { allow_env: [] } }, /^"env" is granted without limits$/],
  [{ permissions: { allow_sys: [] } }, /^"sys" is granted without limits$/],
  [{ permissions: { allow_read: ["/home/maker"] } }, /^"read" is granted for "\/home\/maker"$/],
  [{ permissions: { allow_write: ["./", "../"] } }, /^"write" is granted for "\.\.\/"$/],
  [{ permissions: { allow_write: ["C:\\data"] } }, /^"write" is granted for/],
  [{ permissions: { allow_run: ["/home/me/bin/ps"] } }, /^"run" is granted for/],
  [{ permissions: { allow_env: ["HOME"] } }, /^"env" is granted for "HOME"$/],
  [{ permissions: { allow_ffi: [] } }, /^"ffi" is granted$/],
  [{ permissions: { allow_ffi: ["./x.so"] } }, /^"ffi" is granted$/],
  [{ permissions: { deny_import: null } }, /^code may be loaded/],
  [{ permissions: { prompt: true } }, /^it may ask/],
  [{ baked: { argv: ["--once"] } }, /^arguments are fixed: --once$/],
  [{ baked: { code_cache_key: 7 } }, /^a code cache/],
  [{ baked: { ca_data: "x" } }, /^a certificate authority/],
  [{ baked: { unsafely_ignore_certificate_errors: [] } }, /^certificates are not checked$/],
  [{ baked: { env_vars_from_env_file: { TOKEN: "x" } } }, /^environment variables .*: TOKEN$/],
  [
    { baked: { otel_config: { tracing_enabled: true, metrics_enabled: false } } },
    /^telemetry is on$/,
  ],
  [{ files: ["agent.js", "notes.txt"] }, /^expected one embedded file: agent\.js, notes\.txt$/],
  [{ payload: new Uint8Array(MAX_PAYLOAD_BYTES + 1) }, /^it adds 3145729 bytes/],
  ...["/home/maker/clockblock/x.ts", "C:\\Users\\maker\\x.ts", '"C:\\\\Users\\\\maker\\\\x.ts"']
    .map((text): [Change, RegExp] => [
      { payload: new TextEncoder().encode(`const at = ${text}`) },
      /^a folder of this machine is named inside/,
    ]),
];

for (const [change, message] of UNSOUND) {
  Deno.test(`flaws finds: ${message.source}`, () => {
    const found = flaws(embedded(change), { anyhost: false, privatePaths });
    assert.equal(found.length, 1, found.join("; "));
    assert.match(found[0]!, message);
  });
}

Deno.test("flaws finds a limit on the network in the flavour that has none", () => {
  assert.deepEqual(flaws(embedded(), { anyhost: true, privatePaths }), ['"net" is not lifted']);
});

Deno.test("inspect refuses a file without an embedded program", () => {
  const bytes = new TextEncoder().encode("x".repeat(64) + '{"argv":[]}');
  assert.throws(() => inspect(bytes), /no embedded program found/);
});

import assert from "node:assert/strict";
import { ConfigError, configKeys, type ConfigSources, loadConfig } from "../../src/config/mod.ts";
import { SEED_CONFIG } from "../support/seed_config.ts";

/** Sources with a `config.json` of this content, or none. */
function sources(file?: unknown, more: ConfigSources = {}): ConfigSources {
  return {
    readFile: () => {
      if (file === undefined) throw new Deno.errors.NotFound();
      if (file instanceof Uint8Array) return file;
      return new TextEncoder().encode(typeof file === "string" ? file : JSON.stringify(file));
    },
    ...more,
  };
}

function problemsOf(from: ConfigSources): readonly string[] {
  try {
    loadConfig(from);
  } catch (error) {
    assert(error instanceof ConfigError);
    return error.problems;
  }
  return [];
}

Deno.test("loadConfig without any source gives every key its default", () => {
  const config = loadConfig(sources());
  assert.equal(config.poll_interval_sec, 5);
  assert.equal(config.sync_interval_sec, 300);
  assert.equal(config.api_host, "127.0.0.1");
  assert.equal(config.api_port, 3841);
  assert.equal(config.db_path, "clockblock.db");
  assert.equal(config.retention_days, 30);
  assert.equal(config.timeout_sec, 10);
  assert.equal(config.endpoint_url, null);
  assert.equal(config.supabase.url, null);
  assert.equal(config.supabase.realtime, true);
  assert.equal(config.events.flush.active_sec, 15);
  assert.equal(config.attendance.enabled, false);
  assert.deepEqual(config.records.tables.map(({ name }) => name), ["projects", "tasks", "results"]);
  assert.equal(config.process_name, null);
});

Deno.test("loadConfig takes tables in the order of the list, with or without the parent of earlier versions", () => {
  const tables = ["b", { name: "a", parent: "b" }, { name: "c", parent: null, key: "part_no" }];
  const config = loadConfig(sources({ records: { tables } }));
  assert.deepEqual(config.records.tables, [
    { name: "b", key: "id" },
    { name: "a", key: "id" },
    { name: "c", key: "part_no" },
  ]);
});

Deno.test("loadConfig lays environment over the file and flags over both", () => {
  const file = { api_port: 1, poll_interval_sec: 1, retention_days: 1, timeout_sec: 1 };
  const config = loadConfig(sources(file, {
    env: { CLOCKBLOCK_API_PORT: "2", CLOCKBLOCK_POLL_INTERVAL_SEC: "2", PATH: "/bin" },
    flags: new Map([["api_port", "3"]]),
  }));
  assert.equal(config.api_port, 3);
  assert.equal(config.poll_interval_sec, 2);
  assert.equal(config.retention_days, 1);
});

Deno.test("loadConfig merges blocks key by key and replaces lists", () => {
  const config = loadConfig(sources({
    events: { modes: ["a"], flush: { active_sec: 3, active_hours: { days: ["sat"] } } },
  }, {
    env: { CLOCKBLOCK_EVENTS__FLUSH: '{"offhours_sec": 9}', CLOCKBLOCK_EVENTS__MODES: '["b","c"]' },
    flags: new Map([["events.flush.active_hours.from", "08:00"]]),
  }));
  assert.deepEqual(config.events.modes, ["b", "c"]);
  assert.equal(config.events.flush.active_sec, 3);
  assert.equal(config.events.flush.offhours_sec, 9);
  assert.deepEqual(config.events.flush.active_hours, {
    days: ["sat"],
    from: "08:00",
    to: "16:00",
    time_zone: null,
  });
});

Deno.test("loadConfig takes the first example ever given as it was pasted, comment and all", () => {
  const config = loadConfig(sources(SEED_CONFIG));
  assert.equal(config.endpoint_url, "https://example.com/clockblock/heartbeat");
  assert.equal(config.device_id, "pc-01");
  assert.equal(config.device_token, "device-token-here");
  assert.deepEqual(config.process_name, [{ image: "Minecraft.exe" }]);
  assert.equal(config.daily_allowance_min, null);
});

Deno.test("loadConfig reads text from the environment by the type of its key", () => {
  const config = loadConfig(sources(undefined, {
    env: {
      CLOCKBLOCK_DEVICE_ID: "42",
      CLOCKBLOCK_ENDPOINT_GZIP: "true",
      CLOCKBLOCK_ENDPOINT_URL: "",
      CLOCKBLOCK_PROCESS_NAME: "game.exe",
      CLOCKBLOCK_DAILY_ALLOWANCE_MIN: '{"sat": 90}',
      CLOCKBLOCK_ATTENDANCE__DEVICES: '[{"sn":"A1","name":"Door"}]',
    },
  }));
  assert.equal(config.device_id, "42");
  assert.equal(config.endpoint_gzip, true);
  assert.equal(config.endpoint_url, null);
  assert.deepEqual(config.process_name, [{ image: "game.exe" }]);
  assert.deepEqual(config.daily_allowance_min, {
    mon: 0,
    tue: 0,
    wed: 0,
    thu: 0,
    fri: 0,
    sat: 90,
    sun: 0,
  });
  assert.equal(config.attendance.devices[0]?.sn, "A1");
});

Deno.test("loadConfig takes process names in every form that the design names", () => {
  const forms: [unknown, unknown][] = [
    ["a.exe", [{ image: "a.exe" }]],
    [["a.exe", "b*"], [{ image: "a.exe" }, { image: "b*" }]],
    [{ image: "a", command: "*x*" }, [{ image: "a", command: "*x*" }]],
    [[{ image: "a", window_title: "T*", except: ["T2*"] }, "b"], [
      { image: "a", window_title: "T*", except: ["T2*"] },
      { image: "b" },
    ]],
  ];
  for (const [written, meant] of forms) {
    assert.deepEqual(loadConfig(sources({ process_name: written })).process_name, meant);
  }
});

Deno.test("loadConfig tells everything that is wrong at once, a line each", () => {
  const problems = problemsOf(sources({ poll_interval_sec: 0, api_prot: 1, time_zone: "Mars/X" }, {
    env: { CLOCKBLOCK_API_PORT: "many" },
    flags: new Map([["db_path", ":memory:"]]),
  }));
  assert.deepEqual(problems, [
    "Unknown key api_prot in config.json, line 1. Did you mean api_port?",
    "Cannot use poll_interval_sec in config.json, line 1: it is 0, expected a whole number of seconds from 1 to 3600",
    'Cannot use api_port in CLOCKBLOCK_API_PORT: it is "many", expected a whole number from 0 to 65535',
    'Cannot use db_path from --db-path: it is ":memory:", expected the path of a file such as "clockblock.db"',
    'Cannot use time_zone in config.json, line 1: it is "Mars/X", expected an IANA time zone such as "Europe/Berlin" or "UTC"',
  ]);
});

const flaws: readonly [unknown, RegExp][] = [
  [{ endpointUrl: "x" }, /Unknown key endpointUrl.*Did you mean endpoint_url\?/],
  [
    { events: { flush: { activ_sec: 1 } } },
    /Unknown key events\.flush\.activ_sec.*mean events\.flush\.active_sec\?/,
  ],
  [{ active_sec: 1 }, /Unknown key active_sec.*mean events\.flush\.active_sec\?/],
  [{ supabase: { ulr: "x" } }, /Unknown key supabase\.ulr.*mean supabase\.url\?/],
  [{ xyzzy: 1 }, /Unknown key xyzzy.*clockblock --help/],
  [{ poll_interval_sec: "5" }, /poll_interval_sec.*it is "5", expected a whole number/],
  [{ poll_interval_sec: 2.5 }, /poll_interval_sec.*it is 2\.5, expected a whole number/],
  [{ poll_interval_sec: null }, /poll_interval_sec.*it is null, expected/],
  [{ api_port: 65536 }, /api_port.*from 0 to 65535/],
  [{ api_host: "http://127.0.0.1" }, /api_host.*without a port/],
  [{ api_host: "127.0.0.1:80" }, /api_host/],
  [{ api_host: "" }, /api_host/],
  [{ endpoint_url: "example.com" }, /endpoint_url.*expected an address such as/],
  [{ endpoint_url: "ftp://example.com" }, /endpoint_url.*begins with http/],
  [{ log_level: "loud" }, /log_level.*expected one of trace, debug, info/],
  [{ api_allowed_origins: ["http://a.example/"] }, /api_allowed_origins\.0.*without a path/],
  [{ api_allowed_origins: ["*"] }, /api_allowed_origins\.0/],
  [{ daily_allowance_min: 1441 }, /daily_allowance_min.*from 0 to 1440/],
  [{ daily_allowance_min: { monday: 1 } }, /daily_allowance_min.*by weekday/],
  [{ process_name: [] }, /process_name.*at least one/],
  [{ process_name: [{ imgae: "x" }] }, /process_name.*"image"/],
  [
    { process_name: { image: "Roblox*", daily_allowance_min: 30 } },
    /process_name: "Roblox\*" has a daily_allowance_min and no label.*"label": "Roblox\*"/,
  ],
  [
    {
      process_name: [30, 40].map((daily_allowance_min) => ({
        image: `a${daily_allowance_min}`,
        label: "A",
        daily_allowance_min,
      })),
    },
    /process_name: "A" has two daily_allowance_min, 30 and 40/,
  ],
  [{ db_path: "file:x.db" }, /db_path/],
  [{ db_path: "folder/" }, /db_path/],
  [{ supabase: 1 }, /supabase in config\.json, line 1: expected an object/],
  [{ supabase: { url: "https://x.supabase.co" } }, /supabase\.url without supabase\.key/],
  [
    { supabase: { key: "k" } },
    /supabase\.key without supabase\.url\..*https:\/\/<ref>\.supabase\.co/,
  ],
  [
    { supabase: { url: "https://supabase.com/dashboard/project/x", key: "k" } },
    /supabase\.com is Supabase's dashboard/,
  ],
  [
    { supabase: { url: "https://x.supabase.co/rest/v1/", key: "k" } },
    /supabase\.url: leave "\/rest\/v1\/" out/,
  ],
  [{ attendance: { enabled: true, port: 3841 } }, /attendance\.port.*api_port is the same/],
  [
    { attendance: { devices: [{ sn: "A", name: "a" }, { sn: "A", name: "b" }] } },
    /"A" is listed twice/,
  ],
  [{ attendance: { devices: [{ sn: "A" }] } }, /attendance\.devices\.0\.name.*it is missing/],
  [
    { attendance: { devices: [{ sn: "AYXX 0001", name: "a" }] } },
    /attendance\.devices\.0\.sn.*"AYXX 0001".*letters, digits/,
  ],
  [
    { attendance: { devices: [{ sn: "A", name: "a", address: "door.local" }] } },
    /attendance\.devices\.0\.address.*"door\.local".*an IP address such as/,
  ],
  [{ attendance: { time_zone: "+05:30x" } }, /attendance\.time_zone/],
  [{ records: { tables: ["drop table"] } }, /records\.tables\.0/],
  [{ events: { flush: { active_hours: { from: "9:30" } } } }, /active_hours\.from.*time of day/],
  [
    { events: { health_url: "http://127.0.0.1:9/health" } },
    /Cannot use events.health_url without events.endpoint_url/,
  ],
  [
    { events: { flush: { active_hours: { from: "16:00" } } } },
    /active_hours: from and to are both 16:00/,
  ],
  [[], /Cannot read config\.json: expected an object/],
  ["", /Cannot read config\.json: it is empty/],
];

for (const [file, message] of flaws) {
  Deno.test(`loadConfig refuses ${JSON.stringify(file)} in one line`, () => {
    const problems = problemsOf(sources(file));
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0]!, message);
    assert(!problems[0]!.includes("\n"));
  });
}

Deno.test("loadConfig never shows a secret", () => {
  const secret = "hunter2 hunter2";
  const files: unknown[] = [
    { device_token: secret },
    { supabase: { password: [secret] } },
    { supabase: { key: secret } },
    { supabase: secret },
    { endpoint_url: "https://me:hunter2@example.com/" },
    `{ "device_token": "hunter2"`,
    `{ "device_token": hunter2 }`,
    `{ "device_token": "hunter2\\g" }`,
  ];
  for (const file of files) {
    const problems = problemsOf(sources(file));
    assert(problems.length > 0);
    assert(!problems.join().includes("hunter2"), problems.join());
  }
});

Deno.test("loadConfig names the nearest environment variable", () => {
  const problems = problemsOf(
    sources(undefined, { env: { CLOCKBLOCK_SUPABASE_URL: "https://a" } }),
  );
  assert.deepEqual(problems, [
    "Unknown environment variable CLOCKBLOCK_SUPABASE_URL. Did you mean CLOCKBLOCK_SUPABASE__URL?",
  ]);
});

Deno.test("loadConfig needs a file that was asked for, and says why it cannot read one", () => {
  const failing = (error: Error): ConfigSources => ({
    path: "my.json",
    readFile: () => {
      throw error;
    },
  });
  const cases: [Error, RegExp][] = [
    [new Deno.errors.NotFound(), /Cannot read my\.json: there is no such file/],
    [new Deno.errors.NotCapable(), /Cannot read my\.json: it lies outside the folder/],
    [new Deno.errors.PermissionDenied(), /Cannot read my\.json: this user may not read it/],
    [new Deno.errors.IsADirectory(), /Cannot read my\.json: it is a folder/],
  ];
  for (const [error, message] of cases) assert.match(problemsOf(failing(error))[0]!, message);
});

Deno.test("loadConfig puts relative paths into the folder it is told", () => {
  const read: string[] = [];
  const config = loadConfig({
    cwd: "/somewhere",
    readFile: (path) => {
      read.push(path.replaceAll("\\", "/"));
      return new TextEncoder().encode('{"db_path": "data/x.db"}');
    },
  });
  assert.deepEqual(read, ["/somewhere/config.json"]);
  assert.equal(config.db_path.replaceAll("\\", "/"), "/somewhere/data/x.db");
});

Deno.test("Every configuration key has a flag, a variable and a description", () => {
  for (const { path, flag, variable, description } of configKeys) {
    assert.match(flag, /^--[a-z.-]+$/);
    assert.match(variable, /^CLOCKBLOCK_[A-Z_]+$/);
    assert(description.length > 0 && description.length < 80, path);
  }
  assert.equal(new Set(configKeys.map(({ variable }) => variable)).size, configKeys.length);
});

Deno.test("loadConfig takes null for a block as nothing said about it", () => {
  const config = loadConfig(sources({ supabase: null, events: { flush: null, modes: ["a"] } }));
  assert.equal(config.supabase.url, null);
  assert.equal(config.supabase.realtime, true);
  assert.equal(config.events.flush.active_sec, 15);
  assert.deepEqual(config.events.modes, ["a"]);
});

Deno.test("loadConfig takes the variable of a key over that of its block", () => {
  const config = loadConfig(sources(undefined, {
    env: {
      CLOCKBLOCK_EVENTS__FLUSH__ACTIVE_SEC: "7",
      CLOCKBLOCK_EVENTS__FLUSH: '{"active_sec": 3, "offhours_sec": 9}',
    },
  }));
  assert.equal(config.events.flush.active_sec, 7);
  assert.equal(config.events.flush.offhours_sec, 9);
});

Deno.test("loadConfig minds equal ports only where both are listened on", () => {
  const ports = (enabled: boolean, port: number) =>
    problemsOf(sources({ api_port: port, attendance: { enabled, port } }));
  assert.match(ports(true, 4_000)[0] ?? "", /attendance.port 4000: api_port is the same/);
  assert.deepEqual(ports(false, 4_000), []);
  // The system gives each another one.
  assert.deepEqual(ports(true, 0), []);
});

Deno.test.each(
  [
    [{ endpoint_url: "https://user@example.com/" }, /without a user name and password/],
    [{ endpoint_url: "https://:secret@example.com/" }, /without a user name and password/],
    [{ events: { flush: { active_hours: { to: "24:30" } } } }, /from "00:00" to "24:00"/],
    [{ events: { flush: { active_hours: { to: "23:60" } } } }, /from "00:00" to "24:00"/],
    [{ device_token: "abc\n" }, /without spaces or line breaks/],
  ] as const,
)("loadConfig refuses %j", (file, reason) => {
  const problems = problemsOf(sources(file));
  assert.equal(problems.length, 1, problems.join("\n"));
  assert.match(problems[0]!, reason);
});

Deno.test("loadConfig takes 24:00 for the end of the day", () => {
  const config = loadConfig(sources({ events: { flush: { active_hours: { to: "24:00" } } } }));
  assert.equal(config.events.flush.active_hours.to, "24:00");
});

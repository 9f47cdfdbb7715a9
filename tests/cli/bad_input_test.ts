/**
 * What a person can get wrong, met by the program as people run it, under its real permissions: a line that says
 * what to do, the right exit code, and nothing changed on the disk.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { runAgent } from "../support/process/agent_process.ts";
import { tempDir } from "../support/temp.ts";

interface Mistake {
  name: string;
  config?: unknown;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Puts what is needed into the folder; what it returns is disposed of at the end. */
  prepare?: (folder: string) => Disposable | void;
  code?: number;
  message: RegExp;
  ignore?: boolean;
}

/** For mistakes that show after the port is looked at: another agent on this machine must not be in the way. */
const ANY_PORT = { CLOCKBLOCK_API_PORT: "0" };
const isRoot = Deno.build.os !== "windows" && Deno.uid() === 0;

const mistakes: readonly Mistake[] = [
  {
    name: "an unknown key",
    config: { pol_interval_sec: 5 },
    message:
      /^Unknown key pol_interval_sec in config\.json, line 1\. Did you mean poll_interval_sec\?$/,
  },
  {
    name: "a wrong type",
    config: { poll_interval_sec: "often" },
    message:
      /^Cannot use poll_interval_sec in config\.json, line 1: it is "often", expected a whole number/,
  },
  {
    name: "a value out of range",
    env: { CLOCKBLOCK_API_PORT: "70000" },
    message: /^Cannot use api_port in CLOCKBLOCK_API_PORT: it is 70000, expected .* 0 to 65535$/,
  },
  {
    name: "invalid JSON",
    prepare: (folder) => write(folder, "config.json", '{\n  "api_port": 3841,\n  "db_path" "x"\n}'),
    message: /^Cannot read config\.json: line 3, column 13: expected ":" after a key/,
  },
  {
    name: "a file that Notepad saved as UTF-16",
    prepare: (folder) =>
      Deno.writeFileSync(`${folder}/config.json`, Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0)),
    message: /^Cannot read config\.json: it is saved as UTF-16\. Save it again as UTF-8/,
  },
  {
    name: "a configuration that is a folder",
    prepare: (folder) => Deno.mkdirSync(`${folder}/config.json`),
    message: /^Cannot read config\.json: /,
  },
  {
    name: "a configuration that may not be read",
    prepare: (folder) => {
      write(folder, "config.json", "{}");
      Deno.chmodSync(`${folder}/config.json`, 0);
    },
    message: /^Cannot read config\.json: this user may not read it\. Change its permissions$/,
    ignore: isRoot || Deno.build.os === "windows",
  },
  {
    name: "a configuration outside of the folder",
    args: ["--config", "../config.json"],
    message: /^Cannot read \.\.\/config\.json: it lies outside the folder ClockBlock is started in/,
  },
  {
    name: "a database outside of the folder",
    config: { db_path: "../clockblock.db" },
    message:
      /^Cannot use db_path: this ClockBlock may not read and write in "\.\."\. Name a file inside/,
  },
  {
    name: "a database in a folder that is not there",
    env: ANY_PORT,
    config: { db_path: "data/clockblock.db" },
    message: /^Cannot open "data.clockblock\.db": there is no folder "data"\. Make it first\.$/,
  },
  {
    name: "a database that is something else",
    env: ANY_PORT,
    prepare: (folder) => database(folder, "CREATE TABLE recipes (name TEXT)").close(),
    message:
      /^Cannot open "clockblock\.db": it is another program's database\. Use another path\.$/,
  },
  {
    name: "a database of a later version",
    env: ANY_PORT,
    prepare: (folder) =>
      database(
        folder,
        `CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL);
         INSERT INTO migrations VALUES ('playtime-99-telepathy', '2099-01-01T00:00:00.000Z')`,
      ).close(),
    message:
      /^Cannot open the database: it was made by a later version \(playtime-99-telepathy\)\. Run that/,
  },
  {
    name: "a database that another program has locked",
    env: ANY_PORT,
    prepare: (folder) => {
      const db = database(folder, "CREATE TABLE recipes (name TEXT)");
      db.exec("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE");
      return { [Symbol.dispose]: () => db.close() };
    },
    message: /^Cannot open "clockblock\.db": .*(another program|locked)/,
  },
  {
    name: "a folder that may not be written",
    env: ANY_PORT,
    prepare: (folder) => {
      Deno.chmodSync(folder, 0o555);
      return { [Symbol.dispose]: () => Deno.chmodSync(folder, 0o755) };
    },
    message: /^Cannot open "clockblock\.db": it or its folder may not be written/,
    ignore: isRoot || Deno.build.os === "windows",
  },
  {
    name: "a port that another program has",
    prepare: (folder) => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      write(folder, "config.json", JSON.stringify({ api_port: listener.addr.port }));
      return { [Symbol.dispose]: () => listener.close() };
    },
    message: /^Cannot listen on 127\.0\.0\.1:\d+: another program uses port \d+\. Stop it, or /,
  },
  {
    name: "an address that is not this machine's",
    config: { api_host: "localhost.localdomain.invalid" },
    message:
      /^Cannot use api_host: this ClockBlock may not use localhost\.localdomain\.invalid:3841/,
  },
  {
    name: "an unknown command",
    args: ["statsu"],
    message: /^Unknown command statsu\. Did you mean status\?$/,
  },
];

for (const mistake of mistakes) {
  Deno.test({
    name: `ClockBlock meets ${mistake.name} with one line, and changes nothing`,
    ignore: mistake.ignore ?? false,
    async fn() {
      using outer = tempDir();
      const dir = `${outer.path}/here`;
      Deno.mkdirSync(dir);
      if (mistake.config) write(dir, "config.json", JSON.stringify(mistake.config));
      using _held = mistake.prepare?.(dir) ?? { [Symbol.dispose]() {} };
      const before = snapshot(outer.path);

      const { code, stdout, stderr } = await runAgent(mistake.args ?? [], {
        dir,
        env: mistake.env ?? {},
      });

      assert.match(stderr.trimEnd(), mistake.message);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
      assert.equal(stdout, "");
      assert.equal(code, mistake.code ?? 2);
      assert.deepEqual(snapshot(outer.path), before);
    },
  });
}

function write(folder: string, name: string, text: string): void {
  Deno.writeTextFileSync(`${folder}/${name}`, text);
}

function database(folder: string, sql: string): DatabaseSync {
  const db = new DatabaseSync(`${folder}/clockblock.db`);
  db.exec(sql);
  return db;
}

/** Every file below a folder, with its size and when it was written. */
function snapshot(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    // Windows keeps the empty file that was locked.
    if (Deno.build.os === "windows" && name.endsWith(".lock")) continue;
    if (isDirectory) Object.assign(files, snapshot(path));
    else {
      const { size, mtime } = Deno.statSync(path);
      files[path] = `${size} bytes of ${mtime?.toISOString()}`;
    }
  }
  return files;
}

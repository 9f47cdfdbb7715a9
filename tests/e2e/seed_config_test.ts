/**
 * The first example of a configuration, pasted into a folder: its cloud may not be asked, and the rest works.
 * @module
 */
import assert from "node:assert/strict";
import { runAgent, startAgent } from "../support/process/agent_process.ts";
import { SEED_CONFIG } from "../support/seed_config.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** Several agents run at once here: each takes a port that is free. */
const ANY_PORT = { CLOCKBLOCK_API_PORT: "0" };
const FORBIDDEN =
  /Cannot use endpoint_url: this ClockBlock may not connect to example\.com[:;] add "example\.com:443" to permissions\.agent\.net/;

function folder() {
  const dir = tempDir();
  Deno.writeTextFileSync(`${dir.path}/config.json`, SEED_CONFIG);
  return dir;
}

const command = (dir: string, ...args: string[]) => runAgent(args, { dir, env: ANY_PORT });

Deno.test("An agent whose cloud the permissions do not allow records, and says what to do", async () => {
  using dir = folder();
  await using agent = await startAgent({ dir: dir.path, env: ANY_PORT });
  type Status = {
    device_id: string;
    last_seen: string | null;
    online: boolean;
    sync: { lanes: { stream: string; state: string; last_error: { advice: string } | null }[] };
    warnings: { code: string; message: string }[];
  };
  const status = async () => await (await fetch(`${agent.url}/status`)).json() as Status;
  let found = await status();
  const lane = () => found.sync.lanes.find(({ stream }) => stream === "playtime");
  await until(async () => {
    found = await status();
    return found.last_seen !== null && lane()?.state === "failed";
  }, "a heartbeat, and the lane's failure");
  assert.equal(found.device_id, "pc-01");
  assert.equal(found.online, false);
  assert.equal(
    lane()?.last_error?.advice,
    'add "example.com:443" to permissions.agent.net in deno.json',
  );
  assert.match(found.warnings.map(({ message }) => message).join(), FORBIDDEN);
  const { code, stdout } = await command(dir.path, "sync", "status");
  assert.equal(code, 0);
  assert.match(stdout, FORBIDDEN);
});

Deno.test("Every command runs where the permissions do not allow the cloud", async () => {
  using dir = folder();
  const once = await command(dir.path, "--once");
  assert.deepEqual([once.code, once.stderr], [0, ""]);
  assert.equal(JSON.parse(once.stdout).device_id, "pc-01");
  const today = await command(dir.path, "today");
  assert.equal(today.stdout, "Played today: 0 s, no limit\n");
  assert.equal((await command(dir.path, "export")).stdout.trimEnd().split("\r\n").length, 2);
  const doctor = await command(dir.path, "doctor");
  assert.match(doctor.stdout, /fail {2}cloud +Cannot use endpoint_url/);
  assert.match(doctor.stdout, FORBIDDEN);
  assert.match(doctor.stdout, /ok +process list/);
});

Deno.test("A dry run has the device id that the folder has, and leaves the folder as it is", async () => {
  using dir = tempDir();
  const empty = await command(dir.path, "--once", "--dry-run");
  assert.equal(empty.code, 0, empty.stderr);
  assert.deepEqual([...Deno.readDirSync(dir.path)], []);
  const { device_id } = JSON.parse((await command(dir.path, "--once")).stdout);
  const files = () => [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort();
  const before = files();
  const dry = await command(dir.path, "--once", "--dry-run");
  assert.equal(JSON.parse(dry.stdout).device_id, device_id);
  assert.deepEqual(files(), before);
  // Also of an agent that runs, whose files they are.
  await using _agent = await startAgent({ dir: dir.path, env: ANY_PORT });
  assert.equal(
    JSON.parse((await command(dir.path, "--once", "--dry-run")).stdout).device_id,
    device_id,
  );
});

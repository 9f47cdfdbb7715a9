import { createSupabase, memoryTokenStore } from "../../../src/remotes/supabase/mod.ts";
import { remoteContract } from "../../contract/remote_contract.ts";
import { Cloud } from "../../support/servers/cloud.ts";

const CONTENT = "a very private window title";

const cloud = await Cloud.start();

remoteContract("Supabase", async () => {
  await cloud.empty();
  const { email, password } = cloud.alice;
  const tokens = memoryTokenStore();
  const at = (url: string) =>
    createSupabase({
      url,
      key: cloud.key,
      email,
      password,
      tokens,
      systemId: "pc-1",
      deviceId: "pc-1",
      eventsTable: "zoe_events",
      healthTable: "zoe_health",
    });
  const remote = at(cloud.url);
  // Signed in beforehand: what goes wrong is the push.
  await remote.login(email, password);
  await remote.pull!("projects", null, { signal: new AbortController().signal });
  return {
    remote,
    nowhere: at("http://127.0.0.1:1"),
    batch: (ids) => ({
      stream: "playtime",
      table: "heartbeats",
      operation: "insert",
      rows: ids.map((id) => ({
        id,
        device_id: "pc-1",
        timestamp_utc: "2026-11-21T00:00:00.000Z",
        is_playing: true,
        poll_interval_sec: 5,
        process_name: CONTENT,
      })),
    }),
    stored: async () =>
      (await cloud.sql<{ id: string }>("SELECT id FROM heartbeats ORDER BY id"))
        .map(({ id }) => id),
    fault: (fault) => void cloud.faults.push(fault),
    secrets: [CONTENT, password, cloud.key],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

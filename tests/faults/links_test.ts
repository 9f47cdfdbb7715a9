/**
 * A lane and an endpoint whose connection breaks in every way a network has: what is sent meanwhile is not lost, and
 * all of it is there, once and in order, as soon as the network is well again.
 * @module
 */
import assert from "node:assert/strict";
import { Hub, Warnings } from "../../src/core/mod.ts";
import { createEndpoint } from "../../src/remotes/endpoint/mod.ts";
import { SyncEngine } from "../../src/sync/mod.ts";
import { FaultProxy, type LinkFault } from "../support/servers/fault_proxy.ts";
import { FaultyServer } from "../support/servers/faulty_server.ts";
import {
  addNotes,
  noteIds,
  rejectedNotes,
  sampleMigration,
  sampleOutbox,
  settledNotes,
} from "../support/fakes/sample_outbox.ts";
import { tempStore } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** Each with what the lane sees of it: a failure, or no more than delay. */
const FAULTS: readonly (readonly [string, LinkFault, "fails" | "delays"])[] = [
  ["is slow", { kind: "latency", ms: 40, jitterMs: 20 }, "delays"],
  ["loses packets", { kind: "loss", share: 0.3 }, "delays"],
  ["lets through a few bytes a second", { kind: "trickle", bytesPerSec: 200 }, "fails"],
  ["refuses", { kind: "refuse" }, "fails"],
  ["breaks at the first bytes", { kind: "reset" }, "fails"],
  ["breaks before the answer", { kind: "reset-after-apply" }, "fails"],
  ["hangs", { kind: "half-open" }, "fails"],
  ["goes up only", { kind: "one-way", passes: "up" }, "fails"],
  ["goes down only", { kind: "one-way", passes: "down" }, "fails"],
  ["has a gateway that answers 503", { kind: "status", status: 503 }, "fails"],
  ["has a sign-in page for an answer", { kind: "portal", status: 200 }, "fails"],
  ["wants a sign-in first", { kind: "portal", status: 511 }, "fails"],
  ...([301, 302, 307, 308] as const).map((status) =>
    [
      `redirects elsewhere by ${status}`,
      { kind: "status", status, headers: { location: "http://localhost:1/elsewhere" } },
      "fails",
    ] as const
  ),
];
const ROWS = 300;

for (const [what, fault, seen] of FAULTS) {
  Deno.test(`Every row arrives once and in order over a link that ${what}`, async () => {
    await using server = await FaultyServer.start();
    await using link = new FaultProxy(server.port);
    using temp = tempStore([sampleMigration]);
    const { store } = temp;
    const outbox = sampleOutbox(store);
    const engine = new SyncEngine({
      store,
      lanes: [{
        name: "playtime",
        outbox,
        schedule: { intervalMs: () => 3_600_000, batchSize: 50 },
        remote: createEndpoint({ url: `http://127.0.0.1:${link.port}/rows` }),
      }],
      warnings: new Warnings(),
      hub: new Hub(),
      timeoutMs: 1_000,
      networkInterfaces: () => [],
    });
    const stop = new AbortController();
    const running = engine.run(stop.signal);
    try {
      // A connection is open when it happens.
      const ids = noteIds(ROWS);
      await addNotes({ store, outbox }, ids.slice(0, 50));
      await engine.now();
      link.fault = fault;
      await addNotes({ store, outbox }, ids.slice(50));
      const failed = () => engine.status().lanes[0]!.requests_failed > 0;
      const meanwhile = engine.now();
      if (seen === "fails") await until(failed, "a failure");
      else await meanwhile;
      link.fault = { kind: "clear" };
      await meanwhile;
      await engine.now();
      assert.deepEqual([...server.rows.keys()], ids);
      assert.deepEqual(settledNotes(store), ids);
      assert.deepEqual(rejectedNotes(store), []);
    } finally {
      stop.abort();
      await running;
    }
  });
}

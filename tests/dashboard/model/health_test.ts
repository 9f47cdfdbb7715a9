import assert from "node:assert/strict";
import type { LaneStatus, SyncStatus } from "../../../src/contract/sync.ts";
import { laneHealth, syncHealth } from "../../../src/dashboard/model/health.ts";

function lane(fields: Partial<LaneStatus>): LaneStatus {
  // What a page reads of a lane.
  return {
    state: "connected",
    rows_waiting: 0,
    rows_rejected: 0,
    last_error: null,
    ...fields,
  } as LaneStatus;
}

function errorWith(advice: string | null): LaneStatus["last_error"] {
  return { at: "2026-03-02T12:00:00.000Z", status: null, code: null, message: "no answer", advice };
}

Deno.test("A lane that is offline and needs a person says so", () => {
  const away = lane({ state: "disconnected", rows_waiting: 3, last_error: errorWith("sign in") });
  assert.deepEqual(laneHealth(away), { tone: "bad", words: "Needs you" });
  const alone = lane({ state: "disconnected", rows_waiting: 3, last_error: errorWith(null) });
  assert.deepEqual(laneHealth(alone), { tone: "warn", words: "Offline, 3 rows waiting" });
});

Deno.test("The whole says first what needs a person, then what is away, then what was refused", () => {
  const headline = (online: boolean, ...lanes: LaneStatus[]) =>
    syncHealth({ online, lanes } as unknown as SyncStatus).short;
  const person = lane({ state: "failed", last_error: errorWith("sign in") });
  const refused = lane({ rows_rejected: 2 });
  assert.equal(headline(false, person, refused), "Needs you");
  assert.equal(headline(false, refused), "Cloud away");
  assert.equal(headline(true, refused), "2 refused");
  assert.equal(headline(true, lane({ state: "failed" })), "Trying again");
  assert.equal(headline(true, lane({ rows_waiting: 5 })), "In sync");
  assert.equal(headline(true, lane({})), "Synced");
});

import assert from "node:assert/strict";
import { afterRefusal, type LocalRecord, resolve } from "../../../src/streams/records/resolve.ts";
import type { RecordVersion } from "../../../src/streams/records/record.ts";

const AT = "2026-03-02T12:00:00.000Z";
const LATER = "2026-03-02T12:00:01.000Z";
const EARLIER = "2026-03-02T11:59:59.000Z";

function local(changes: Partial<LocalRecord> = {}): LocalRecord {
  return {
    id: "7",
    systemId: "pc-1",
    data: { title: "here" },
    updatedAt: AT,
    deletedAt: null,
    pending: false,
    remoteUpdatedAt: null,
    ...changes,
  };
}

function remote(changes: Partial<RecordVersion> = {}): RecordVersion {
  return {
    id: "7",
    systemId: "pc-1",
    data: { title: "there" },
    updatedAt: LATER,
    deletedAt: null,
    ...changes,
  };
}

const DEAD = { deletedAt: AT };
const edits = "edit/edit";

for (
  const { name, here, there, expected } of [
    {
      name: "applies a record it does not know",
      here: undefined,
      there: remote(),
      expected: { action: "apply" },
    },
    {
      name: "applies what is newer",
      here: local(),
      there: remote(),
      expected: { action: "apply" },
    },
    {
      name: "takes the same content as agreement, whatever the stamps",
      here: local({ pending: true }),
      there: remote({ data: { title: "here" } }),
      expected: { action: "same" },
    },
    {
      name: "does not take a version it has seen for news",
      here: local({ pending: true, remoteUpdatedAt: EARLIER }),
      there: remote({ updatedAt: EARLIER }),
      expected: { action: "same" },
    },
    {
      name: "lets the newer edit win over a pending one, and tells",
      here: local({ pending: true }),
      there: remote(),
      expected: { action: "apply", conflict: { kind: edits, winner: "remote" } },
    },
    {
      name: "keeps a pending edit that is newer, and tells",
      here: local({ pending: true }),
      there: remote({ updatedAt: EARLIER }),
      expected: { action: "keep", conflict: { kind: edits, winner: "local" } },
    },
    {
      name: "keeps the local version at equal stamps, pushed anew so that the cloud follows",
      here: local({ pending: true }),
      there: remote({ updatedAt: AT }),
      expected: { action: "push", conflict: { kind: edits, winner: "local" } },
    },
    {
      name: "lets an edit in the cloud beat a deletion here, even an older one",
      here: local({ ...DEAD, pending: true }),
      there: remote({ updatedAt: EARLIER }),
      expected: { action: "apply", conflict: { kind: "delete/edit", winner: "remote" } },
    },
    {
      name: "lets a newer edit here beat a deletion in the cloud",
      here: local({ pending: true, updatedAt: LATER }),
      there: remote({ ...DEAD, updatedAt: AT }),
      expected: { action: "keep", conflict: { kind: "edit/delete", winner: "local" } },
    },
    {
      name: "takes two deletions for the same",
      here: local({ ...DEAD, pending: true }),
      there: remote({ deletedAt: LATER }),
      expected: { action: "same" },
    },
    {
      name: "takes the cloud's word after a reset, however old it is",
      here: local({ forgotten: true }),
      there: remote({ updatedAt: EARLIER }),
      expected: { action: "apply" },
    },
    {
      name: "lets a change that came after a reset win, as any other",
      here: local({ forgotten: true, pending: true }),
      there: remote({ updatedAt: EARLIER }),
      expected: { action: "keep", conflict: { kind: edits, winner: "local" } },
    },
    {
      name: "tells the cloud again when it has lost what was pushed",
      here: local({ remoteUpdatedAt: AT }),
      there: remote({ updatedAt: EARLIER }),
      expected: { action: "push", conflict: { kind: edits, winner: "local" } },
    },
  ] as const
) {
  Deno.test(`resolve ${name}`, () => assert.deepEqual(resolve(here, there), expected));
}

const waits = local({ pending: true });
for (
  const { name, here, there, expected } of [
    {
      name: "takes the newer version of the cloud, and keeps the conflict",
      here: waits,
      there: remote(),
      expected: { action: "apply", conflict: { kind: edits, winner: "remote" } },
    },
    {
      name: "has a change that the server's stamp made too old sent again with a later one",
      here: waits,
      there: remote({ updatedAt: EARLIER }),
      expected: { action: "push", conflict: { kind: edits, winner: "local" } },
    },
    {
      name: "tells of the same conflict once",
      here: { ...waits, remoteUpdatedAt: EARLIER },
      there: remote({ updatedAt: EARLIER }),
      expected: { action: "push" },
    },
    {
      name: "sees that the cloud has it already",
      here: waits,
      there: remote({ data: waits.data, updatedAt: AT }),
      expected: { action: "same" },
    },
  ] as const
) {
  Deno.test(`afterRefusal ${name}`, () => assert.deepEqual(afterRefusal(here, there), expected));
}

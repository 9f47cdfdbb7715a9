/**
 * What `POST <endpoint>/api/devices/sync-batch` is sent.
 * @module
 */
import { hash } from "node:crypto";
import type { OutboxBatch, Row } from "../../core/mod.ts";

export interface SyncBatch {
  agent_id: string;
  /** The same for the same punches, so that a batch sent twice is recognised as one. */
  batch_id: string;
  logs: readonly Row[];
}

/** The path of the endpoint that takes batches. */
export const SYNC_BATCH_PATH = "/api/devices/sync-batch";

/** The body of a batch of punches, for the agent of this id. */
export function syncBatch(agentId: string): (batch: OutboxBatch) => SyncBatch {
  return ({ rows }) => ({
    agent_id: agentId,
    batch_id: hash("sha256", rows.map(({ id }) => id).join("\n"), "hex").slice(0, 32),
    logs: rows,
  });
}

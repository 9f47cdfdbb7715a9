/** What the endpoint of attendance is sent: `POST <endpoint_url><path>`. @module */
import { hash } from "node:crypto";
import type { OutboxBatch, Row } from "../../core/mod.ts";

export interface SyncBatch {
  agent_id: string;
  /** The same for the same rows, so that a batch sent twice is recognised as one, and a punch that changed is not. */
  batch_id: string;
  logs: readonly Row[];
}

/** The body of a batch of punches, for the agent of this id. */
export function syncBatch(agentId: string): (batch: OutboxBatch) => SyncBatch {
  return ({ rows }) => ({
    agent_id: agentId,
    batch_id: hash("sha256", JSON.stringify(rows), "hex").slice(0, 32),
    logs: rows,
  });
}

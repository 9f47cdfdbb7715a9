/** The outboxes of heartbeats and of grants, which are few and go first. @module */
import type { Id } from "../../core/mod.ts";
import {
  type JoinedOutbox,
  joinedOutbox,
  type Store,
  type TableOutbox,
  tableOutbox,
} from "../../store/mod.ts";
import { GRANT_COLUMNS } from "./allowance/grants.ts";
import { GRANTS_TABLE } from "./allowance/inbox.ts";
import { sentRow } from "./heartbeats/heartbeats.ts";

export interface Outboxes {
  readonly heartbeats: TableOutbox;
  readonly grants: TableOutbox;
  /** The stream's outbox. */
  readonly all: JoinedOutbox;
}

export function openOutboxes(store: Store, { twoWay, nowOf, extra }: {
  /** Whether grants are sent: an endpoint takes heartbeats only. */
  twoWay: boolean;
  /** The current id of a device that was renamed. */
  nowOf: (deviceId: Id) => Id;
  /** Fields sent in addition to a heartbeat's own. */
  extra: () => Readonly<Record<string, unknown>>;
}): Outboxes {
  const heartbeats = tableOutbox(store, {
    stream: "playtime",
    table: "heartbeats",
    remoteTable: "heartbeats",
    index: "heartbeats_unsynced",
    key: "seq",
    columns: ["device_id", "timestamp_utc", "is_playing", "poll_interval_sec", "process_name"],
    row: (raw) => {
      const row = sentRow(raw);
      return { ...row, device_id: nowOf(row.device_id), ...extra() };
    },
    instant: "timestamp_utc",
  });
  const grants = tableOutbox(store, {
    stream: "playtime",
    table: GRANTS_TABLE,
    remoteTable: GRANTS_TABLE,
    index: "allowance_grants_unsynced",
    order: ["created_at", "id"],
    columns: GRANT_COLUMNS,
    instant: "created_at",
  });
  const all = twoWay
    ? joinedOutbox(store, { stream: "playtime", parts: [grants, heartbeats] })
    : heartbeats;
  return { heartbeats, grants, all };
}

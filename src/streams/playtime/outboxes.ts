/** Heartbeats and grants on their way to the cloud, each to its own table; grants are few, and go first. @module */
import type { Id, OutboxBatch } from "../../core/mod.ts";
import { type Store, type TableOutbox, tableOutbox } from "../../store/mod.ts";
import { GRANT_COLUMNS } from "./allowance/grants.ts";
import { GRANTS_TABLE } from "./allowance/inbox.ts";
import { sentRow } from "./heartbeats/heartbeats.ts";

export interface Outboxes {
  readonly heartbeats: TableOutbox;
  readonly grants: TableOutbox;
  /** What the cloud gets. */
  readonly all: TableOutbox;
}

const NONE: ReadonlySet<string> = new Set();

export function openOutboxes(store: Store, { twoWay, isGrant, nowOf, extra }: {
  /** Otherwise grants stay here: an endpoint takes heartbeats and has no rows for this machine. */
  twoWay: boolean;
  /** Whether a row with this id is a grant. */
  isGrant: (id: Id) => boolean;
  /** What a device id has become. */
  nowOf: (deviceId: Id) => Id;
  /** What is sent beside a heartbeat's own fields. */
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
  const all = twoWay ? withGrants(heartbeats, grants, isGrant) : heartbeats;
  return { heartbeats, grants, all };
}

function withGrants(
  heartbeats: TableOutbox,
  grants: TableOutbox,
  isGrant: (id: Id) => boolean,
): TableOutbox {
  /** Grants that were given out and are not settled. */
  const offered = new Set<Id>();
  let skipped = NONE;

  /** The batch after the first rows that wait; each table counts its own. */
  const next = (given: number, limit: number): OutboxBatch => {
    if (!skipped.has(GRANTS_TABLE)) {
      const batch = grants.pendingAfter!(offered.size, limit);
      for (const { id } of batch.rows) offered.add(id);
      if (batch.rows.length > 0) return batch;
    }
    return heartbeats.pendingAfter!(Math.max(0, given - offered.size), limit);
  };
  /** Each table's part of rows that were given out. */
  const split = <T>(rows: readonly T[], idOf: (row: T) => Id): [own: T[], others: readonly T[]] => {
    if (offered.size === 0) return [[], rows];
    const own = rows.filter((row) => offered.has(idOf(row)));
    return [own, own.length === 0 ? rows : rows.filter((row) => !offered.has(idOf(row)))];
  };
  const self = (id: Id) => id;
  /** Of rows that were rejected before. */
  const decide = (decision: "readmit" | "discard") => (ids: readonly Id[]) => {
    for (const id of ids) (isGrant(id) ? grants : heartbeats)[decision]([id]);
  };

  return {
    ...heartbeats,
    tables: [GRANTS_TABLE, "heartbeats"],
    counted: Promise.all([heartbeats.counted, grants.counted]).then(() => {}),
    pending(limit, { skip = NONE } = {}) {
      skipped = skip;
      offered.clear();
      return next(0, limit);
    },
    pendingAfter: next,
    passOver(ids) {
      const [own, others] = split(ids, self);
      if (own.length > 0) grants.passOver!(own);
      if (others.length > 0) heartbeats.passOver!(others);
    },
    startOver() {
      grants.startOver!();
      heartbeats.startOver!();
    },
    settle(ids, at) {
      const [own, others] = split(ids, self);
      if (own.length > 0) grants.settle(own, at);
      if (others.length > 0) heartbeats.settle(others, at);
      for (const id of own) offered.delete(id);
    },
    reject(rejections, at) {
      const [own, others] = split(rejections, ({ id }) => id);
      if (own.length > 0) grants.reject(own, at);
      if (others.length > 0) heartbeats.reject(others, at);
      for (const { id } of own) offered.delete(id);
    },
    readmit: decide("readmit"),
    discard: decide("discard"),
    depth() {
      const depths = [grants.depth(), heartbeats.depth()];
      const oldest = depths.map((depth) => depth.oldest).filter((each) => each !== null).sort()[0];
      return { rows: depths[0]!.rows + depths[1]!.rows, oldest: oldest ?? null };
    },
  };
}

/** How the rows of each table are written: its keys, the columns added to every row, what identifies one. @module */

export interface TableRules {
  /** The unique columns of an upsert, best first. Only a key that holds the system proves whose row is there. */
  conflict: readonly (readonly string[])[];
  /** Of records: their key column. */
  key?: string;
  /** Whether a row that is there already is overwritten, or left as it is. */
  merge: boolean;
  /** Whether rows that may not be overwritten can be left as they are. */
  mayIgnore?: boolean;
  /** The column of the system that a row belongs to. */
  system: string;
  /** The column by which rows are looked up. */
  lookUp: string;
  /** The columns that together identify a row. */
  identity: readonly string[];
  /** Whether `id` is a random number made by this agent: a row that has it is the agent's own. */
  randomId?: boolean;
  /** Columns added to every row, unless the table lacks them. */
  stamp?: Readonly<Record<string, string>>;
  /** Columns that a table may lack, besides the stamp. */
  optional?: readonly string[];
  /** Columns that a table of an earlier schema lacks: it takes rows without them, and the user learns of it. */
  later?: readonly string[];
  /** Columns for this machine's use only. */
  omit?: readonly string[];
}

export interface TableNames {
  systemId: string;
  deviceId: string;
  eventsTable: string;
  healthTable: string;
}

/** The rules of the streams' tables. */
export function streamRules(
  { systemId, deviceId, eventsTable, healthTable }: TableNames,
): Map<string, TableRules> {
  const stamp = { system_id: systemId };
  // Several machines may share a system: these rows name the one that they are from.
  const ofDevice = { ...stamp, device_id: deviceId };
  return new Map<string, TableRules>([
    ["heartbeats", {
      conflict: [["device_id", "timestamp_utc", "id"], ["id", "timestamp_utc"], ["id"]],
      merge: false,
      system: "device_id",
      lookUp: "id",
      identity: ["id", "device_id"],
      randomId: true,
      optional: ["process_name"],
    }],
    ["allowance_grants", keyedBy("id", { merge: false, stamp })],
    ["people", keyedBy("person_id", { merge: true, stamp: ofDevice, omit: ["id"] })],
    ["punch_corrections", keyedBy("id", { merge: false, stamp: ofDevice })],
    [
      "punches",
      keyedBy("id", {
        conflict: [["system_id", "device_sn", "person_id", "device_time"], ["id"]],
        // A corrected time zone, a direction decided again and a correction change punches that the cloud has.
        merge: true,
        mayIgnore: true,
        identity: ["id", "system_id", "punched_at"],
        stamp,
        later: ["direction", "direction_by", "struck", "added_by", "person_name"],
      }),
    ],
    [
      eventsTable,
      keyedBy("idempotency_key", {
        conflict: [
          ["system_id", "mode", "idempotency_key"],
          ["mode", "idempotency_key"],
          ["idempotency_key"],
        ],
        merge: false,
        identity: ["mode", "idempotency_key", "system_id"],
        randomId: true,
        stamp: ofDevice,
      }),
    ],
    [
      healthTable,
      keyedBy("mode", {
        conflict: [["system_id", "mode"], ["mode"]],
        merge: true,
        stamp,
        omit: ["id"],
      }),
    ],
    [
      "devices",
      keyedBy("device_id", {
        merge: true,
        stamp,
        later: ["granted_min", "minutes_left"],
        omit: ["id"],
      }),
    ],
  ]);
}

/** The rules of a table of records. */
export function recordRules(key: string): TableRules {
  return keyedBy(key, { conflict: [["system_id", key], [key]], key, merge: true });
}

/** Rules of a table whose rows are told apart by a column in each system, where `more` does not say otherwise. */
function keyedBy(
  column: string,
  more: Partial<TableRules> & Pick<TableRules, "merge">,
): TableRules {
  return {
    conflict: [["system_id", column]],
    system: "system_id",
    lookUp: column,
    identity: [column, "system_id"],
    ...more,
  };
}

/**
 * The id that this device's rows have. When it changes, rows with a former id get the new one. Rows with an id that
 * this database never had are another device's.
 * @module
 */
import { type Id, logger, randomId } from "./core/mod.ts";
import { peekMeta, type Store } from "./store/mod.ts";

export interface DeviceIds {
  readonly deviceId: Id;
  /** The system that records belong to: the device itself unless the configuration names one. */
  readonly systemId: string;
  /** Former ids that rows may still have. */
  readonly formerDeviceIds: readonly Id[];
  /** No row has a former id any more; called inside `write`. */
  readonly forgetFormerDeviceIds: () => void;
}

/** The configuration's keys, and where the database is. */
interface DeviceIdConfig {
  device_id: Id | null;
  records: { system_id: string | null };
  db_path: string;
}

/** Made on the first run: the id while the configuration has none. */
const MADE = "device_id";
/** The id that new rows had last. */
const USED = "device_id_used";
/** JSON: the former ids that rows still have. */
const BEFORE = "device_ids_before";

/** The device id to record under, stored together with the former ones. */
export async function takeDeviceId(
  store: Store,
  { device_id: configured, records }: DeviceIdConfig,
): Promise<DeviceIds> {
  const made = store.meta(MADE);
  const used = store.meta(USED) ?? made;
  const id = configured ?? made ?? used ?? randomId();
  const pending = store.meta(BEFORE) ?? "[]";
  const before = new Set<Id>(JSON.parse(pending)); // only written here
  if (used !== undefined) before.add(used);
  // Changed back before all rows were renamed: the rest has the right id already.
  before.delete(id);
  const left = JSON.stringify([...before]);
  if (store.meta(USED) !== id || left !== pending || (configured === null && made === undefined)) {
    await store.write(() => {
      if (configured === null) store.setMeta(MADE, id);
      store.setMeta(USED, id);
      store.setMeta(BEFORE, left);
    });
  }
  if (used !== undefined && used !== id) {
    logger("agent").info("This device was {used} and is {id} now: its days get that id", {
      used,
      id,
    });
  }
  const forgetFormerDeviceIds = () => store.setMeta(BEFORE, "[]");
  const systemId = records.system_id ?? id;
  return { deviceId: id, systemId, formerDeviceIds: [...before], forgetFormerDeviceIds };
}

/** The device id of a database that is only read. */
export function peekDeviceId({ device_id, db_path, records }: DeviceIdConfig): DeviceIds {
  const deviceId = device_id ?? peekMeta(db_path, MADE) ?? peekMeta(db_path, USED) ?? randomId();
  return {
    deviceId,
    systemId: records.system_id ?? deviceId,
    formerDeviceIds: [],
    forgetFormerDeviceIds: () => {},
  };
}

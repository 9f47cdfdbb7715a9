/**
 * The name that this machine's rows have. When it changes, the machine is still the same: what it recorded under the
 * name before goes over to the new one. Rows of names that this database never had are another machine's.
 * @module
 */
import { type Id, logger, randomId } from "./core/mod.ts";
import { peekMeta, type Store } from "./store/mod.ts";

export interface DeviceId {
  readonly id: Id;
  /** Names before, of which there may still be rows. */
  readonly before: readonly Id[];
}

/** Made on the first run: the name while the configuration has none. */
const MADE = "device_id";
/** The name that new rows had last. */
const USED = "device_id_used";
/** JSON: the names whose rows have not all gone over. */
const BEFORE = "device_ids_before";

/** The device id to record under, remembered with those before it. */
export async function takeDeviceId(store: Store, configured: Id | null): Promise<DeviceId> {
  const made = store.meta(MADE);
  const used = store.meta(USED) ?? made;
  const id = configured ?? made ?? used ?? randomId();
  const pending = store.meta(BEFORE) ?? "[]";
  const before = new Set<Id>(JSON.parse(pending)); // only written here
  if (used !== undefined) before.add(used);
  // Changed back before all had gone over: what is left is where it belongs.
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
    logger("agent").info("This device was {used} and is {id} now: its days go over to that name", {
      used,
      id,
    });
  }
  return { id, before: [...before] };
}

/** All rows have gone over; called inside `write`. */
export function forgetNamesBefore(store: Store): void {
  store.setMeta(BEFORE, "[]");
}

/** The device id of a folder that is only looked at. */
export function peekDeviceId(path: string, configured: Id | null): DeviceId {
  return {
    id: configured ?? peekMeta(path, MADE) ?? peekMeta(path, USED) ?? randomId(),
    before: [],
  };
}

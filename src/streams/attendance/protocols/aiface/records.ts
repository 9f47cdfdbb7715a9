/** From the text of a message's records to rows, group by group. @module */
import type { Context } from "../context.ts";
import type { Device } from "../../devices/device.ts";
import { readRecords, recordGroups } from "./decode.ts";
import type { ScannedObject } from "./scan.ts";

export interface StoredGroup {
  records: number;
  /** Whether the database took them. */
  stored: boolean;
  /** The days of its punches, as the device said them. */
  days: ReadonlySet<string>;
}

/** Stores one group of records. */
export async function storeGroup(
  context: Context,
  device: Device,
  group: string,
): Promise<StoredGroup> {
  const receivedMs = context.clock.now();
  const readings = readRecords(group, { zone: device.zone, receivedMs });
  const { punches, events, unreadable } = readings;
  const delivery = { device, protocol: "aiface", receivedMs, ...readings } as const;
  return {
    records: punches.length + events.length + unreadable.length,
    stored: await context.intake.store(delivery),
    days: new Set(punches.map(({ deviceTime }) => deviceTime.slice(0, 10))),
  };
}

/** Stores all records of a message, their days in order; undefined when the database would not. */
export async function storeRecords(
  context: Context,
  device: Device,
  scanned: ScannedObject,
): Promise<{ records: number; days: string[] } | undefined> {
  let records = 0;
  const days = new Set<string>();
  for (const group of recordGroups(scanned)) {
    const part = await storeGroup(context, device, group);
    if (!part.stored) return undefined;
    records += part.records;
    for (const day of part.days) days.add(day);
  }
  return { records, days: [...days].sort() };
}

/**
 * What an iclock device posts: a table's lines, stored as they arrive, so that a body of any size takes no more
 * memory than a small one.
 * @module
 */
import type { ProtocolContext } from "../context.ts";
import type { Device } from "../../devices/device.ts";
import type { Delivery } from "../../storage/intake.ts";
import type { ParsedRecords } from "../../storage/parsed.ts";
import type { Connection } from "../../listener/connection.ts";
import { bodyPieces, type RequestHead } from "../../listener/http.ts";
import { readAttlog, readOperlog, readUser } from "./attlog.ts";
import { noteDeviceInfo } from "./device_info.ts";
import { LineScanner } from "./lines.ts";

export interface TablePost {
  connection: Connection;
  head: RequestHead;
  device: Device;
  /** Whether it sends from its own address: else it may be a stranger with its serial number. */
  believed: boolean;
  /** In capitals. */
  table: string;
  query: ReadonlyMap<string, string>;
}

/** Templates and photos: acknowledged, so that the device stops sending them, and not kept. */
const NOT_KEPT = new Set(["FINGERTMP", "BIODATA", "BIOPHOTO", "USERPIC", "ATTPHOTO", "ERRORLOG"]);

/** Stores a table's lines as they arrive; the last of them together with the device's stamp. */
export async function receiveTable(
  context: ProtocolContext,
  post: TablePost,
): Promise<{ lines: number } | "not stored" | "hung up"> {
  const { connection, head, device, believed, table } = post;
  const { intake, clock, quota } = context;
  const receivedMs = clock.now();
  const scanner = new LineScanner();
  let stored = true;
  let punches = 0;

  const store = async (delivery: Partial<Delivery>) => {
    stored = stored &&
      await intake.store({ device, protocol: "iclock", receivedMs, believed, ...delivery });
  };

  const { maxMessageBytes, strangerBytes } = quota.limits;
  const body = bodyPieces(connection, head, { limit: believed ? maxMessageBytes : strangerBytes });
  let next = await body.next();
  for (; !next.done; next = await body.next()) {
    for (const lines of scanner.push(next.value)) {
      const readings = readLines(lines, { context, post, receivedMs });
      punches += readings.punches.length;
      await store(readings);
    }
  }
  if (!next.value.complete) return "hung up";
  const rest = scanner.end();
  const last = readLines(rest, { context, post, receivedMs });
  punches += last.punches.length;
  // A stamp moves with what is stored, and only for the device itself: what is before it is not sent again.
  const moves = believed && (table === "ATTLOG" ? punches > 0 : scanner.count > 0);
  const stamp = moves ? stampOf(post) : undefined;
  if (rest.length > 0 || stamp) await store({ ...last, stamp });
  if (!stored) return "not stored";
  // A photo is one thing, however many line breaks its bytes have.
  return { lines: table === "ATTPHOTO" ? 1 : scanner.count };
}

function readLines(
  lines: readonly string[],
  { context, post: { device, believed, table }, receivedMs }: {
    context: ProtocolContext;
    post: TablePost;
    receivedMs: number;
  },
): ParsedRecords {
  const readings: ParsedRecords = { punches: [], events: [], users: [], unreadable: [] };
  if (lines.length === 0 || NOT_KEPT.has(table)) return readings;
  const reading = { zone: device.zone, receivedMs };
  switch (table) {
    case "ATTLOG":
      if (believed) context.warnings.clear(`attendance.push3.${device.sn}`);
      for (const line of lines) {
        const read = readAttlog(line, reading);
        if ("reason" in read) readings.unreadable.push(read);
        else readings.punches.push(read);
      }
      return readings;
    case "OPERLOG":
      for (const line of lines) {
        const event = readOperlog(line, reading);
        if (event) readings.events.push(event);
        else readings.users.push(...readUser(line));
      }
      return readings;
    case "USERINFO":
      readings.users = lines.flatMap(readUser);
      return readings;
    case "OPTIONS":
      if (!believed) return readings;
      for (const line of lines) noteDeviceInfo(device, line);
      context.devices.changed(device);
      return readings;
  }
  readings.unreadable.push({
    reason: `table ${table.slice(0, 32)} is not supported`,
    raw: lines.join("\n"),
  });
  if (believed && (table === "RTLOG" || table === "TABLEDATA")) {
    context.warnings.raise(
      `attendance.push3.${device.sn}`,
      `Device ${device.sn} sends its punches as access control (PUSH 3.x), which is not understood: they are in ` +
        'quarantine. Set "Device type" to "T&A PUSH" in its menu',
    );
  }
  return readings;
}

/** The device's position in this table: an opaque text, sent back at its next handshake. */
function stampOf({ table, query }: TablePost): Delivery["stamp"] {
  const value = table === "OPERLOG"
    ? query.get("opstamp") ?? query.get("stamp")
    : query.get("stamp");
  if ((table !== "ATTLOG" && table !== "OPERLOG") || !value) return undefined;
  return /^[\w.:-]{1,64}$/.test(value) ? { table, value } : undefined;
}

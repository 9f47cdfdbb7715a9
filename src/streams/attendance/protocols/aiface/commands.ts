/** Commands of AiFace devices other than sendlog, and their answers. @module */
import { cloudTime } from "../../devices/clocks.ts";
import type { ProtocolContext } from "../context.ts";
import type { Device } from "../../devices/device.ts";
import { commandEvent, type Fields, userOf } from "./decode.ts";

/** The answer to a message, or why there is none. */
export type CommandAnswer =
  | { send: Readonly<Record<string, unknown>> }
  | { silent: "unknown" | "storage" | "malformed" | "incomplete" | "nothing" };

/** Answers a command; an unknown one is stored as an event first. */
export async function answerCommand(
  context: ProtocolContext,
  device: Device,
  { cmd, fields, believed }: { cmd: string; fields: Fields; believed: boolean },
): Promise<CommandAnswer> {
  const receivedMs = context.clock.now();
  const delivery = { device, protocol: "aiface", receivedMs } as const;
  switch (cmd) {
    case "checklive":
      return { send: { ret: cmd, result: true } };
    case "senduser": {
      // Templates are not kept; without an answer the device would send them again.
      const { enrollid, backupnum } = fields;
      const users = userOf(fields);
      const kept = users.length === 0 ||
        await context.intake.store({ ...delivery, believed, users });
      if (!kept) return { silent: "storage" };
      const cloudtime = cloudTime(context, device.zone);
      return {
        send: { ret: cmd, result: true, enrollid, backupnum, ...(cloudtime && { cloudtime }) },
      };
    }
    case "sendgps":
      return { silent: "nothing" };
    case "otacheck":
    case "otaget":
      return { send: { ret: cmd, result: false } };
  }
  const stored = await context.intake.store({
    ...delivery,
    events: [commandEvent(cmd, fields)],
  });
  if (!stored) return { silent: "storage" };
  // These two ask to open the door, which a recorder never grants.
  const asksForEntry = cmd === "sendqrcode" || cmd === "sendpin";
  return { send: { ret: cmd, result: !asksForEntry } };
}

/** What AiFace devices want besides bringing punches, and what they are told. @module */
import { cloudTime } from "../../devices/clocks.ts";
import type { Context } from "../context.ts";
import type { Device } from "../../devices/device.ts";
import { commandEvent, type Fields } from "./decode.ts";

/** What a device is told, or why it is told nothing. */
export type Answer =
  | { send: Readonly<Record<string, unknown>> }
  | { silent: "unknown" | "storage" | "malformed" | "incomplete" | "nothing" };

/** Answers a command; one that nobody planned for is stored as an event first. */
export async function answerCommand(
  context: Context,
  device: Device,
  { cmd, fields }: { cmd: string; fields: Fields },
): Promise<Answer> {
  switch (cmd) {
    case "checklive":
      return { send: { ret: cmd, result: true } };
    case "senduser": {
      // Names and templates are not this agent's business; unanswered, the device would repeat them.
      const { enrollid, backupnum } = fields;
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
    device,
    protocol: "aiface",
    receivedMs: context.clock.now(),
    events: [commandEvent(cmd, fields)],
  });
  if (!stored) return { silent: "storage" };
  // These two ask whether someone may come in. That is not for a recorder to grant.
  const asksForEntry = cmd === "sendqrcode" || cmd === "sendpin";
  return { send: { ret: cmd, result: !asksForEntry } };
}

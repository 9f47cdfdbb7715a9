/** `clockblock devices`: the attendance devices, which of them may send, and what they are asked to do. @module */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import {
  commandName,
  type DeviceCommand,
  type DeviceReport,
  type DeviceState,
} from "../../../contract/attendance.ts";
import type { Status } from "../../../contract/status.ts";
import { systemClock } from "../../../core/mod.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { argument, jsonFlag, textFlag } from "../../flags.ts";
import { jsonText } from "../../rows.ts";
import { ago, type Color, columns, count, durationOf, harmless } from "../../terminal.ts";
import { agentCommand } from "../agent_command.ts";

const COLORS: Readonly<Record<DeviceState, Color>> = {
  online: "green",
  offline: "red",
  pending: "yellow",
  refused: "dim",
  unsupported: "yellow",
};

/** Clock offset of a device above which the list mentions it. */
const SKEW_MS = 60_000;

const list = agentCommand<{ json: boolean }>({
  brief: "Show the devices: on or off line, waiting for approval, last seen",
  flags: { json: jsonFlag },
  async run({ client, stdout, paint }, { json }) {
    const devices = await client.get<DeviceReport[]>("/devices");
    if (json) return stdout.write(jsonText(devices));
    if (devices.length === 0) {
      const { attendance: { enabled } } = await client.get<Pick<Status, "attendance">>("/status");
      return stdout.write(
        enabled
          ? "No device has called\n"
          : "Attendance is off: set attendance.enabled in the configuration\n",
      );
    }
    const now = systemClock.now();
    stdout.write(columns(devices.map((device) => [
      device.sn,
      device.name ?? "",
      device.role,
      paint(COLORS[device.state], device.state),
      paint("dim", device.last_seen === null ? "never seen" : ago(device.last_seen, now)),
      [device.protocol, device.address].filter((part) => part !== null).join(" "),
      remarks(device).join(", "),
    ])));
  },
});

function remarks({ other_address, silent, backlog, first_line, skew_ms }: DeviceReport): string[] {
  const words: string[] = [];
  if (other_address !== null) words.push(`${other_address} uses its serial number`);
  if (silent) words.push("usually speaks at this hour");
  if (first_line !== null) words.push(`sent ${harmless(first_line)}`);
  if (backlog !== null && backlog > 0) words.push(`${count(backlog)} punches waiting in it`);
  if (skew_ms !== null && Math.abs(skew_ms) > SKEW_MS) {
    words.push(`clock ${durationOf(Math.abs(skew_ms))} ${skew_ms > 0 ? "ahead" : "behind"}`);
  }
  return words;
}

const serial = argument("Which device, as devices list shows it", "sn");

const approve = agentCommand<{ name?: string; timeZone?: string; address?: string }, [string]>({
  brief: "Let a device in: its punches are taken from now on",
  flags: {
    name: textFlag("What people call it"),
    timeZone: textFlag("The zone of its clock, where it is another than the others'", "zone"),
    address: textFlag("The address it has moved to", "ip"),
  },
  positional: { kind: "tuple", parameters: [serial] },
  async run({ client, stdout }, { name, timeZone, address }, sn) {
    const body = { name, time_zone: timeZone, address };
    const device = await client.post<DeviceReport>(pathOf(sn, "/approve"), body);
    stdout.write(`${shown(device)} is approved\n`);
  },
});

const refuse = agentCommand<NonNullable<unknown>, [string]>({
  brief: "Keep a device out: nothing it sends is stored any more",
  positional: { kind: "tuple", parameters: [serial] },
  async run({ client, stdout }, _flags, sn) {
    const device = await client.post<DeviceReport>(pathOf(sn, "/refuse"));
    stdout.write(`${shown(device)} is refused\n`);
  },
});

const resync = agentCommand<NonNullable<unknown>, [string]>({
  brief: "Have a device send its punches again; an iclock device restarts for it",
  positional: { kind: "tuple", parameters: [serial] },
  async run({ client, stdout }, _flags, sn) {
    const device = await client.post<DeviceReport>(pathOf(sn, "/resync"));
    const when = device.state === "online" ? "" : " when it calls";
    stdout.write(`${shown(device)} will send its punches again${when}\n`);
  },
});

function pathOf(sn: string, rest = ""): string {
  return `/devices/${encodeURIComponent(sn)}${rest}`;
}

function shown({ sn, name }: DeviceReport): string {
  return name === null ? sn : `${sn} (${harmless(name)})`;
}

interface SetFlags {
  name?: string;
  timeZone?: string;
  role?: "entrance" | "exit" | "both";
}

const set = agentCommand<SetFlags, [string]>({
  brief: "Change what a device is called, its zone, or what its door is for",
  flags: {
    name: textFlag("What people call it"),
    timeZone: textFlag("The zone of its clock", "zone"),
    role: {
      kind: "enum",
      values: ["entrance", "exit", "both"],
      brief: "What its door is for",
      optional: true,
    },
  },
  positional: { kind: "tuple", parameters: [serial] },
  check(flags) {
    if (Object.values(flags).some((value) => value !== undefined)) return;
    throw new UsageError("Cannot change a device: give --name, --time-zone or --role");
  },
  async run({ client, stdout }, { name, timeZone, role }, sn) {
    const changes = { name, time_zone: timeZone, role };
    const device = await client.patch<DeviceReport>(pathOf(sn), changes);
    stdout.write(`${shown(device)} is changed\n`);
  },
});

const remove = agentCommand<NonNullable<unknown>, [string]>({
  brief: "Take a device off the list; its punches stay",
  positional: { kind: "tuple", parameters: [serial] },
  async run({ client, stdout }, _flags, sn) {
    await client.delete(pathOf(sn));
    stdout.write(`${sn} is removed; its punches stay\n`);
  },
});

const COMMANDS = commandName.options.map((name) => name.replaceAll("_", "-"));

const command = agentCommand<{ person?: string }, [string, string]>({
  brief: "Ask a device to do something: set-clock, send-name, read-log, restart",
  flags: { person: textFlag("Whose name send-name sends", "id") },
  positional: {
    kind: "tuple",
    parameters: [serial, {
      ...argument("set-clock, send-name, read-log or restart", "command"),
      parse: knownCommand,
    }],
  },
  check({ person }, _sn, what) {
    if ((what === "send-name") === (person !== undefined)) return;
    throw new UsageError(
      what === "send-name"
        ? "Cannot send a name: say whose with --person"
        : `Cannot use --person with ${what}: it is for send-name`,
    );
  },
  async run({ client, stdout }, { person }, sn, what) {
    const body = { command: what.replaceAll("-", "_"), person_id: person };
    await client.post<DeviceCommand>(pathOf(sn, "/commands"), body);
    stdout.write(`${sn} is asked to ${what}: see clockblock devices commands ${sn}\n`);
  },
});

function knownCommand(text: string): string {
  if (COMMANDS.includes(text)) return text;
  throw new UsageError(`Cannot ask a device to ${text}: expected ${COMMANDS.join(", ")}`);
}

const commands = agentCommand<{ json: boolean }, [string]>({
  brief: "Show what a device was asked to do, and how that ended",
  flags: { json: jsonFlag },
  positional: { kind: "tuple", parameters: [serial] },
  async run({ client, stdout }, { json }, sn) {
    const asked = await client.get<DeviceCommand[]>(pathOf(sn, "/commands"));
    if (json) return stdout.write(jsonText(asked));
    if (asked.length === 0) return stdout.write(`${sn} was asked nothing\n`);
    stdout.write(columns(asked.map(({ asked_at, command, person_id, state, result }) => [
      asked_at,
      person_id === null ? command : `${command} ${person_id}`,
      state,
      harmless(result ?? ""),
    ])));
  },
});

export const devicesCommand: RouteMap<Context> = buildRouteMap({
  routes: { list, approve, set, remove, command, commands, refuse, resync },
  docs: {
    brief:
      "Attendance devices: list, approve, refuse, change, remove them, ask them to do something",
  },
});

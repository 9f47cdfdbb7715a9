/** `clockblock devices`: the attendance devices, who of them may come in, and what they are asked to do. @module */
import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { DeviceCommand } from "../../../contract/attendance.ts";
import { type Instant, msOf, systemClock } from "../../../core/mod.ts";
import type { Context } from "../../context.ts";
import { UsageError } from "../../exit.ts";
import { jsonFlag } from "../../flags.ts";
import { withAgent } from "../../session.ts";
import type { Status } from "../../../contract/status.ts";
import { type Color, columns, count, duration, harmless, painter } from "../../terminal.ts";

interface Device {
  sn: string;
  name: string | null;
  role: "entrance" | "exit" | "both";
  state: "online" | "offline" | "pending" | "refused" | "unsupported";
  last_seen: Instant | null;
  protocol: string | null;
  address: string | null;
  other_address: string | null;
  silent: boolean;
  backlog: number | null;
  first_line: string | null;
  skew_ms: number | null;
}

const COLORS: Readonly<Record<Device["state"], Color>> = {
  online: "green",
  offline: "red",
  pending: "yellow",
  refused: "dim",
  unsupported: "yellow",
};

/** A device's clock that is further off than this is worth a word. */
const SKEW_MS = 60_000;

const list: Command<Context> = buildCommand<{ json: boolean }, [], Context>({
  docs: { brief: "Show the devices: on or off line, waiting for approval, last seen" },
  parameters: { flags: { json: jsonFlag } },
  async func({ json }) {
    const { stdout } = this.io;
    const paint = painter(stdout);
    await withAgent(this, async (client) => {
      const devices = await client.get<Device[]>("/devices");
      if (json) return stdout.write(`${JSON.stringify(devices, null, 2)}\n`);
      if (devices.length === 0) {
        const { attendance: { enabled } } = await client.get<Pick<Status, "attendance">>("/status");
        return stdout.write(
          enabled
            ? "No device has called\n"
            : "Attendance is off: set attendance.enabled in the configuration\n",
        );
      }
      stdout.write(columns(devices.map((device) => [
        device.sn,
        device.name ?? "",
        device.role,
        paint(COLORS[device.state], device.state),
        paint("dim", device.last_seen === null ? "never seen" : ago(device.last_seen)),
        [device.protocol, device.address].filter((part) => part !== null).join(" "),
        remarks(device).join(", "),
      ])));
    });
  },
});

function ago(instant: Instant): string {
  return `${duration(Math.max(0, systemClock.now() - msOf(instant)))} ago`;
}

function remarks({ other_address, silent, backlog, first_line, skew_ms }: Device): string[] {
  const words: string[] = [];
  if (other_address !== null) words.push(`${other_address} uses its serial number`);
  if (silent) words.push("usually speaks at this hour");
  if (first_line !== null) words.push(`sent ${harmless(first_line)}`);
  if (backlog !== null && backlog > 0) words.push(`${count(backlog)} punches waiting in it`);
  if (skew_ms !== null && Math.abs(skew_ms) > SKEW_MS) {
    words.push(`clock ${duration(Math.abs(skew_ms))} ${skew_ms > 0 ? "ahead" : "behind"}`);
  }
  return words;
}

interface ApproveFlags {
  name?: string;
  timeZone?: string;
  address?: string;
}

const serial = {
  parse: String,
  brief: "Which device, as devices list shows it",
  placeholder: "sn",
} as const;

const approve: Command<Context> = buildCommand<ApproveFlags, [string], Context>({
  docs: { brief: "Let a device in: its punches are taken from now on" },
  parameters: {
    flags: {
      name: { kind: "parsed", parse: String, brief: "What people call it", optional: true },
      timeZone: {
        kind: "parsed",
        parse: String,
        brief: "The zone of its clock, where it is another than the others'",
        placeholder: "zone",
        optional: true,
      },
      address: {
        kind: "parsed",
        parse: String,
        brief: "The address it has moved to",
        placeholder: "ip",
        optional: true,
      },
    },
    positional: { kind: "tuple", parameters: [serial] },
  },
  async func({ name, timeZone, address }, sn) {
    await decide(this, `/devices/${encodeURIComponent(sn)}/approve`, {
      body: {
        ...(name === undefined ? {} : { name }),
        ...(timeZone === undefined ? {} : { time_zone: timeZone }),
        ...(address === undefined ? {} : { address }),
      },
      done: () => "is approved",
    });
  },
});

/** `refuse` and `resync` take nothing but the device. */
function plain(
  action: string,
  { brief, done }: { brief: string; done: (device: Device) => string },
): Command<Context> {
  return buildCommand<Record<never, never>, [string], Context>({
    docs: { brief },
    parameters: { positional: { kind: "tuple", parameters: [serial] } },
    async func(_flags, sn) {
      await decide(this, `/devices/${encodeURIComponent(sn)}/${action}`, { done });
    },
  });
}

async function decide(
  context: Context,
  path: string,
  { body, done }: { body?: unknown; done: (device: Device) => string },
): Promise<void> {
  await withAgent(context, async (client) => {
    const device = await client.post<Device>(path, body);
    context.io.stdout.write(`${shown(device)} ${done(device)}\n`);
  });
}

function shown({ sn, name }: Device): string {
  return name === null ? sn : `${sn} (${harmless(name)})`;
}

interface SetFlags {
  name?: string;
  timeZone?: string;
  role?: "entrance" | "exit" | "both";
}

const set: Command<Context> = buildCommand<SetFlags, [string], Context>({
  docs: { brief: "Change what a device is called, its zone, or what its door is for" },
  parameters: {
    flags: {
      name: { kind: "parsed", parse: String, brief: "What people call it", optional: true },
      timeZone: {
        kind: "parsed",
        parse: String,
        brief: "The zone of its clock",
        placeholder: "zone",
        optional: true,
      },
      role: {
        kind: "enum",
        values: ["entrance", "exit", "both"],
        brief: "What its door is for",
        optional: true,
      },
    },
    positional: { kind: "tuple", parameters: [serial] },
  },
  async func({ name, timeZone, role }, sn) {
    const changes = {
      ...(name === undefined ? {} : { name }),
      ...(timeZone === undefined ? {} : { time_zone: timeZone }),
      ...(role === undefined ? {} : { role }),
    };
    if (Object.keys(changes).length === 0) {
      throw new UsageError("Cannot change a device: give --name, --time-zone or --role");
    }
    await withAgent(this, async (client) => {
      const device = await client.patch<Device>(`/devices/${encodeURIComponent(sn)}`, changes);
      this.io.stdout.write(`${shown(device)} is changed\n`);
    });
  },
});

const remove: Command<Context> = buildCommand<Record<never, never>, [string], Context>({
  docs: { brief: "Take a device off the list; its punches stay" },
  parameters: { positional: { kind: "tuple", parameters: [serial] } },
  async func(_flags, sn) {
    await withAgent(this, async (client) => {
      await client.delete(`/devices/${encodeURIComponent(sn)}`);
      this.io.stdout.write(`${sn} is removed; its punches stay\n`);
    });
  },
});

const WHAT = {
  "set-clock": "set_clock",
  "send-name": "send_name",
  "read-log": "read_log",
  restart: "restart",
} as const;

const command: Command<Context> = buildCommand<
  { person?: string },
  [string, keyof typeof WHAT],
  Context
>({
  docs: { brief: "Ask a device to do something: set-clock, send-name, read-log, restart" },
  parameters: {
    flags: {
      person: {
        kind: "parsed",
        parse: String,
        brief: "Whose name send-name sends",
        placeholder: "id",
        optional: true,
      },
    },
    positional: {
      kind: "tuple",
      parameters: [serial, {
        parse: whatOf,
        brief: "set-clock, send-name, read-log or restart",
        placeholder: "command",
      }],
    },
  },
  async func({ person }, sn, what) {
    if ((what === "send-name") !== (person !== undefined)) {
      throw new UsageError(
        what === "send-name"
          ? "Cannot send a name: say whose with --person"
          : `Cannot use --person with ${what}: it is for send-name`,
      );
    }
    const body = { command: WHAT[what], ...(person === undefined ? {} : { person_id: person }) };
    await withAgent(this, async (client) => {
      await client.post<DeviceCommand>(`/devices/${encodeURIComponent(sn)}/commands`, body);
      this.io.stdout.write(`${sn} is asked to ${what}: see clockblock devices commands ${sn}\n`);
    });
  },
});

function whatOf(text: string): keyof typeof WHAT {
  if (Object.hasOwn(WHAT, text)) return text as keyof typeof WHAT;
  throw new UsageError(
    `Cannot ask a device to ${text}: expected ${Object.keys(WHAT).join(", ")}`,
  );
}

const commands: Command<Context> = buildCommand<{ json: boolean }, [string], Context>({
  docs: { brief: "Show what a device was asked to do, and how that ended" },
  parameters: {
    flags: { json: jsonFlag },
    positional: { kind: "tuple", parameters: [serial] },
  },
  async func({ json }, sn) {
    const { stdout } = this.io;
    await withAgent(this, async (client) => {
      const asked = await client.get<DeviceCommand[]>(
        `/devices/${encodeURIComponent(sn)}/commands`,
      );
      if (json) return stdout.write(`${JSON.stringify(asked, null, 2)}\n`);
      if (asked.length === 0) return stdout.write(`${sn} was asked nothing\n`);
      stdout.write(columns(asked.map(({ asked_at, command, person_id, state, result }) => [
        asked_at,
        person_id === null ? command : `${command} ${person_id}`,
        state,
        harmless(result ?? ""),
      ])));
    });
  },
});

export const devices: RouteMap<Context> = buildRouteMap<
  "list" | "approve" | "refuse" | "resync" | "set" | "remove" | "command" | "commands",
  Context
>({
  routes: {
    list,
    approve,
    set,
    remove,
    command,
    commands,
    refuse: plain("refuse", {
      brief: "Keep a device out: nothing it sends is stored any more",
      done: () => "is refused",
    }),
    resync: plain("resync", {
      brief: "Have a device send its punches again; an iclock device restarts for it",
      done: ({ state }) =>
        `will send its punches again${state === "online" ? "" : " when it calls"}`,
    }),
  },
  docs: {
    brief:
      "Attendance devices: list, approve, refuse, change, remove them, ask them to do something",
  },
});

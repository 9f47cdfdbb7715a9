/** Attendance devices over HTTP: who may come in, what they are called, what they are asked to do. @module */
import * as v from "valibot";
import { commandName, deviceCommand, deviceReport, deviceRole } from "../../contract/attendance.ts";
import {
  ipAddress,
  isTimeZone,
  Problem,
  type Route,
  route,
  STORING,
  wholeNumber,
} from "../../core/mod.ts";
import type { DeviceConfig } from "./devices/config.ts";
import type { Device } from "./devices/device.ts";
import { type DeviceCommands, TooManyCommands } from "./devices/device_commands.ts";
import type { Devices } from "./devices/registry.ts";
import { deviceReports } from "./devices/reports.ts";
import { serial } from "./params.ts";
import { isPersonId } from "./storage/parsed.ts";

export interface DeviceRoutesOptions {
  devices: Devices;
  commands: DeviceCommands;
  /** The name of the person with this id; null where none is known. */
  nameOf: (personId: string) => string | null;
  /** Whether this machine's clock may be given to devices. */
  maySetClocks: () => boolean;
  /** A device has another role: what is decided by it is decided again. */
  onRole: () => void;
  /** Requests everything that a device holds. */
  resync: (device: Device) => Promise<void>;
}

const ofDevice = v.object({ sn: serial });

const name = v.pipe(
  v.string("expected a name"),
  v.trim(),
  v.regex(/^[^\p{Cc}]{1,100}$/u, "expected a name of 1 to 100 characters"),
);
const zoneName = v.pipe(
  v.string("expected a time zone"),
  v.check(isTimeZone, "expected a time zone such as Asia/Kolkata"),
);

const approval = v.optional(v.pipe(
  v.strictObject({
    name: v.optional(name),
    time_zone: v.optional(zoneName),
    address: v.optional(v.pipe(
      v.string("expected an IP address"),
      v.check(
        (text) => ipAddress(text) !== undefined,
        "expected an IP address such as 192.168.1.40",
      ),
      v.transform((text) => ipAddress(text)!),
    )),
  }, "expected an object such as { name, time_zone, address }"),
  v.metadata({
    description:
      "what the device is called from now on, where its clock is set to, and which address it has moved to",
    examples: [{ name: "Front door", time_zone: "Asia/Kolkata" }, { address: "192.168.1.40" }],
  }),
));

const changes = v.pipe(
  v.strictObject({
    name: v.optional(v.nullable(name)),
    time_zone: v.optional(v.nullable(zoneName)),
    role: v.optional(deviceRole),
  }, "expected an object such as { name, time_zone, role }"),
  v.check((given) => Object.keys(given).length > 0, "expected a name, a time_zone or a role"),
  v.metadata({
    description: "what is left out stays; null takes a name or a zone of its own away",
    examples: [{ name: "Back door", role: "exit" }, { time_zone: "Asia/Dubai" }],
  }),
);

const asking = v.pipe(
  v.strictObject({
    command: commandName,
    person_id: v.optional(v.pipe(
      v.string("expected a person's id"),
      v.check(isPersonId, "expected an id of at most 64 characters without blanks"),
    )),
  }, "expected an object such as { command }"),
  v.check(
    ({ command, person_id }) => (command === "send_name") === (person_id !== undefined),
    "expected a person_id for send_name, and for nothing else",
  ),
  v.metadata({
    description: "what the device is to do, and for send_name whose name it is given",
    examples: [{ command: "set_clock" }, { command: "send_name", person_id: "1001" }],
  }),
);

const UNKNOWN = { 404: "No such device has called or is configured." };

export function deviceRoutes(options: DeviceRoutesOptions): Route[] {
  const { devices, commands, nameOf, maySetClocks, onRole, resync } = options;
  const tag = "attendance";
  const found = (sn: string): Device => {
    const known = devices.find(sn);
    if (known) return known;
    throw new Problem(404, "No such device", {
      detail: `no device "${sn}" has called or is configured`,
    });
  };
  const spoken = (sn: string): Device => {
    const known = found(sn);
    if (known.approval !== "unsupported") return known;
    throw new Problem(409, "Protocol not supported", {
      detail: `device "${sn}" speaks ${known.protocol ?? "what this agent does not understand"}: ` +
        "set it to AiFace JSON or ADMS push first",
    });
  };
  const asked = (sn: string): Device => {
    const known = spoken(sn);
    if (known.approval !== "approved") {
      throw new Problem(409, "Device not approved", {
        detail: `device "${sn}" is ${known.approval}: approve it first, then it sends all it holds`,
      });
    }
    // Over a WebSocket it would hold a connection.
    if (known.protocol === "aiface" && known.online && !known.link) {
      throw new Problem(409, "Device cannot be asked", {
        detail:
          `device "${sn}" speaks by HTTP POST, over which it cannot be asked: set its mode to ` +
          "WebSocket, or have it send its punches at its own menu",
      });
    }
    return known;
  };

  return [
    route({
      method: "GET",
      path: "/devices",
      summary: "Attendance devices and how they are",
      tag,
      answer: v.array(deviceReport),
      handle: () => deviceReports(devices.all()),
    }),
    route({
      method: "POST",
      path: "/devices/{sn}/approve",
      summary: "Approve a device, and name it",
      tag,
      params: ofDevice,
      body: approval,
      problems: {
        ...STORING,
        ...UNKNOWN,
        409:
          "The device speaks a protocol that this agent does not, or is named otherwise in the configuration.",
      },
      answer: deviceReport,
      async handle({ params: { sn }, body }) {
        const known = spoken(sn);
        const { name, time_zone, address } = body ?? {};
        requireFree(devices.configured(sn), { name, time_zone, address });
        await devices.approve(known, { name, timeZone: time_zone, address });
        return known.report();
      },
    }),
    route({
      method: "POST",
      path: "/devices/{sn}/refuse",
      summary: "Refuse a device: nothing it sends is stored any more",
      tag,
      params: ofDevice,
      problems: { ...STORING, ...UNKNOWN },
      answer: deviceReport,
      async handle({ params: { sn } }) {
        const known = found(sn);
        await devices.refuse(known);
        return known.report();
      },
    }),
    route({
      method: "POST",
      path: "/devices/{sn}/resync",
      summary: "Request all punches of a device again; an iclock device restarts for it",
      tag,
      params: ofDevice,
      problems: {
        ...STORING,
        ...UNKNOWN,
        409: "The device is not approved, or speaks a protocol over which it cannot be asked.",
      },
      answer: deviceReport,
      async handle({ params: { sn } }) {
        const known = asked(sn);
        await resync(known);
        return known.report();
      },
    }),
    route({
      method: "PATCH",
      path: "/devices/{sn}",
      summary: "Change what a device is called, where its clock is set to, what its door is for",
      tag,
      params: ofDevice,
      body: changes,
      problems: {
        ...STORING,
        ...UNKNOWN,
        409: "The configuration says otherwise: it is changed there.",
      },
      answer: deviceReport,
      async handle({ params: { sn }, body: { name, time_zone, role } }) {
        const known = found(sn);
        requireFree(devices.configured(sn), { name, time_zone, role });
        await devices.change(known, {
          ...name === undefined ? {} : { name },
          ...time_zone === undefined ? {} : { ownZone: time_zone },
          ...role === undefined ? {} : { ownRole: role === "both" ? null : role },
        });
        if (role !== undefined) onRole();
        return known.report();
      },
    }),
    route({
      method: "DELETE",
      path: "/devices/{sn}",
      summary: "Take a device off the list; its punches stay",
      tag,
      params: ofDevice,
      problems: { ...STORING, ...UNKNOWN, 409: "The device is in the configuration." },
      async handle({ params: { sn } }) {
        const known = found(sn);
        if (devices.configured(sn)) {
          throw new Problem(409, "Device is configured", {
            detail: `device "${sn}" is in attendance.devices: take it out there, and start again`,
          });
        }
        await devices.remove(known);
        commands.forget(sn);
        return new Response(null, { status: 204 });
      },
    }),
    route({
      method: "GET",
      path: "/devices/{sn}/commands",
      summary: "What a device was asked to do, and how that ended, newest first",
      tag,
      params: ofDevice,
      query: v.strictObject({
        limit: v.optional(
          v.pipe(wholeNumber({ min: 1, max: 1_000 }), v.description("maximum number")),
          "50",
        ),
      }),
      problems: UNKNOWN,
      answer: v.array(deviceCommand),
      handle: ({ params: { sn }, query: { limit } }) => commands.list(found(sn).sn, limit),
    }),
    route({
      method: "POST",
      path: "/devices/{sn}/commands",
      summary: "Ask a device to do something",
      tag,
      params: ofDevice,
      body: asking,
      problems: {
        ...STORING,
        ...UNKNOWN,
        409: "The device cannot be asked, or there is nothing to send it.",
      },
      answer: deviceCommand,
      async handle({ params: { sn }, body: { command, person_id = null } }) {
        const known = asked(sn);
        if (command === "set_clock" && !maySetClocks()) {
          throw new Problem(409, "Clock in doubt", {
            detail: "this machine's own clock disagrees with the cloud's: set it right first",
          });
        }
        if (person_id !== null && nameOf(person_id) === null) {
          throw new Problem(409, "Person without a name", {
            detail: `no name of "${person_id}" is known: give the person one first`,
          });
        }
        try {
          const asking = await commands.ask(sn, command, person_id);
          if (command === "read_log") await devices.resync(known);
          return asking;
        } catch (error) {
          if (!(error instanceof TooManyCommands)) throw error;
          throw new Problem(409, "Too many commands", {
            detail: `device "${sn}" has not done what it was asked to yet: see its commands`,
          });
        }
      },
    }),
  ];
}

type ConfiguredKey = "name" | "time_zone" | "role" | "address";

/**
 * What is configured cannot be changed here: another name would last until the next start, another zone would not
 * be used at all.
 */
function requireFree(
  configured: DeviceConfig | undefined,
  wanted: Partial<Record<ConfiguredKey, string | null | undefined>>,
): void {
  for (const key of ["name", "time_zone", "role", "address"] as const) {
    const [stands, other] = [configured?.[key], wanted[key]];
    if (stands === undefined || other === undefined || stands === other) continue;
    throw new Problem(409, "Device is configured", {
      detail: `its ${key} is "${stands}" in the configuration: change it there`,
    });
  }
}

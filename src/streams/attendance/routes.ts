/**
 * Attendance over HTTP: devices, punches, the quarantine.
 * @module
 */
import * as v from "valibot";
import { deviceReport, punch, quarantineEntry, retried } from "../../contract/attendance.ts";
import {
  dayBounds,
  instantOf,
  ipAddress,
  isDay,
  isTimeZone,
  listing,
  Problem,
  type Route,
  route,
  STORING,
  wholeNumber,
} from "../../core/mod.ts";
import { type Device, isSerial } from "./devices/device.ts";
import type { Devices } from "./devices/registry.ts";
import type { Position, Punches } from "./storage/punches.ts";
import type { Quarantine } from "./storage/quarantine.ts";
import type { QuarantineRetry } from "./protocols/quarantine_retry.ts";
import type { DeviceConfig } from "./devices/config.ts";

export interface AttendanceRoutesOptions {
  devices: Devices;
  punches: Punches;
  quarantine: Quarantine;
  retry: QuarantineRetry;
  /** The zone of `from` and `to` where they are days. */
  timeZone: string;
  /** Requests everything that a device holds. */
  resync: (device: Device) => Promise<void>;
}

const serial = v.pipe(
  v.string("expected a serial number"),
  v.check(isSerial, "expected a serial number of letters, digits, - and _"),
  v.description("the device's serial number"),
);
const ofDevice = v.object({ sn: serial });

const WHICH = "expected { ids: [1, 2] } or { all: true }";
const entries = v.pipe(
  v.union([
    v.strictObject({
      ids: v.pipe(
        v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
        v.minLength(1),
        v.maxLength(1_000),
      ),
    }),
    v.strictObject({ all: v.literal(true) }),
  ], WHICH),
  v.metadata({
    description: "which entries: by their ids, or all there are",
    examples: [{ ids: [7] }, { all: true }],
  }),
);

const approval = v.optional(v.pipe(
  v.strictObject({
    name: v.optional(v.pipe(
      v.string("expected a name"),
      v.trim(),
      v.regex(/^[^\p{Cc}]{1,100}$/u, "expected a name of 1 to 100 characters"),
    )),
    time_zone: v.optional(v.pipe(
      v.string("expected a time zone"),
      v.check(isTimeZone, "expected a time zone such as Asia/Kolkata"),
    )),
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

const UNKNOWN = { 404: "No such device has called or is configured." };

export function attendanceRoutes(options: AttendanceRoutesOptions): Route[] {
  const { devices, punches, quarantine, retry, timeZone, resync } = options;
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
      handle: () => devices.list(),
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
      method: "GET",
      path: "/punches",
      summary: "Punches, newest first",
      tag,
      query: v.strictObject({
        limit: v.optional(
          v.pipe(wholeNumber({ min: 1, max: 5000 }), v.description("maximum number")),
          "200",
        ),
        before: v.optional(v.pipe(
          position(),
          v.description("a time, or where the page begins: from the Link header of the one before"),
        )),
        device: v.optional(v.pipe(serial, v.description("of this device: its serial number"))),
        person: v.optional(
          v.pipe(v.string(), v.maxLength(64), v.description("of this person: the device's number")),
        ),
        from: v.optional(v.pipe(
          moment(timeZone, "from"),
          v.description("from this day of the devices' time zone, or this time, on"),
        )),
        to: v.optional(v.pipe(
          moment(timeZone, "to"),
          v.description("to the end of this day, or before this time"),
        )),
      }),
      answer: v.array(punch),
      paged: true,
      handle: ({ query: { limit, before, ...which }, raw }) =>
        listing(raw, {
          limit,
          after: before,
          *read({ after: before, until }) {
            for (const { at, punch } of punches.list(which, { before, until })) {
              yield { at, json: JSON.stringify(punch) };
            }
          },
          next: ({ punchedAt, seq }) => ({ before: `${punchedAt}.${seq}` }),
        }),
    }),
    route({
      method: "GET",
      path: "/quarantine",
      summary: "What devices sent that could not be understood, newest first",
      tag,
      query: v.strictObject({
        limit: v.optional(
          v.pipe(wholeNumber({ min: 1, max: 200 }), v.description("maximum number")),
          "50",
        ),
        before: v.optional(v.pipe(
          wholeNumber({ min: 1, max: Number.MAX_SAFE_INTEGER }),
          v.description("before the entry of this id"),
        )),
      }),
      answer: v.array(quarantineEntry),
      paged: true,
      handle: ({ query: { limit, before }, raw }) =>
        listing(raw, {
          limit,
          after: before,
          *read({ after: before, until }) {
            for (const entry of quarantine.span({ before, from: until })) {
              yield { at: entry.id, json: JSON.stringify(entry) };
            }
          },
          next: (before) => ({ before }),
        }),
    }),
    route({
      method: "POST",
      path: "/quarantine/retry",
      summary: "Read entries of the quarantine again: those that are understood now become punches",
      tag,
      body: entries,
      problems: STORING,
      answer: retried,
      handle: ({ body }) => retry.run("ids" in body ? body.ids : undefined),
    }),
  ];
}

/**
 * What is configured cannot be changed here: another name would last until the next start, another zone would not
 * be used at all.
 */
function requireFree(
  configured: DeviceConfig | undefined,
  wanted: Record<"name" | "time_zone" | "address", string | undefined>,
): void {
  for (const key of ["name", "time_zone", "address"] as const) {
    const [stands, other] = [configured?.[key], wanted[key]];
    if (stands === undefined || other === undefined || stands === other) continue;
    throw new Problem(409, "Device is configured", {
      detail: `its ${key} is "${stands}" in the configuration: change it there`,
    });
  }
}

/** A place in the list of punches: an instant, or what the link to the next page has. */
function position(): v.GenericSchema<string, Position> {
  const message = "expected a time as 2026-03-02T12:00:00.000Z, or the link to the next page";
  const WRITTEN = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z)(?:\.(\d{1,15}))?$/;
  return v.pipe(
    v.string(message),
    v.check((given) => !Number.isNaN(Date.parse(WRITTEN.exec(given)?.[1] ?? "")), message),
    v.transform((given) => {
      const [, at = "", seq = "0"] = WRITTEN.exec(given) ?? [];
      return { punchedAt: instantOf(Date.parse(at)), seq: Number(seq) };
    }),
  );
}

/** An instant, or a day of the devices' zone: `from` its beginning, `to` its end. */
function moment(timeZone: string, edge: "from" | "to"): v.GenericSchema<string, string> {
  const message = "expected a day as YYYY-MM-DD or a time as 2026-03-02T12:00:00.000Z";
  const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;
  return v.pipe(
    v.string(message),
    v.check(
      (given) => isDay(given) || (INSTANT.test(given) && !Number.isNaN(Date.parse(given))),
      message,
    ),
    v.transform((given) => {
      if (!isDay(given)) return instantOf(Date.parse(given));
      const bounds = dayBounds(given, timeZone);
      return instantOf(edge === "from" ? bounds.from : bounds.to);
    }),
  );
}

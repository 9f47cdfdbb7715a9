/** Attendance over the wire: devices, punches, people, sheets, its part of `/status`. @module */
import * as v from "valibot";

const text = v.nullable(v.string());
const number = v.nullable(v.number());

/** `fkweb` and `xml` are recognised, so that the user learns why nothing arrives, but not supported. */
export const deviceProtocol = v.picklist(["aiface", "iclock", "fkweb", "xml"]);
export type DeviceProtocol = v.InferOutput<typeof deviceProtocol>;

export const deviceState = v.picklist(["online", "offline", "pending", "refused", "unsupported"]);
export type DeviceState = v.InferOutput<typeof deviceState>;

/** What a door is for. */
export const deviceRole = v.picklist(["entrance", "exit", "both"]);

export const direction = v.picklist(["in", "out"]);
/** What a direction was decided by. */
export const directionBy = v.picklist(["device_role", "status", "alternation", "person"]);

export const deviceReport = v.object({
  sn: v.string(),
  name: text,
  role: deviceRole,
  state: deviceState,
  /** Not heard for `silent_after_min` of the hours in which it usually sends. */
  silent: v.boolean(),
  last_seen: text,
  first_seen: text,
  protocol: v.nullable(deviceProtocol),
  /** The device's address; while it is not approved, the address of its last connection. */
  address: text,
  /** Another address that uses the same serial number. */
  other_address: text,
  model: text,
  firmware: text,
  mac: text,
  /** Punches on the device that were not acknowledged, as it last reported. */
  backlog: number,
  /** First line that an unsupported device sent, redacted. */
  first_line: text,
  /** Device clock minus this machine's clock when last compared, in milliseconds. */
  skew_ms: number,
  time_zone: v.string(),
});
export type DeviceReport = v.InferOutput<typeof deviceReport>;

export const commandName = v.picklist(["set_clock", "send_name", "read_log", "restart"]);
export type CommandName = v.InferOutput<typeof commandName>;
export const commandState = v.picklist(["waiting", "sent", "done", "failed", "expired"]);
export type CommandState = v.InferOutput<typeof commandState>;

/** What a person asked of a device. */
export const deviceCommand = v.object({
  id: v.number(),
  device_sn: v.string(),
  command: commandName,
  /** Whose name is sent. */
  person_id: text,
  state: commandState,
  /** The outcome in words; null while it is open. */
  result: text,
  asked_at: v.string(),
  ended_at: text,
});
export type DeviceCommand = v.InferOutput<typeof deviceCommand>;

export const punch = v.object({
  id: v.string(),
  device_sn: v.string(),
  person_id: v.string(),
  /** The person's name, where the device sends it. */
  person_name: text,
  punched_at: v.string(),
  /** The device's wall time, in `time_zone`. */
  device_time: v.string(),
  time_zone: v.string(),
  received_at: v.string(),
  /** Device clock minus this machine's clock when last compared, in milliseconds. */
  skew_ms: number,
  /** The time cannot be right: the punch is kept, and the device's clock needs a look. */
  time_suspect: v.boolean(),
  mode: number,
  in_out: number,
  event: number,
  /** Null while undecided, and where the time cannot be right and the device does not tell. */
  direction: v.nullable(direction),
  direction_by: v.nullable(directionBy),
  /** A person struck it out: it does not count. */
  struck: v.boolean(),
  /** The correction by which a person added it; null: a device sent it. */
  added_by: text,
  /** The device's record, without photos and secrets. */
  raw: v.string(),
  synced_at: text,
});
export type Punch = v.InferOutput<typeof punch>;

/** Who said last what a person is called: a person wins over an import, and that over devices. */
export const personSource = v.picklist(["device", "import", "person"]);
export type PersonSource = v.InferOutput<typeof personSource>;

export const person = v.object({
  person_id: v.string(),
  name: text,
  department: text,
  /** Whether the person still comes; one who has left is deleted with the last punch. */
  active: v.boolean(),
  source: personSource,
  /** Other ids that devices know the person by. */
  aliases: v.array(v.string()),
  updated_at: v.string(),
});
export type Person = v.InferOutput<typeof person>;

/** Who is inside, by name. */
export const presence = v.object({
  /** When it was made. */
  made_at: v.string(),
  /** Zone of the local times in CSV. */
  time_zone: v.string(),
  inside: v.array(v.object({
    person_id: v.string(),
    name: text,
    department: text,
    since: v.string(),
    device_sn: v.string(),
    device_name: text,
  })),
  /** Not among those inside, and last seen at a device with a wrong clock: they may be inside. */
  uncertain: v.array(v.object({
    person_id: v.string(),
    name: text,
    department: text,
    /** When the punch came; when it was made is not known. */
    received_at: v.string(),
    device_sn: v.string(),
    device_name: text,
  })),
  /** Approved devices that are not there: what happened at them since is not known. */
  devices_offline: v.array(v.object({ sn: v.string(), name: text, last_seen: text })),
  count: v.number(),
});
export type Presence = v.InferOutput<typeof presence>;

/** One person's day, by the clock of the door. */
export const attendanceDay = v.object({
  person_id: v.string(),
  name: text,
  department: text,
  /** The day on which its stays began. */
  date: v.string(),
  time_zone: v.string(),
  first_in: text,
  /** May be on the next day. */
  last_out: text,
  minutes_inside: v.number(),
  pairs: v.array(v.object({ in: text, out: text, in_device: text, out_device: text })),
  /** Whether an exit is missing; of somebody who may still be inside it is not. */
  missing_out: v.boolean(),
  missing_in: v.boolean(),
  /** Whether a person has changed something about it. */
  corrected: v.boolean(),
});
export type AttendanceDay = v.InferOutput<typeof attendanceDay>;

export const attendanceMonth = v.object({
  person_id: v.string(),
  name: text,
  department: text,
  month: v.string(),
  /** Days with a punch. */
  days: v.number(),
  minutes_inside: v.number(),
  /** Days on which an exit is missing. */
  missing_out: v.number(),
  /** Days on which an entry is missing. */
  missing_in: v.number(),
});
export type AttendanceMonth = v.InferOutput<typeof attendanceMonth>;
/** What a list of people changes, or would change. */
export const peopleImport = v.object({
  added: v.array(person),
  changed: v.array(v.object({ person_id: v.string(), before: person, after: person })),
  /** Number of lines that say what is known already. */
  unchanged: v.number(),
  /** What cannot be used, by the line of the list; the rest is. */
  problems: v.array(v.object({ line: v.number(), message: v.string() })),
});
export type PeopleImport = v.InferOutput<typeof peopleImport>;

/** What was erased of a person. */
export const erased = v.object({
  person_id: v.string(),
  /** All ids of the person, each of which is sent to the cloud. */
  ids: v.array(v.string()),
  punches: v.number(),
  corrections: v.number(),
  events: v.number(),
});
export type Erased = v.InferOutput<typeof erased>;

/** A punch that a person added, struck out or restored. */
export const correction = v.object({
  id: v.string(),
  kind: v.picklist(["add", "strike", "restore"]),
  punch_id: v.string(),
  person_id: v.string(),
  /** When the punch was. */
  punched_at: v.string(),
  /** Of an added punch, where the person said it. */
  direction: v.nullable(direction),
  reason: v.string(),
  by: v.string(),
  created_at: v.string(),
  synced_at: text,
});
export type Correction = v.InferOutput<typeof correction>;

export const quarantineEntry = v.object({
  id: v.number(),
  device_sn: v.string(),
  protocol: v.string(),
  reason: v.string(),
  raw: v.string(),
  file: text,
  received_at: v.string(),
});
export type QuarantineEntry = v.InferOutput<typeof quarantineEntry>;

/** Result of reading quarantine entries again. */
export const retried = v.object({
  /** Entries that became punches and left the quarantine. */
  understood: v.number(),
  /** Entries that still cannot be read, or whose device is not approved. */
  left: v.number(),
});
export type Retried = v.InferOutput<typeof retried>;

/** What the stream adds to `/status`. */
export const attendanceStatus = v.object({
  attendance: v.object({
    enabled: v.boolean(),
    /** `0.0.0.0:5001`; null while the port is not open. */
    listening: text,
    /** Addresses to type into the devices' menus: `192.168.1.20:5001`. */
    addresses: v.array(v.string()),
    /** Number of devices by state. */
    devices: v.object(v.entriesFromList(deviceState.options, v.number())),
    /** When the last punch was received. */
    last_punch_at: text,
  }),
});
export type AttendanceStatus = v.InferOutput<typeof attendanceStatus>;

/**
 * The attendance stream: its parts, wired together. Stored punches are readable and go to the cloud whether or not
 * the listener runs.
 * @module
 */
import type { AttendanceStatus } from "../../contract/attendance.ts";
import {
  errorMessage,
  every,
  instantOf,
  logger,
  LogThrottle,
  type Schedule,
  type Stream,
} from "../../core/mod.ts";
import { joinedOutbox, type StreamDeps } from "../../store/mod.ts";
import { correctionRoutes } from "./correction_routes.ts";
import { deviceRoutes } from "./device_routes.ts";
import { maySetClocks, sweepClocks } from "./devices/clocks.ts";
import type { DeviceConfig } from "./devices/config.ts";
import type { Device } from "./devices/device.ts";
import { DeviceCommands } from "./devices/device_commands.ts";
import { ConnectionQuota, DEFAULT_LIMITS, type Limits } from "./devices/limits.ts";
import { Devices } from "./devices/registry.ts";
import { countStates } from "./devices/reports.ts";
import { SilenceWatch } from "./devices/silence.ts";
import { addressesOf, type Interface } from "./listener/addresses.ts";
import { Listener } from "./listener/listener.ts";
import type { ProtocolContext } from "./protocols/context.ts";
import { createProtocols } from "./protocols/dispatch.ts";
import { IclockRouter } from "./protocols/iclock/router.ts";
import { quarantineRetry } from "./protocols/quarantine_retry.ts";
import { readPeople } from "./people/backfill.ts";
import { Renamed } from "./people/renamed.ts";
import { peopleRetention } from "./people/retention.ts";
import { peopleRoutes } from "./people_routes.ts";
import { attendanceRoutes } from "./routes.ts";
import { Directions } from "./sheets/directions.ts";
import { sheetRoutes } from "./sheets/routes.ts";
import { Sheets } from "./sheets/sheets.ts";
import { Corrections } from "./storage/corrections.ts";
import { Intake } from "./storage/intake.ts";
import { People } from "./storage/people.ts";
import { Punches } from "./storage/punches.ts";
import { Quarantine } from "./storage/quarantine.ts";
import { attendanceRetention } from "./storage/retention.ts";
import { isRezoneDue, rezoner } from "./storage/rezone.ts";

/** What the agent gives this stream, and what tests replace. */
export interface AttendanceDeps extends StreamDeps {
  /** When punches are pushed (default: every 10 s, 500 at a time). */
  schedule?: Schedule;
  limits?: Partial<Limits>;
  networkInterfaces?: () => readonly Interface[];
  /** Called with the listener's address each time it starts. */
  onListen?: (address: Deno.NetAddr) => void;
}

/** The keys of the configuration that concern attendance. */
export interface AttendanceConfig {
  /** Days that a punch waiting for the cloud is kept. */
  retention_unsynced_days: number;
  attendance: {
    enabled: boolean;
    host: string;
    port: number;
    /** Zone of the devices' clocks; null: `deps.timeZone`. */
    time_zone: string | null;
    /** What happens with a device that is not listed. */
    unknown: "pending" | "approve" | "refuse";
    devices: readonly DeviceConfig[];
    /** Minutes between requests for punches that a connected device may have failed to send; 0: never. */
    pull_interval_min: number;
    /** Minutes without a message, in hours in which the device usually sends, before a warning; 0: never. */
    silent_after_min: number;
    /** Longest stay without a punch: beyond it, the exit was forgotten. */
    max_stay_hours: number;
    retention_days: number;
  };
}

const SWEEP_MS = 1_000;
/** Without a connection there are no deadlines to check. */
const IDLE_SWEEP_MS = 10_000;
const SAVE_MS = 10_000;
/** The port may be another program's, and be released later. */
const LISTEN_RETRY_MS = 15_000;
/** With a larger offset to the cloud's clock, devices do not set their clocks by this machine's. */
const MAX_CLOCK_OFFSET_MS = 60_000;
const WARNING = "attendance.listener";

export function createAttendance(deps: AttendanceDeps, wholeConfig: AttendanceConfig): Stream {
  const { attendance: config, retention_unsynced_days: unsyncedDays } = wholeConfig;
  const { store, hub, warnings, clock, cloud, twoWay } = deps;
  const { onListen = () => {}, networkInterfaces = () => Deno.networkInterfaces() } = deps;
  const timeZone = config.time_zone ?? deps.timeZone;
  const clockTrusted = () => Math.abs(deps.clockOffsetMs() ?? 0) < MAX_CLOCK_OFFSET_MS;

  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const quarantine = new Quarantine(store, { warnings, clock });
  const devices = new Devices(store, {
    clock,
    hub,
    warnings,
    timeZone,
    unknown: config.unknown,
    devices: config.devices,
    silentMs: config.silent_after_min * 60_000,
  });
  const people: People = new People(store, {
    clock,
    hub,
    onRegroup(id) {
      directions.redecide(id, "");
      renamed.add(id);
    },
    onRename: (id) => renamed.add(id),
  });
  const renamed: Renamed = new Renamed(store, { people, outbox: () => punches.outbox, clock });
  const maxStayMs = config.max_stay_hours * 3_600_000;
  const directions: Directions = new Directions(store, {
    people,
    devices,
    clock,
    maxStayMs,
    changed: (ids, settled) => punches.outbox.changed(ids, settled),
    onChange: () => hub.publish("presence", { changed_at: instantOf(clock.now()) }),
  });
  const sheets = new Sheets(store, { people, devices, clock, maxStayMs });
  const punches: Punches = new Punches(store, { hub, directions, people });
  const intake = new Intake(store, { punches, people, quarantine, warnings });
  const commands = new DeviceCommands(store, {
    clock,
    onChange(sn) {
      const device = devices.find(sn);
      if (device) hub.publish("devices", device.report());
    },
  });
  const nameOf = (personId: string) => people.nameOf(personId);
  const quota = new ConnectionQuota(limits, { clock });
  const context: ProtocolContext = {
    devices,
    intake,
    quarantine,
    quota,
    commands,
    nameOf,
    clock,
    warnings,
    logThrottle: new LogThrottle({ clock }),
    clockTrusted,
    pullIntervalMs: config.pull_interval_min * 60_000,
  };
  const iclock = new IclockRouter(context);
  const protocols = createProtocols(context, iclock);
  const silence = new SilenceWatch(devices, {
    clock,
    warnings,
    afterMs: config.silent_after_min * 60_000,
  });
  const rezone = rezoner(store, { outbox: punches.outbox, directions });
  const { retention_days: retentionDays } = config;
  const corrections = new Corrections(store, { clock, hub, punches, directions });
  // An endpoint takes punches alone.
  const ownDays = twoWay ? unsyncedDays : retentionDays;
  const prunePeople = peopleRetention(store, { people, retentionDays, unsyncedDays: ownDays });
  const prunePunches = attendanceRetention(store, {
    punches: { outbox: punches.outbox, unsyncedDays: cloud ? unsyncedDays : retentionDays },
    corrections: { outbox: corrections.outbox, unsyncedDays: ownDays },
    retentionDays,
    quarantine,
    quarantineEntries: limits.quarantineEntries,
  });
  let listening: string | null = null;
  let addresses: string[] = [];

  /** Listens until the signal aborts; ends early when the port cannot be had. */
  async function listen(signal: AbortSignal): Promise<void> {
    let listener: Listener;
    try {
      listener = new Listener({ ...context, hostname: config.host, port: config.port, protocols });
    } catch (error) {
      warnings.raise(
        WARNING,
        `Cannot listen for devices on ${config.host}:${config.port}: ${reasonOf(error)}`,
      );
      return;
    }
    warnings.clear(WARNING);
    const { hostname, port } = listener.address;
    listening = `${hostname}:${port}`;
    // A machine may be given another address while it runs.
    const look = () => addresses = addressesOf(listener.address, networkInterfaces());
    look();
    logger("attendance").info(
      "Listening for devices on {listening}: they reach it at {addresses}",
      {
        listening,
        addresses: addresses.join(", ") || "no address, there is no network",
      },
    );
    devices.warnOfPending();
    onListen(listener.address);
    const accepting = listener.run();
    const options = { signal, clock };
    await Promise.all([
      every(() => listener.quiet ? IDLE_SWEEP_MS : SWEEP_MS, async () => {
        devices.sweep();
        silence.sweep();
        quota.sweep();
        commands.sweep();
        sweepClocks(context);
        await listener.sweep();
      }, { ...options, name: "attendance", later: true, wake: listener.arrival }),
      every(SAVE_MS, async () => {
        look();
        quarantine.updateWarning();
        await devices.save();
      }, { ...options, name: "attendance devices" }),
      every(SAVE_MS, async () => {
        for (const device of devices.all()) {
          if (!isRezoneDue(device)) continue;
          await rezone(device, { signal });
          devices.changed(device);
        }
      }, { ...options, name: "attendance zones" }),
    ]);
    await listener.close();
    await accepting;
    listening = null;
    addresses = [];
    await devices.save();
  }

  async function resync(device: Device): Promise<void> {
    await devices.resync(device);
    if (device.protocol === "iclock") iclock.commands.add(device.sn, "REBOOT");
  }

  return {
    name: "attendance",
    // People first: an erasure deletes in the cloud what came before it.
    outbox: twoWay
      ? joinedOutbox(store, {
        stream: "attendance",
        parts: [people.outbox, corrections.outbox, punches.outbox],
      })
      : punches.outbox,
    schedule: deps.schedule ?? { intervalMs: () => 10_000, batchSize: 500 },
    routes: [
      ...sheetRoutes({ sheets, people, devices, clock, timeZone }),
      ...deviceRoutes({
        devices,
        commands,
        nameOf,
        maySetClocks: () => maySetClocks(context),
        onRole: () => directions.review(),
        resync,
      }),
      ...correctionRoutes({ corrections, devices, people, clock, timeZone }),
      ...attendanceRoutes({
        punches,
        quarantine,
        retry: quarantineRetry(store, { devices, punches, quarantine }),
        timeZone,
      }),
      ...peopleRoutes({
        store,
        people,
        punches: punches.outbox,
        corrections: corrections.outbox,
        cloud: twoWay,
        forgetCommands: (ids) => commands.forgetPerson(ids),
      }),
    ],
    prune(now, budget) {
      const punchesPruned = prunePunches(now, budget);
      if (punchesPruned.more) return punchesPruned;
      const { deleted, more } = prunePeople(now, budget);
      return { deleted: punchesPruned.deleted + deleted, more };
    },
    gauges: () => [
      {
        name: "attendance_devices_silent",
        help: "Devices that have not been heard for longer than usual at this hour.",
        value: silence.count,
      },
      {
        name: "attendance_quarantine_entries",
        help: "Things that devices sent and that could not be understood.",
        value: quarantine.size,
      },
    ],
    status: (): AttendanceStatus => ({
      attendance: {
        enabled: config.enabled,
        listening,
        addresses,
        devices: countStates(devices.all()),
        last_punch_at: punches.lastReceivedAt,
      },
    }),
    async run(signal) {
      // Also where nothing is listened to: corrections may come.
      const working = Promise.all([directions.run(signal), renamed.run(signal)]);
      await readPeople(store, { people, signal }).catch((error) =>
        logger("attendance").warn("Cannot read people from the stored punches: {error}", { error })
      );
      if (!config.enabled) return void await working;
      while (!signal.aborted) {
        await listen(signal);
        await clock.wait(LISTEN_RETRY_MS, { signal });
      }
      await working;
    },
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return "another program uses the port. Stop it (the vendor's own software does this), or set attendance.port";
  }
  if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied) {
    return "it is not permitted. The permissions allow 0.0.0.0:5001; see docs/permissions.md for others";
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "this machine has no such address. Set attendance.host to 0.0.0.0 or one of its own";
  }
  return errorMessage(error);
}

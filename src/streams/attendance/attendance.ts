/**
 * The attendance stream: the parts, put together. Whatever state the listener is in, what was received before
 * can be read and goes to the cloud.
 * @module
 */
import { dirname } from "node:path";
import {
  type Clock,
  every,
  type Hub,
  type Instant,
  logger,
  LogThrottle,
  type Schedule,
  type Stream,
  systemClock,
  type Warnings,
} from "../../core/mod.ts";
import type { Store } from "../../store/mod.ts";
import { addressesOf, type Interface } from "./addresses.ts";
import { sweepClocks } from "./clocks.ts";
import type { Context } from "./context.ts";
import type { Device } from "./device.ts";
import { DeviceEvents } from "./device_events.ts";
import { Devices } from "./devices.ts";
import { IclockRouter } from "./iclock/router.ts";
import { Intake } from "./intake.ts";
import { DEFAULT_LIMITS, type Limits, Turnstile } from "./limits.ts";
import { Listener } from "./listener.ts";
import { Punches } from "./punches.ts";
import { Quarantine } from "./quarantine.ts";
import { QuarantineRetry } from "./quarantine_retry.ts";
import { Rezoner } from "./rezone.ts";
import { attendanceRetention } from "./retention.ts";
import { attendanceRoutes } from "./routes.ts";
import { SilenceWatch } from "./silence.ts";
import type { AttendanceSettings } from "./settings.ts";

export interface AttendanceOptions {
  settings: AttendanceSettings;
  store: Store;
  hub: Hub;
  warnings: Warnings;
  clock?: Clock;
  /** Whether there is a cloud that punches go to. */
  cloud: boolean;
  retentionUnsyncedDays: number;
  /** When punches are pushed (default: every 10 s, 500 at a time). */
  schedule?: Schedule;
  /** Whether this machine's clock agrees with those it was compared with: devices set theirs by it. */
  clockTrusted?: () => boolean;
  limits?: Partial<Limits>;
  networkInterfaces?: () => readonly Interface[];
  /** Told where the listener listens, each time it begins to. */
  onListen?: (address: Deno.NetAddr) => void;
}

/** What the stream adds to `/status`. */
export interface AttendanceStatus extends Record<string, unknown> {
  attendance: {
    enabled: boolean;
    /** `0.0.0.0:5001`; null while nothing is listened to. */
    listening: string | null;
    /** What is typed into the devices' menus: `192.168.1.20:5001`. */
    addresses: readonly string[];
    devices: Record<"online" | "offline" | "pending" | "refused" | "unsupported", number>;
    /** When the last punch was received. */
    last_punch_at: Instant | null;
  };
}

const SWEEP_MS = 1_000;
/** While nobody is connected there are no deadlines to look at. */
const QUIET_SWEEP_MS = 10_000;
const SAVE_MS = 10_000;
/** Another program may hold the port, and may let go of it. */
const LISTEN_AGAIN_MS = 15_000;
const WARNING = "attendance.listener";

export function createAttendanceStream(options: AttendanceOptions): Stream {
  const { settings, store, hub, warnings, cloud, retentionUnsyncedDays } = options;
  const { clock = systemClock, clockTrusted = () => true, onListen = () => {} } = options;
  const { networkInterfaces = () => Deno.networkInterfaces() } = options;
  const folder = `${dirname(store.path)}/quarantine`;

  const punches = new Punches(store, { hub });
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const quarantine = new Quarantine(store, {
    folder,
    maxBytes: limits.quarantineBytes,
    warnings,
    clock,
  });
  const devices = new Devices(store, {
    clock,
    hub,
    warnings,
    timeZone: settings.time_zone,
    unknown: settings.unknown,
    devices: settings.devices,
    silentMs: settings.silent_after_min * 60_000,
  });
  const intake = new Intake(store, {
    punches,
    events: new DeviceEvents(store),
    quarantine,
    warnings,
  });
  const turnstile = new Turnstile(limits, { clock });
  const context: Context = {
    devices,
    intake,
    quarantine,
    turnstile,
    clock,
    warnings,
    logThrottle: new LogThrottle({ clock }),
    clockTrusted,
    pullIntervalMs: settings.pull_interval_min * 60_000,
  };
  const iclock = new IclockRouter(context);
  const silence = new SilenceWatch(devices, {
    clock,
    warnings,
    afterMs: settings.silent_after_min * 60_000,
  });
  const rezoner = new Rezoner(store, { outbox: punches.outbox });
  let listening: string | null = null;
  let addresses: readonly string[] = [];

  /** Listens until the signal aborts; ends early when the port cannot be had. */
  async function listen(signal: AbortSignal): Promise<void> {
    let listener: Listener;
    try {
      listener = new Listener(context, { hostname: settings.host, port: settings.port, iclock });
    } catch (error) {
      warnings.raise(
        WARNING,
        `Cannot listen for devices on ${settings.host}:${settings.port}: ${reasonOf(error)}`,
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
    devices.announceStrangers();
    onListen(listener.address);
    const accepting = listener.run();
    const options = { signal, clock };
    await Promise.all([
      every(() => listener.quiet ? QUIET_SWEEP_MS : SWEEP_MS, async () => {
        devices.sweep();
        silence.sweep();
        turnstile.sweep();
        sweepClocks(context);
        await listener.sweep();
      }, { ...options, name: "attendance", later: true, wake: listener.arrival }),
      every(SAVE_MS, async () => {
        look();
        quarantine.tell();
        await devices.save();
      }, { ...options, name: "attendance devices" }),
      every(SAVE_MS, async () => {
        for (const device of devices.all()) {
          if (!Rezoner.isDue(device)) continue;
          await rezoner.run(device, { signal });
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
    outbox: punches.outbox,
    schedule: options.schedule ?? { intervalMs: () => 10_000, batchSize: 500 },
    routes: attendanceRoutes({
      devices,
      punches,
      quarantine,
      retry: new QuarantineRetry(store, { devices, punches, quarantine }),
      timeZone: settings.time_zone,
      resync,
    }),
    prune: attendanceRetention(store, {
      outbox: punches.outbox,
      retentionDays: settings.retention_days,
      unsyncedDays: cloud ? retentionUnsyncedDays : settings.retention_days,
      quarantine,
      quarantineEntries: limits.quarantineEntries,
    }),
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
        enabled: settings.enabled,
        listening,
        addresses,
        devices: devices.count(),
        last_punch_at: punches.lastReceivedAt,
      },
    }),
    async run(signal) {
      if (!settings.enabled) return;
      await quarantine.tidy().catch((error) =>
        logger("attendance").warn("Cannot look through the quarantine: {error}", { error })
      );
      while (!signal.aborted) {
        await listen(signal);
        await clock.wait(LISTEN_AGAIN_MS, { signal });
      }
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
  return error instanceof Error ? error.message : String(error);
}

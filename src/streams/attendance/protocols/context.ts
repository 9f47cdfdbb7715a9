/** What all connections of devices share. @module */
import type { Clock, LogThrottle, Warnings } from "../../../core/mod.ts";
import type { DeviceCommands } from "../devices/device_commands.ts";
import type { Devices } from "../devices/registry.ts";
import type { Intake } from "../storage/intake.ts";
import type { ConnectionQuota } from "../devices/limits.ts";
import type { Quarantine } from "../storage/quarantine.ts";

export interface ProtocolContext {
  devices: Devices;
  intake: Intake;
  quarantine: Quarantine;
  quota: ConnectionQuota;
  /** What people ask of devices. */
  commands: DeviceCommands;
  /** The name of the person with this id; null where none is known. */
  nameOf: (personId: string) => string | null;
  clock: Clock;
  warnings: Warnings;
  /** For lines that any host on the network can cause. */
  logThrottle: LogThrottle;
  /** Whether this machine's clock agrees with those it was compared with. */
  clockTrusted: () => boolean;
  /** Interval of requests for punches that a device failed to send, in milliseconds; 0: never. */
  pullIntervalMs: number;
}

/**
 * What the configuration says of attendance: the keys of its `attendance` block, in the words of the file.
 * @module
 */

export interface DeviceSettings {
  sn: string;
  name: string;
  /** Where its clock is set to another zone than the others'. */
  time_zone?: string | undefined;
  /** Where it is, for good: nothing is taken from another address (default: where it was approved or first met). */
  address?: string | undefined;
  /** What it is expected to speak; another protocol is taken all the same and warned of. */
  protocol?: "aiface" | "iclock" | undefined;
  /**
   * How an iclock device is told that its punches could not be stored (default: status 503). Some firmware is
   * said to throw the punches away after a 5xx and to keep them after a 200 that begins with `ERROR`.
   */
  nack_status?: 200 | 503 | undefined;
}

export interface AttendanceSettings {
  enabled: boolean;
  host: string;
  port: number;
  /** The zone of the devices' clocks. */
  time_zone: string;
  /** What happens with a device that is not listed. */
  unknown: "pending" | "approve" | "refuse";
  devices: readonly DeviceSettings[];
  /** How often a connected device is asked for what it may have failed to send; 0 for never. */
  pull_interval_min: number;
  /** How long a device may be silent at an hour at which it usually speaks; 0 for any time. */
  silent_after_min: number;
  /** How long punches are kept. */
  retention_days: number;
}

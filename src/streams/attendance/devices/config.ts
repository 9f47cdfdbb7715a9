/** One device as the configuration lists it, in `attendance.devices`. @module */

export interface DeviceConfig {
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

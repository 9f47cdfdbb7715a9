/** The answer to an iclock handshake: poll interval, tables to send, time zone. @module */

/** Seconds between two polls of a device. */
const DELAY_SEC = 10;

export interface OptionBlock {
  sn: string;
  /** The stamps that the device reported; "0" makes it send everything. */
  stamps: { attlog: string; operlog: string };
  /** Minutes ahead of UTC; undefined leaves the device's clock alone. */
  offsetMinutes: number | undefined;
}

/** The option block. Old firmware knows other names for the stamps, so that both are given. */
export function optionBlock({ sn, stamps, offsetMinutes }: OptionBlock): string {
  return [
    `GET OPTION FROM: ${sn}`,
    `Stamp=${stamps.attlog}`,
    `OpStamp=${stamps.operlog}`,
    "PhotoStamp=0",
    `ATTLOGStamp=${stamps.attlog}`,
    `OPERLOGStamp=${stamps.operlog}`,
    "ATTPHOTOStamp=0",
    "ErrorDelay=30",
    `Delay=${DELAY_SEC}`,
    "TransTimes=00:00;14:05",
    "TransInterval=1",
    // Punches only: keeps users, templates and photos off the wire.
    "TransFlag=1000000000",
    ...(offsetMinutes === undefined ? [] : [`TimeZone=${timeZoneOption(offsetMinutes)}`]),
    "Realtime=1",
    "Encrypt=0",
    "ServerVer=2.4.1",
    "PushProtVer=2.4.1",
    "",
  ].join("\n");
}

/** Whole hours below 12 as hours, everything else as minutes: 5.5 would be read as 5. */
export function timeZoneOption(offsetMinutes: number): number {
  const hours = offsetMinutes / 60;
  return Number.isInteger(hours) && Math.abs(hours) < 12 ? hours : offsetMinutes;
}

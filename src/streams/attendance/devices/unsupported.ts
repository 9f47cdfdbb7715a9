/**
 * Devices that send something other than the supported protocols: listed with the first line they sent, so that the
 * user sees why no punches arrive.
 * @module
 */
import { isSerial, serialOf } from "./device.ts";
import type { Devices } from "./registry.ts";
import { redactText, SECRET } from "../storage/redact.ts";
import { textOf } from "../storage/text.ts";

const OPEN_BRACE = 0x7b;
/** Longest line that is kept, in characters. */
const MAX_LINE = 200;
/** Bytes that are shown of what is not text. */
const MAX_BYTES = 24;

/** A value of a query or an XML element that may be a secret. */
const SECRET_VALUE = new RegExp(
  `([?&]\\w*(?:key|token|secret|auth|${SECRET})\\w*=)[^&\\s]*|(<\\w*(?:${SECRET})\\w*>)[^<]*`,
  "gi",
);

/** Lists the sender of something that is of no known protocol, by its address. */
export function noteUnknown(devices: Devices, address: string, sent: string | Uint8Array): void {
  const firstLine = firstLineOf(sent);
  if (firstLine === "") return;
  devices.noteUnsupported(serialOf(address), { address, protocol: null, firstLine });
}

/** The first line of what was sent, for display: bounded, without secrets. */
export function firstLineOf(sent: string | Uint8Array): string {
  const text = typeof sent === "string" ? sent : textOf(sent.subarray(0, 4 * MAX_LINE));
  const line = text.trimStart().split(/[\r\n]/, 1)[0]!.slice(0, 2 * MAX_LINE);
  const unprintable = line.match(/[\p{C}\ufffd]/gu)?.length ?? 0;
  if (unprintable > line.length / 4) {
    const bytes = new TextEncoder().encode(line).subarray(0, MAX_BYTES);
    const shown = typeof sent === "string" ? bytes : sent.subarray(0, MAX_BYTES);
    return `bytes ${Array.from(shown, (byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
  }
  const harmless = redactText(line.replace(SECRET_VALUE, "$1$2…")).replace(/\p{C}/gu, "").trim();
  return harmless.length <= MAX_LINE ? harmless : `${harmless.slice(0, MAX_LINE)}…`;
}

/** Whether the bytes are of the XML protocol of the FK6xx family. */
export function isXml(bytes: Uint8Array): boolean {
  if (bytes[0] === OPEN_BRACE) return false;
  return /^[\s\0\u00ef\u00bb\u00bf]*</.test(String.fromCharCode(...bytes.subarray(0, 32)));
}

/** Lists a device that sends XML, under its serial number where it can be found. */
export function noteXml(devices: Devices, address: string, bytes: Uint8Array): void {
  const text = String.fromCharCode(...bytes.subarray(0, 4096));
  const sn = /<(?:DeviceSerialNo|SerialNumber|SerialNo|DeviceUID|SN)>\s*([^<\s]+)/i.exec(text)?.[1];
  devices.noteUnsupported(sn && isSerial(sn) ? sn : serialOf(address), {
    address,
    protocol: "xml",
    firstLine: firstLineOf(bytes),
  });
}

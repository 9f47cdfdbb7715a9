/**
 * Decodes what a Windows program prints: UTF-16, UTF-8, or else code page 850. OEM code pages share ASCII, which nearly all
 * program names are; 437 has its letters in the places of 850.
 * @module
 */

export function decodeOutput(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return utf16(bytes.subarray(2));
  if (looksLikeUtf16(bytes)) return utf16(bytes);
  try {
    // A UTF-8 byte order mark is dropped by the decoder.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return oem(bytes);
  }
}

function utf16(bytes: Uint8Array): string {
  return new TextDecoder("utf-16le").decode(bytes);
}

/** ASCII in UTF-16 has a zero in every second byte; no other encoding of text has zeros. */
function looksLikeUtf16(bytes: Uint8Array): boolean {
  let zeros = 0;
  const looked = Math.min(bytes.length, 200);
  for (let at = 1; at < looked; at += 2) if (bytes[at] === 0) zeros++;
  return zeros > looked / 8;
}

/** The bytes 0x80 to 0xFF in code page 850. */
const CP850 = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤" +
  "ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0";

function oem(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte < 0x80 ? String.fromCharCode(byte) : CP850[byte - 0x80])
    .join("");
}

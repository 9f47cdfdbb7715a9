/** IP addresses as people write them, in the one form in which the system says where a connection comes from. @module */
import { isIP } from "node:net";

/** `192.168.1.40`, `fd00::1`; undefined when it is none. */
export function ipAddress(text: string): string | undefined {
  switch (isIP(text)) {
    case 4:
      return text;
    case 6:
      return text.includes("%") ? text : new URL(`http://[${text}]/`).hostname.slice(1, -1);
  }
  return undefined;
}

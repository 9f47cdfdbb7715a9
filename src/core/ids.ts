/** Row ids: UUID version 7 (RFC 9562), sorted by time: a primary key grows at its end. @module */
import { v4, v5 } from "uuid";
import type { Clock } from "./time/clock.ts";

export type Id = string;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * Makes ids in strictly increasing order, even when the clock is set back while the agent runs:
 *
 *     019cae44-8c00-7ccc-8ccc-ccrrrrrrrrrr     time, count within the millisecond (c), random (r)
 *
 * Put together here, because every event gets one and the library's way takes four times as long.
 */
export function idSource(clock: Clock): () => Id {
  const random = new Uint8Array(5 * 200);
  let used = random.length;
  const randomHex = () => HEX[random[used++]!]!;
  let lastMs = 0;
  let count = 0;
  let time = "";
  return () => {
    const now = Math.floor(clock.now());
    if (now > lastMs) {
      lastMs = now;
      // Half of the 32-bit counter stays free, so that it cannot run over within a millisecond.
      count = crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1;
      const hex = now.toString(16).padStart(12, "0");
      time = `${hex.slice(0, 8)}-${hex.slice(8)}`;
    } else {
      count++;
    }
    if (used === random.length) {
      crypto.getRandomValues(random);
      used = 0;
    }
    const counted = HEX[count >>> 24]! + HEX[(count >>> 16) & 255] + HEX[(count >>> 8) & 255] +
      HEX[count & 255];
    return `${time}-7${counted.slice(0, 3)}-8${counted.slice(3, 6)}-${counted.slice(6)}` +
      randomHex() + randomHex() + randomHex() + randomHex() + randomHex();
  };
}

/** An id that says nothing about when it was made: for devices and tokens. */
export function randomId(): Id {
  return v4();
}

/** Separates these ids from those that other programs derive from the same text. */
const NAMESPACE = "6f0f2a53-7d0e-4c0b-9a43-5b6a1f7f2c9e";

/** The same id for the same text: what is sent twice, or made on two machines, is one row. */
export function derivedId(text: string): Id {
  return v5(text, NAMESPACE);
}

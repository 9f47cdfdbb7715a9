/**
 * Row ids: UUID version 7, whose text sorts by time, so that a primary key grows at its end.
 * @module
 */
import { v4, v7 } from "uuid";
import type { Clock } from "./clock.ts";

export type Id = string;

/** Makes ids in strictly increasing order, even when the clock is set back while the agent runs. */
export function idSource(clock: Clock): () => Id {
  let lastMs = 0;
  let seq = 0;
  return () => {
    const now = clock.now();
    if (now > lastMs) {
      lastMs = now;
      // Half of the 32-bit counter stays free, so that it cannot run over within a millisecond.
      seq = crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1;
    } else {
      seq++;
    }
    return v7({ msecs: lastMs, seq });
  };
}

/** An id that says nothing about when it was made: for devices and tokens. */
export function randomId(): Id {
  return v4();
}

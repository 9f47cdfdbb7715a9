import assert from "node:assert/strict";
import { timeZoneOption } from "../../../../../src/streams/attendance/protocols/iclock/options.ts";

Deno.test("timeZoneOption says whole hours as hours and all else as minutes", () => {
  for (
    const [minutes, option] of [
      [330, 330],
      [345, 345],
      [0, 0],
      [120, 2],
      [-300, -5],
      [-210, -210],
      [
        720,
        720,
      ],
      [840, 840],
    ] as const
  ) assert.equal(timeZoneOption(minutes), option);
});

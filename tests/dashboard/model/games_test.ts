import assert from "node:assert/strict";
import { gameSums } from "../../../src/dashboard/model/games.ts";

Deno.test("gameSums adds up a game's days and processes, the most played first", () => {
  const day = (date: string, label: string, process_name: string, minutes_used: number) => ({
    ...{ date, label, process_name, minutes_used },
  });
  assert.deepEqual(
    gameSums([
      day("2026-03-01", "Roblox", "a.exe", 10),
      day("2026-03-01", "Minecraft", "javaw.exe", 20),
      day("2026-03-02", "Minecraft", "Minecraft.Windows.exe", 15),
    ]),
    [{ label: "Minecraft", minutes_used: 35 }, { label: "Roblox", minutes_used: 10 }],
  );
});

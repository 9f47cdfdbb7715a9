import assert from "node:assert/strict";
import { testApi } from "../../../support/api.ts";
import { playtimeFixture } from "../playtime_fixture.ts";

Deno.test("GET /games is one entry a game and day, in any zone, 30 days by default", async () => {
  using fixture = playtimeFixture({ start: "2026-03-02T22:50:00.000Z" });
  const { stream, clock } = fixture;
  using api = testApi({ ...fixture, streams: [stream] });
  const get = async (path: string) => {
    const response = await api.ask(path);
    return { status: response.status, body: await response.json() };
  };
  assert.deepEqual(await get("/games"), { status: 200, body: [] });
  fixture.game = "Minecraft.exe";
  await stream.pollOnce();
  await clock.advance(20 * 60_000);
  await stream.pollOnce();
  const minecraft = { label: "Minecraft", process_name: "Minecraft.exe" };
  const today = { date: "2026-03-02", ...minecraft };
  assert.deepEqual((await get("/games")).body, [{ ...today, minutes_used: 10 / 60 }]);
  assert.deepEqual((await get("/games?tz=Europe/Berlin")).body, [
    { ...today, minutes_used: 5 / 60 },
    { date: "2026-03-03", ...minecraft, minutes_used: 5 / 60 },
  ]);
  assert.deepEqual((await get("/games?to=2026-03-01")).body, []);
  for (
    const query of ["from=2026-03-03&to=2026-03-01", "from=2025-01-01", "tz=Mars", "to=x", "day=1"]
  ) {
    assert.equal((await get(`/games?${query}`)).status, 400, query);
  }
});

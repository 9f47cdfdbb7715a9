/** The playtime stream behind the real API, with grants to make and topics to hear. @module */
import { testApi } from "../../../support/api.ts";
import { type PlaytimeFixture, playtimeFixture } from "../playtime_fixture.ts";

// deno-lint-ignore no-explicit-any -- answers, each of which the API checks against its schema
type Answer = any;

export interface AllowanceServed extends Disposable {
  fixture: PlaytimeFixture;
  get(path: string): Promise<Answer>;
  /** Asks for a grant. */
  grant(body: unknown, key?: string): Promise<{ status: number; body: Answer }>;
  /** What topic `allowance` told. */
  told(): unknown[];
}

export function allowanceServed(
  options: Parameters<typeof playtimeFixture>[0] = {},
): AllowanceServed {
  const cleanup = new DisposableStack();
  const fixture = cleanup.use(playtimeFixture({ poll_interval_sec: 60, ...options }));
  const { store, hub, warnings, clock, stream } = fixture;
  const api = cleanup.use(testApi({ store, hub, warnings, clock, streams: [stream] }));
  return {
    fixture,
    get: async (path) => await (await api.ask(path)).json(),
    async grant(body, key) {
      const response = await api.ask("/allowance/grants", {
        method: "POST",
        json: body,
        headers: key === undefined ? {} : { "idempotency-key": key },
      });
      return { status: response.status, body: await response.json() };
    },
    told: () => fixture.news.filter(({ topic }) => topic === "allowance").map(({ data }) => data),
    [Symbol.dispose]: () => cleanup.dispose(),
  };
}

/** Plays for some minutes, a poll each. */
export async function play(fixture: PlaytimeFixture, minutes: number): Promise<void> {
  fixture.game = "Minecraft.exe";
  for (let n = 0; n < minutes; n++) {
    await fixture.stream.pollOnce();
    await fixture.clock.advance(60_000);
  }
  fixture.game = null;
}

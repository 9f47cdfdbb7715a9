/** What the dashboard shows where not all is as it should be, and to whom it shows it otherwise. @module */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { seriousFaults } from "../support/axe.ts";
import { hasBrowser, startBrowser, type TestBrowser } from "../support/process/browser.ts";
import { FaultyServer } from "../support/servers/faulty_server.ts";
import { IclockDevice } from "../support/fakes/devices.ts";
import { startFakeGame } from "../support/fakes/fake_game.ts";
import { rawRequest } from "../support/fakes/raw_wire.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const NOTE = { source: "bot", type: "LOG", subtype: "NOTE", body: "a note" };
const GAME = `States${Deno.pid}.exe`;

function test(
  name: string,
  fn: (browser: TestBrowser) => Promise<void>,
  { ignore = false } = {},
): void {
  Deno.test({
    name: `The dashboard ${name}`,
    ignore: ignore || !hasBrowser,
    async fn() {
      await using browser = await startBrowser();
      await fn(browser);
    },
  });
}

test("says in every panel of a new agent what will be there", async (browser) => {
  await using agent = await startAgent({ config: { process_name: GAME } });
  await using opened = await browser.open(agent.url);
  const { page, faults } = opened;
  await shows(page, ".now h2", "Not playing");
  await shows(page, ".glance", "No cloud is connected");
  for (
    const [panel, words] of [
      ["history", "Nothing was played in this range"],
      ["events", "POST /local/events"],
      ["attendance", "Attendance is off"],
      ["records", "No conflicts"],
      ["sync", "To connect one"],
    ]
  ) {
    await page.locator(`nav a[href="#${panel}"]`).click();
    await shows(page, "main", words!);
    assert.deepEqual(await seriousFaults(page), [], panel);
  }
  assert.deepEqual(faults, []);
});

for (
  const [name, daily_allowance_min, played, idle] of [
    ["no limit", null, /^\d+ secs? played$/, "no limit"],
    ["no play on a day that is not named", {}, /^\d+ secs? over$/, "no play today"],
  ] as const
) {
  test(`shows ${name}, and seconds below a minute`, async (browser) => {
    const config = { process_name: GAME, poll_interval_sec: 1, daily_allowance_min };
    await using agent = await startAgent({ config });
    await using opened = await browser.open(agent.url);
    const { page, faults } = opened;
    await shows(page, ".now h2", "Not playing");
    await shows(page, ".now dl", idle);
    await shows(page, ".now dl", "0 secs");
    if (daily_allowance_min !== null) await shows(page, ".ring", "no play today");
    await using _game = await startFakeGame(GAME);
    await shows(page, ".now h2", "Playing now");
    await until(
      async () => played.test((await page.locator(".ring-words").innerText()).replace(/\s+/g, " ")),
      "the seconds in the ring",
    );
    assert.ok(!(await page.locator("main").innerText()).includes("0 min"));
    await page.locator('nav a[href="#history"]').click();
    await page.locator("summary").click();
    await shows(page, "table", daily_allowance_min === null ? "no limit" : "no play");
    assert.deepEqual(await seriousFaults(page), []);
    assert.deepEqual(faults, []);
  });
}

test("says when events reached the cloud, without an event that brings it", async (browser) => {
  await using cloud = await FaultyServer.start();
  await using agent = await startAgent({
    config: {
      process_name: GAME,
      events: {
        endpoint_url: `${cloud.url}/events`,
        flush: { active_sec: 3_600, offhours_sec: 3_600 },
      },
    },
  });
  const send = async (subtype: string) => {
    const response = await fetch(`${agent.url}/local/events`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${await agent.token()}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ ...NOTE, mode: "live", subtype }),
    });
    assert.equal(response.status, 200, await response.text());
  };
  // The cloud has answered, which would have what waits sent at once, and the next round is an hour away.
  await until(async () => {
    const { lanes } = await (await fetch(`${agent.url}/sync/status`)).json();
    const { state, next_attempt_at } = lanes.find(({ stream }: { stream: string }) =>
      stream === "events"
    );
    return state === "connected" && Date.parse(next_attempt_at) > Date.now() + 60_000;
  }, "the lane to rest");
  await send("NOTE");
  await using opened = await browser.open(`${agent.url}/#events`);
  const { page } = opened;
  await shows(page, ".event .body", NOTE.body);
  await shows(page, ".badge", "not synced to a cloud");
  // A critical event flushes both; the event itself is shown before they are in the cloud.
  await send("KILL_SWITCH");
  await until(() => cloud.deliveries.size === 2, "the flush");
  await until(
    async () => /synced (now|\d+ seconds? ago)/.test(await page.locator(".badge").innerText()),
    "the time of the flush",
  );
});

test("lists what devices sent and nobody understood, and has it read again", async (browser) => {
  await using agent = await startAgent({
    config: {
      process_name: GAME,
      attendance: {
        enabled: true,
        host: "127.0.0.1",
        port: 0,
        devices: [{ sn: "DEV1", name: "Front door" }],
      },
    },
  });
  const port = await devicesPort(agent);
  await rawRequest(port, { path: "/login?<img src=x onerror=hacked()>" });
  await new IclockDevice({ port, sn: "DEV1" }).post("ATTLOG", "this,is,<b>no</b>,punch\n");
  await using opened = await browser.open(`${agent.url}/#attendance/devices`);
  const { page, faults } = opened;
  await shows(page, ".quarantine", "this,is,<b>no</b>,punch");
  await shows(page, ".devices > li", "Front door");
  await page.getByRole("button", { name: "Read all again" }).click();
  await shows(page, "[role=status]", "0 understood now, 1 still not.");
  assert.deepEqual(await seriousFaults(page), []);
  assert.deepEqual(faults, []);
});

test("lists who is seen and not understood, with the first line that came", async (browser) => {
  await using agent = await startAgent({
    config: {
      process_name: GAME,
      attendance: { enabled: true, host: "127.0.0.1", port: 0 },
    },
  });
  await rawRequest(await devicesPort(agent), { path: "/login?<img src=x onerror=hacked()>" });
  await using opened = await browser.open(`${agent.url}/#attendance/devices`);
  const { page, faults } = opened;
  await shows(page, ".devices > li", "Seen, not understood");
  await shows(page, ".devices dd", "GET /login?<img src=x onerror=hacked()>");
  assert.deepEqual(await seriousFaults(page), []);
  assert.deepEqual(faults, []);
});

/** Where the agent listens for devices, once it does. */
async function devicesPort({ url }: AgentProcess): Promise<number> {
  let port = 0;
  await until(async () => {
    const { attendance } = await (await fetch(`${url}/status`)).json();
    port = Number(attendance.listening?.split(":").at(-1) ?? 0);
    return port > 0;
  }, "it listens for devices");
  return port;
}

const elsewhere = Deno.networkInterfaces()
  .find(({ family, address }) => family === "IPv4" && !address.startsWith("127."))?.address;

test("asks for the token once where it is opened from another address", async (browser) => {
  await using agent = await startAgent({
    hosts: ["0.0.0.0"],
    config: { process_name: GAME, api_host: "0.0.0.0" },
  });
  const url = `http://${elsewhere}:${new URL(agent.url).port}`;
  await using opened = await browser.open(url);
  const { page, faults } = opened;
  await shows(page, ".pill", "Locked");
  await page.getByLabel("Token").fill("not the token");
  await page.getByRole("button", { name: "Open" }).click();
  await shows(page, "[role=alert]", "This is not the agent's token");
  assert.deepEqual(await seriousFaults(page), []);
  await page.getByLabel("Token").fill(await agent.token());
  await page.keyboard.press("Enter");
  await shows(page, ".pill", "Live");
  await shows(page, ".notice", "Other machines can reach this agent");
  await page.reload();
  await shows(page, ".now h2", "Not playing");
  const answered = await page.evaluate<number>(
    `fetch("/recompute", { method: "POST" }).then(({ status }) => status)`,
  );
  assert.equal(answered, 200);
  assert.deepEqual(faults.filter((fault) => !fault.includes("401")), []);
}, { ignore: elsewhere === undefined });

test("asks every five seconds where streams are held back", async (browser) => {
  await using agent = await startAgent({ config: { process_name: GAME, poll_interval_sec: 1 } });
  await using proxy = await holdingStreams(agent);
  await using opened = await browser.open(proxy.url, { viewport: { width: 360, height: 740 } });
  const { page, faults } = opened;
  await shows(page, ".now h2", "Not playing");
  await shows(page, ".pill", "Polling");
  assert.ok(await page.evaluate<number>("document.documentElement.scrollWidth") <= 360);
  await using _game = await startFakeGame(GAME);
  await shows(page, ".now h2", "Playing now");
  await page.waitForSelector(".timeline .played[d^=M]", { state: "attached" });
  await page.locator('nav a[href="#events"]').click();
  await shows(page, ".badge", "LOCAL LIVE");
  await send(agent, [{
    ...NOTE,
    mode: await page.getByLabel("Mode").inputValue(),
    body: "asked for",
  }]);
  await shows(page, ".event .body", "asked for");
  assert.deepEqual(faults, []);
});

test("shows the first event, of whichever mode it is", async (browser) => {
  // Nothing else happens that would have the status read again.
  await using agent = await startAgent({ config: { process_name: GAME, poll_interval_sec: 600 } });
  await using opened = await browser.open(`${agent.url}/#events`);
  const { page, faults } = opened;
  await shows(page, ".badge", "LOCAL LIVE");
  const mode = page.getByLabel("Mode");
  const [, other] = await mode.locator("option").allTextContents();
  await send(agent, [{ ...NOTE, mode: other, body: "the first" }]);
  await shows(page, ".event .body", "the first");
  assert.equal(await mode.inputValue(), other);
  assert.deepEqual(faults, []);
});

test("stays with the mode that it shows when another has more events", async (browser) => {
  await using agent = await startAgent({ config: { process_name: GAME, poll_interval_sec: 1 } });
  await send(agent, [{ ...NOTE, mode: "live", body: "the only one" }]);
  await using opened = await browser.open(`${agent.url}/#events`);
  const { page, faults } = opened;
  await shows(page, ".event .body", "the only one");
  await send(agent, [1, 2, 3].map(() => ({ ...NOTE, mode: "paper" })));
  const knows = await page.waitForResponse(async (answer) =>
    answer.url().endsWith("/status") && (await answer.json()).events.modes.paper.last_seq === 3
  );
  await knows.finished();
  await page.getByLabel("Filter").fill("only");
  await shows(page, ".event .body", "the only one");
  assert.equal(await page.getByLabel("Mode").inputValue(), "live");
  assert.deepEqual(faults, []);
});

test("says that its database was damaged and what became of it", async (browser) => {
  using dir = tempDir();
  const killed = await startAgent({ dir: dir.path, config: { process_name: GAME } });
  await killed.kill();
  await Deno.writeTextFile(`${dir.path}/clockblock.db`, "no database at all ".repeat(1_000));
  await using agent = await startAgent({ dir: dir.path, config: { process_name: GAME } });
  await using opened = await browser.open(agent.url);
  await shows(opened.page, ".notice", "damaged");
});

test("can be used with the keyboard alone", async (browser) => {
  await using agent = await startAgent({ config: { process_name: GAME } });
  await using opened = await browser.open(agent.url);
  const { page } = opened;
  await shows(page, ".now h2", "Not playing");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Skip to content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate("document.activeElement.tagName"), "MAIN");
  await page.locator('nav a[href="#history"]').focus();
  await page.keyboard.press("Enter");
  // Whoever follows a link goes on from where it leads, and is told where that is.
  await page.waitForSelector("main[aria-label=History]:focus");
  await until(async () => await page.title() === "History · ClockBlock", "the title");
  await page.waitForSelector(".skeleton", { state: "detached" });
  const reached = new Set<string>();
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press("Tab");
    reached.add(await focused(page));
  }
  for (const name of ["7 days", "1 year", "From", "To", "Download CSV", "Time zone"]) {
    assert.ok([...reached].some((each) => each.startsWith(name)), `${name} of ${[...reached]}`);
  }
  await page.getByRole("button", { name: "7 days" }).focus();
  await page.keyboard.press("Space");
  await page.waitForSelector('button[aria-pressed=true]:text("7 days")');
});

test("moves nothing for people who ask for that", async (browser) => {
  await using agent = await startAgent({ config: { process_name: GAME } });
  const animation = async (reducedMotion: "reduce" | "no-preference") => {
    await using opened = await browser.open(agent.url, { reducedMotion });
    await opened.page.waitForSelector(".pill .pulse");
    return await opened.page.evaluate(
      `getComputedStyle(document.querySelector(".pill .pulse")).animationName`,
    );
  };
  assert.equal(await animation("no-preference"), "pulse");
  assert.equal(await animation("reduce"), "none");
});

test("writes numbers and times as the reader does", async (browser) => {
  await using agent = await startAgent({ config: { process_name: GAME } });
  const events = Array.from({ length: 1_234 }, () => ({ ...NOTE, mode: "live" }));
  await send(agent, events.slice(0, 1_000));
  await send(agent, events.slice(1_000));
  for (const [locale, words] of [["de-DE", "1.234"], ["en-GB", "1,234"], ["fr-FR", "1\u202f234"]]) {
    await using opened = await browser.open(agent.url, { locale: locale! });
    await shows(opened.page, ".tile", words!);
  }
});

async function send(agent: AgentProcess, events: readonly object[]): Promise<void> {
  const response = await fetch(`${agent.url}/local/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await agent.token()}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(events),
  });
  assert.equal(response.status, 200, await response.text());
}

/** The agent behind something that lets answers pass and keeps what does not end. */
async function holdingStreams(agent: AgentProcess): Promise<AsyncDisposable & { url: string }> {
  const up = Promise.withResolvers<number>();
  const end = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: end.signal,
    onListen: ({ port }) => up.resolve(port),
  }, async ({ url, signal }) => {
    const { pathname, search } = new URL(url);
    if (pathname.endsWith("/stream")) {
      const body = new ReadableStream({
        start: (controller) =>
          AbortSignal.any([signal, end.signal])
            .addEventListener("abort", () => controller.close(), { once: true }),
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    }
    const answer = await fetch(`${agent.url}${pathname}${search}`);
    return new Response(answer.body, answer);
  });
  return {
    url: `http://127.0.0.1:${await up.promise}`,
    async [Symbol.asyncDispose]() {
      end.abort();
      await server.finished;
    },
  };
}

/** The name of what has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate<string>(`(() => {
    const element = document.activeElement;
    return element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent;
  })()`);
}

async function shows(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

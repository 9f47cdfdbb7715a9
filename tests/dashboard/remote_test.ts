/** The page with the cloud behind it, in a real browser: sign-in, REMOTE and back, sign-out. @module */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { seriousFaults } from "../support/axe.ts";
import { hasBrowser, startBrowser } from "../support/process/browser.ts";
import { syncedMachine } from "../support/machines/synced_machine.ts";
import { Cloud } from "../support/servers/cloud.ts";
import { until } from "../support/until.ts";

const note = { mode: "live", source: "bot", type: "LOG", subtype: "NOTE" };

Deno.test({
  name: "A signed-in person sees the machine by the cloud while the agent is away, each event once",
  ignore: !hasBrowser,
  async fn(t) {
    await using cloud = await Cloud.start();
    await using machine = await syncedMachine(cloud);
    await using browser = await startBrowser();
    await using opened = await browser.open(`${machine.agent.url}/`);
    const { page, faults } = opened;
    const foreign = foreignRequests(page, machine.agent.url);
    await page.reload();
    await shows(page, ".pill", "LOCAL LIVE");

    await t.step("Without a sign-in nothing but the agent is asked", async () => {
      assert.deepEqual([...foreign], []);
      assert.ok(!(await page.evaluate<string>("JSON.stringify(localStorage)")).includes("token"));
    });

    await t.step("A wrong password is refused in words, the right one signs in", async () => {
      await page.getByRole("button", { name: "Sign in to the cloud" }).click();
      const dialog = page.getByRole("dialog", { name: "Sign in to the cloud" });
      await dialog.getByLabel("E-mail").fill(cloud.alice.email);
      await dialog.getByLabel("Password").fill("not it");
      await dialog.getByRole("button", { name: "Sign in" }).click();
      await shows(page, "dialog [role=alert]", "E-mail or password is wrong");
      assert.deepEqual(await seriousFaults(page), []);
      await dialog.getByLabel("Password").fill(cloud.alice.password);
      await dialog.getByRole("button", { name: "Sign in" }).click();
      await shows(page, ".account", cloud.alice.email);
      // The project alone is asked besides the agent.
      assert.deepEqual([...foreign], [new URL(cloud.url).origin]);
    });

    await page.locator('nav a[href="#events"]').click();
    await shows(page, ".badge", "LOCAL LIVE");
    await shows(page, ".event .body", "event 3");
    await page.evaluate("window.sameLoad = true");

    await t.step("The agent is killed: REMOTE within 5 s, on every panel", async () => {
      await flushed(cloud, await machine.send({ ...note, body: "event 4" }));
      await cloud.sql(
        "INSERT INTO projects (id, system_id, name) VALUES ('p1', $1, 'Paint the shed')",
        [machine.past.deviceId],
      );
      await machine.agent.kill();
      await shows(page, ".pill", "REMOTE");
      await shows(page, ".badge", "REMOTE");
      await shows(page, "main [role=status]", "out of reach");
      await page.locator('nav a[href="#"]').click();
      await shows(page, ".now .ring, .now", "50 min");
      await shows(page, ".sessions", "20 min");
      await shows(page, ".sessions", "30 min");
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await seriousFaults(page), [], colorScheme);
      }
      await page.setViewportSize({ width: 320, height: 640 });
      assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 320);
      await page.setViewportSize({ width: 1200, height: 900 });
      await page.locator('nav a[href="#history"]').click();
      await shows(page, ".card", "Altogether");
      await page.locator('nav a[href="#attendance"]').click();
      await page.locator(".punches li").nth(2).waitFor();
      await page.locator('nav a[href="#sync"]').click();
      await shows(page, ".card", "Waiting on the machine");
      await page.locator('nav a[href="#records"]').click();
      await shows(page, ".card", "Paint the shed");
      assert.deepEqual(await page.locator(".failed").allTextContents(), []);
    });

    await t.step("Minutes are granted from afar", async () => {
      await page.locator('nav a[href="#"]').click();
      await page.getByRole("button", { name: "+15 minutes today" }).click();
      await shows(page, ".grants [role=status]", "+15 min");
      const rows = await cloud.sql<{ extra_min: number }>("SELECT extra_min FROM allowance_grants");
      assert.deepEqual(rows, [{ extra_min: 15 }]);
    });

    await t.step("The agent is back: LOCAL LIVE, by itself", async () => {
      await machine.restart();
      await shows(page, ".pill", "LOCAL LIVE");
      await page.locator('nav a[href="#events"]').click();
      await shows(page, ".badge", "LOCAL LIVE");
    });

    await t.step("Away and back with both killed in turn: 1 … n, each once", async () => {
      for (const round of [1, 2]) {
        await flushed(cloud, await machine.send({ ...note, body: `round ${round}` }));
        await machine.agent.kill();
        await shows(page, ".badge", "REMOTE");
        cloud.plug.pull();
        await machine.restart();
        await shows(page, ".badge", "LOCAL LIVE");
        await machine.send({ ...note, body: `unplugged ${round}` });
        await shows(page, ".event .body", `unplugged ${round}`);
        cloud.plug.push();
      }
      const bodies = await page.locator(".event .body").allTextContents();
      assert.deepEqual(bodies, [
        ...["unplugged 2", "round 2", "unplugged 1", "round 1"],
        ...["event 4", "event 3", "event 2", "event 1"],
      ]);
      assert.equal(await page.evaluate("window.sameLoad"), true);
    });

    await t.step("A second tab is signed in too; signing out in one empties both", async () => {
      const second = await page.context().newPage();
      await second.goto(`${machine.agent.url}/`);
      await shows(second, ".account", cloud.alice.email);
      await page.getByRole("button", { name: "Sign out" }).click();
      for (const tab of [page, second]) {
        await tab.getByRole("button", { name: "Sign in to the cloud" }).waitFor();
      }
      assert.deepEqual(await keptIn(page), []);
    });

    await t.step("Nothing of the session is left in any cache", async () => {
      assert.deepEqual(await cachedPaths(page), [
        "/",
        "/cloud.js",
        "/icon-192.png",
        "/manifest.webmanifest",
      ]);
    });
    const known = /ERR_|Failed to load|status of 400/;
    assert.deepEqual(faults.filter((fault) => !known.test(fault)), []);
  },
});

Deno.test({
  name: "A page, and all that comes with it, has no token, no password and no session",
  ignore: !hasBrowser,
  async fn() {
    await using cloud = await Cloud.start();
    await using machine = await syncedMachine(cloud);
    const { url } = machine.agent;
    const secrets = [
      cloud.alice.password,
      await machine.agent.token(),
      cloud.serviceKey,
      'refresh_token":',
    ];
    for (const path of ["/", "/sw.js", "/manifest.webmanifest", "/status", "/client.js"]) {
      const text = await (await fetch(url + path)).text();
      for (const secret of secrets) assert.ok(!text.includes(secret), `${path} has ${secret}`);
    }
    await using browser = await startBrowser();
    await using mine = await browser.open(url);
    await mine.page.getByRole("button", { name: "Sign in to the cloud" }).click();
    await mine.page.getByLabel("E-mail").fill(cloud.alice.email);
    await mine.page.getByLabel("Password").fill(cloud.alice.password);
    await mine.page.locator("dialog button[type=submit]").click();
    await shows(mine.page, ".account", cloud.alice.email);
    // Another user of the machine opens the same page: what the one has stays in that one's browser.
    await using theirs = await browser.open(url);
    await theirs.page.getByRole("button", { name: "Sign in to the cloud" }).waitFor();
    const stolen = await mine.page.content();
    const session = await mine.page.evaluate<string>("localStorage['clockblock.session']");
    const { access_token, refresh_token } = JSON.parse(session);
    for (const secret of [...secrets, access_token, refresh_token]) {
      assert.ok(!stolen.includes(secret));
    }
    // Nor has the agent got it.
    assert.ok(!machine.agent.output.includes(refresh_token));
  },
});

async function shows(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

/** Requests of the page that go to others than the agent, as they come. */
function foreignRequests(page: Page, url: string): Set<string> {
  const origins = new Set<string>();
  page.context().on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith("http") && origin !== new URL(url).origin) origins.add(origin);
  });
  return origins;
}

async function flushed(cloud: Cloud, seq: number): Promise<void> {
  await until(async () => {
    const [row] = await cloud.sql<{ seq: number }>(
      "SELECT max(seq)::int AS seq FROM zoe_events WHERE mode = 'live'",
    );
    return row!.seq === seq;
  }, `event ${seq} in the cloud`);
}

/** What the browser keeps of the machine and the session. */
async function keptIn(page: Page): Promise<string[]> {
  const keys = await page.evaluate<string[]>("Object.keys(localStorage)");
  // The page goes on keeping what the agent gives it.
  return keys.filter((key) => /session|supabase|auth/.test(key));
}

async function cachedPaths(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(`(async () => {
    const paths = [];
    for (const name of await caches.keys()) {
      for (const { url } of await (await caches.open(name)).keys()) paths.push(new URL(url).pathname);
    }
    return paths.sort();
  })()`);
}

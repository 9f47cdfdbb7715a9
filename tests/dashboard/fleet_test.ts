/**
 * The page without an agent, from a static host: a real browser, the real PostgREST, a thousand machines of which one is
 * a real agent that has synced.
 * @module
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { writePage } from "../../build/page.ts";
import { seriousFaults } from "../support/axe.ts";
import { fillFleet } from "../support/fleet.ts";
import { hasBrowser, startBrowser } from "../support/process/browser.ts";
import { syncedMachine } from "../support/machines/synced_machine.ts";
import { Cloud } from "../support/servers/cloud.ts";
import { startStaticHost } from "../support/process/static_host.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const MACHINES = 1_000;
/** From one look for news to the next. */
const POLL_MS = 30_000;

Deno.test({
  name: "The page of a static host",
  ignore: !hasBrowser,
  async fn(t) {
    await using cloud = await Cloud.start();
    await using machine = await syncedMachine(cloud);
    await fillFleet(cloud, { user: cloud.alice, prefix: "a", machines: MACHINES });
    await cloud.sql(
      "INSERT INTO projects (id, system_id, name) VALUES ('p1', 'pc-1', 'Paint the shed'), ('p2', 'a-0001', 'Other')",
    );
    // Its agent names it, again and again.
    const [{ name: realName } = { name: "" }] = await cloud.sql<{ name: string }>(
      "SELECT name FROM devices WHERE device_id = 'pc-1'",
    );
    using dir = tempDir();
    await writePage(dir.path, {
      url: cloud.url,
      key: cloud.key,
      agent: false,
      eventsTable: "zoe_events",
      healthTable: "zoe_health",
    });
    await using host = startStaticHost(dir.path);
    await using browser = await startBrowser();
    await using opened = await browser.open(host.url, {
      viewport: { width: 390, height: 800 },
      before: LAYOUT_SHIFTS,
    });
    const { page, faults } = opened;
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    const names = () => page.locator(".machines b").allTextContents();
    const rows = page.locator(".machines li");

    await t.step(
      "shows a stranger the sign-in and nothing else, and asks for no data",
      async () => {
        await page.getByRole("heading", { name: "Sign in" }).waitFor();
        assert.deepEqual(await seriousFaults(page), []);
        assert.ok(!asked.some((url) => url.startsWith(cloud.url)), asked.join());
        assert.ok(!host.asked.some((path) => path.includes("cloud.js")), host.asked.join());
        await page.getByLabel("E-mail").fill(cloud.alice.email);
        await page.getByLabel("Password").fill("wrong");
        await page.getByRole("button", { name: "Sign in" }).click();
        await page.getByRole("alert").waitFor();
        assert.equal(await page.locator(".machines").count(), 0);
        // The browser's own words for the refusal.
        assert.ok(faults.splice(0).every((fault) => fault.includes("400")));
      },
    );

    await t.step(
      "shows all machines after the sign-in, those that need a person first",
      async () => {
        await signIn(page, cloud.alice);
        await rows.nth(MACHINES).waitFor({ state: "attached" });
        const shown = await names();
        assert.equal(shown.length, MACHINES + 1);
        // Of ten machines the second has an error, the third is silent, the fourth over its allowance.
        const kinds = shown.map((name) => name.at(-1)).join("");
        assert.equal(kinds.slice(0, 300), ["1", "2", "3"].map((kind) => kind.repeat(100)).join(""));
        assert.doesNotMatch(kinds.slice(300), /[123]/);
        assert.deepEqual(shown.slice(0, 2), ["Machine 0001", "Machine 0011"]);
        assert.match(await rows.first().innerText(), /Sign in again, seen/);
        assert.ok(!asked.some((url) => url.includes("heartbeats")));
      },
    );

    await t.step("does not jump: not while it fills, scrolls, or hears news", async () => {
      await page.clock.install();
      await page.reload();
      await rows.nth(MACHINES).waitFor({ state: "attached" });
      await rows.nth(2).hover();
      await page.mouse.wheel(0, 30_000);
      await until(() => page.evaluate("scrollY > 20000"), "the scrolling");
      const before = await firstInView(page);
      await cloud.sql(
        "UPDATE devices SET last_error = 'new', name = 'Changed' WHERE device_id LIKE 'a-09_5'",
      );
      await page.clock.fastForward(POLL_MS);
      await page.locator(".machines b", { hasText: "Changed" }).first().waitFor({
        state: "attached",
      });
      assert.deepEqual(await firstInView(page), before);
      assert.ok(await page.evaluate<number>("shifted") < 0.01);
    });

    await t.step("sorts again at the top, filters and finds by name", async () => {
      await page.evaluate("scrollTo(0, 0)");
      await page.getByLabel("Name").hover();
      await until(async () => (await names())[0] === "Changed", "the new order");
      const count = async () => (await names()).length;
      await page.getByRole("button", { name: /^Silent/ }).click();
      await until(async () => await count() === 100, "the silent ones");
      await page.getByRole("button", { name: /^Playing/ }).click();
      await until(async () => await count() === 200, "those that play");
      await page.getByRole("button", { name: /^Need attention/ }).click();
      await until(async () => await count() === 310, "those that need attention");
      await page.getByRole("button", { name: /^All/ }).click();
      // Each row is like the next: a hundred times as many take axe minutes.
      await page.getByLabel("Name").fill("machine 000");
      await until(async () => await count() === 10, "ten of them");
      assert.deepEqual(await seriousFaults(page), []);
      await page.getByLabel("Name").fill("pc-1");
      await until(async () => (await names()).join() === realName, "the real one");
      await page.getByLabel("Name").fill("nothing like it");
      await page.getByText("No machine is like that").waitFor();
      await page.getByLabel("Name").fill("pc-1");
    });

    await t.step("opens one machine: Today, History, Events, Attendance, Records", async () => {
      await rows.first().click();
      await page.getByRole("heading", { name: realName }).waitFor();
      await page.getByText("REMOTE", { exact: true }).waitFor();
      await page.locator(".now", { hasText: "50 mins" }).waitFor();
      assert.match(page.url(), /\?system=pc-1&device=pc-1$/);
      for (
        const [panel, words] of [
          ["history", "20 mins"],
          ["events", "event 3"],
          ["attendance", "Front door"],
          ["records", "Paint the shed"],
        ] as const
      ) {
        await page.locator(`nav a[href="#${panel}"]`).click();
        if (panel === "attendance") await page.locator(".punches li").nth(2).waitFor();
        else await page.locator("main", { hasText: words }).waitFor();
        assert.deepEqual(await seriousFaults(page), [], panel);
      }
      const heartbeats = asked.filter((url) => url.includes("/heartbeats?"));
      assert.ok(heartbeats.length > 0);
      for (const url of heartbeats) assert.match(url, /device_id=eq\.pc-1&timestamp_utc=gte\./);
    });

    await t.step(
      "grants more time in the cloud, and the machine gets it; undone in the same place",
      async () => {
        const granted = async () =>
          (await cloud.sql<{ sum: number }>(
            "SELECT coalesce(sum(extra_min), 0)::int AS sum FROM allowance_grants WHERE device_id = 'pc-1'",
          ))[0]!.sum;
        await page.locator('nav a[href="#"]').click();
        const card = page.getByRole("region", { name: "Allowance" });
        await card.getByRole("button", { name: "+15 minutes today" }).click();
        await card.getByText("+15 mins for today").waitFor();
        assert.equal(await granted(), 15);
        const { url } = machine.agent;
        const token = await machine.agent.token();
        await fetch(`${url}/sync/now`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}` },
        }).then((response) => response.body?.cancel());
        await until(async () => {
          const { granted_min } = await (await fetch(`${url}/allowance`)).json();
          return granted_min === 15;
        }, "the grant at the machine");
        await card.getByRole("status").getByRole("button", { name: "Undo" }).click();
        await until(async () => await granted() === 0, "the undo");
      },
    );

    await t.step("stays at the machine over a reload, and Back leads to the list", async () => {
      await page.reload();
      await page.getByRole("heading", { name: realName }).waitFor();
      await page.getByRole("link", { name: "All machines" }).click();
      await rows.nth(MACHINES).waitFor({ state: "attached" });
      assert.equal(page.url(), host.url);
      await page.goBack();
      await page.getByRole("heading", { name: realName }).waitFor();
      await page.goForward();
      await rows.nth(MACHINES).waitFor({ state: "attached" });
    });

    await t.step("fits 320 px, also in the dark", async () => {
      await page.setViewportSize({ width: 320, height: 640 });
      await page.emulateMedia({ colorScheme: "dark" });
      for (const path of ["", "?system=pc-1&device=pc-1"]) {
        await page.goto(host.url + path);
        await page.locator(path === "" ? ".machines li" : ".now").first().waitFor();
        if (path === "") await page.getByLabel("Name").fill("machine 000");
        assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 320, path);
        assert.deepEqual(await seriousFaults(page), [], path);
      }
    });

    await t.step("sign-out wipes what the browser had, in every tab", async () => {
      await page.goto(host.url);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      const left = await page.evaluate<string>(
        "JSON.stringify({ ...localStorage, ...sessionStorage })",
      );
      assert.doesNotMatch(left, /token|alice|pc-1/);
      await page.goto(`${host.url}?system=pc-1&device=pc-1`);
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
    });

    await t.step("shows another account none of these machines", async () => {
      await signIn(page, cloud.bob);
      await page.getByText("The cloud does not know this machine").waitFor();
      await page.getByRole("link", { name: "All machines" }).click();
      await page.getByText("No machine has synced to this account yet").waitFor();
    });
    assert.deepEqual(faults, []);
  },
});

/** Adds up what moves without the reader's doing. */
const LAYOUT_SHIFTS = `
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const { hadRecentInput, value } of list.getEntries()) if (!hadRecentInput) shifted += value;
  }).observe({ type: "layout-shift", buffered: true });`;

async function signIn(page: Page, { email, password }: { email: string; password: string }) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** The first row that is wholly in view, and where it is. */
function firstInView(page: Page): Promise<{ name: string; top: number }> {
  return page.evaluate(`(() => {
    for (const row of document.querySelectorAll(".machines li")) {
      const { top } = row.getBoundingClientRect();
      if (top >= 0) return { name: row.querySelector("b").textContent, top };
    }
  })()`);
}

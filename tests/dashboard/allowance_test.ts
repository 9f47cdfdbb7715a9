/** More time, what limits it, and alerts, in a real browser on a real agent. @module */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { seriousFaults } from "../support/axe.ts";
import { hasBrowser, startBrowser } from "../support/process/browser.ts";
import { household } from "../support/machines/household.ts";
import { until } from "../support/until.ts";

/** Notes what the page asks of the browser, and lets the browser do it. */
const NOTED = `
  window.noted = { asked: 0, shown: [], tones: 0 };
  const Real = Notification;
  window.Notification = class extends Real {
    constructor(title, options) { super(title, options); noted.shown.push(options.body); }
    static requestPermission() { noted.asked++; return Real.requestPermission(); }
  };
  const registered = ServiceWorkerRegistration.prototype;
  const { showNotification } = registered;
  registered.showNotification = function (title, options) {
    noted.shown.push(options.body);
    return showNotification.call(this, title, options);
  };
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) { noted.tones++; start.apply(this, when); };`;

interface Noted {
  asked: number;
  shown: string[];
  tones: number;
}

Deno.test({
  name: "The page grants more time with undo, and alerts when thresholds are crossed",
  ignore: !hasBrowser,
  async fn(t) {
    await using house = await household();
    await using browser = await startBrowser();
    await using opened = await browser.open(house.agent.url, {
      permissions: ["notifications"],
      before: NOTED,
    });
    const { page, faults } = opened;
    const card = page.getByRole("region", { name: "Allowance" });
    const granted = async (): Promise<number> =>
      (await (await fetch(`${house.agent.url}/allowance`)).json()).granted_min;
    const noted = () => page.evaluate<Noted>("noted");

    await t.step("+15 counts at once, says so, and is undone within a few seconds", async () => {
      await card.getByRole("button", { name: "+15 min" }).click();
      await card.getByText("+15 mins for today").waitFor();
      assert.equal(await granted(), 15);
      await card.locator(".figure", { hasText: "2 hrs, +15 mins" }).waitFor();
      await page.locator(".now .figures", { hasText: "2 hrs 15 mins" }).waitFor();
      await card.getByRole("status").getByRole("button", { name: "Undo" }).click();
      await until(async () => await granted() === 0, "the undo");
      await card.getByText("+15 mins for today").waitFor({ state: "detached" });
    });

    await t.step("+30 says who and why, and is undone from the list, once", async () => {
      await card.getByText("Who, why").click();
      await card.getByLabel("Who").fill("Mum");
      await card.getByLabel("Why").fill("rainy");
      await card.getByRole("button", { name: "+30 min" }).click();
      const row = card.locator("li", { hasText: "rainy" });
      await row.getByText("Mum").waitFor();
      assert.deepEqual(await seriousFaults(page), []);
      await row.getByRole("button", { name: "Undo" }).click();
      await row.getByRole("button").waitFor({ state: "detached" });
      assert.equal(await granted(), 0);
    });

    await t.step("A grant made elsewhere shows without a reload", async () => {
      await house.write("/allowance/grants", { method: "POST", json: { extra_min: 7 } });
      await card.locator(".figure", { hasText: "+7 mins" }).waitFor();
    });

    await t.step(
      "Nothing is asked at load; a button turns alerts on, and they stay on",
      async () => {
        assert.deepEqual(await noted(), { asked: 0, shown: [], tones: 0 });
        await card.getByRole("button", { name: "Notify me" }).click();
        await card.getByRole("button", { name: "Notify me", pressed: true }).waitFor();
        await card.getByRole("button", { name: "Sound" }).click();
        assert.deepEqual(await noted(), { asked: 1, shown: [], tones: 1 });
        await page.reload();
        await card.getByRole("button", { name: "Notify me", pressed: true }).waitFor();
        await card.getByRole("button", { name: "Sound", pressed: true }).waitFor();
        assert.deepEqual(await noted(), { asked: 0, shown: [], tones: 0 });
      },
    );

    await t.step(
      "A threshold that is crossed is a notification and a sound, in one tab",
      async () => {
        await until(async () => (await page.title()).includes("Today"), "the title");
        const { left_min } = await (await fetch(`${house.agent.url}/allowance`)).json();
        await house.write("/allowance/grants", {
          method: "POST",
          json: { extra_min: -(left_min - 10) },
        });
        await until(async () => (await noted()).shown.length > 0, "a notification");
        const { shown, tones } = await noted();
        assert.deepEqual([shown, tones], [["10 minutes left today"], 1]);
        await card.getByRole("button", { name: "Sound" }).click();
        await house.write("/allowance/grants", { method: "POST", json: { extra_min: -6 } });
        await until(async () => (await noted()).shown.length > 1, "another");
        assert.equal((await noted()).tones, 1);
      },
    );

    await t.step("The title tells what is left while the game runs", async () => {
      await using _game = await house.play();
      await until(
        async () => /^\d+ mins? left · ClockBlock$/.test(await page.title()),
        "the title",
      );
      await page.locator('nav a[href="#history"]').click();
      await page.getByRole("region", { name: "By game" }).getByText(house.game).waitFor();
    });
    assert.deepEqual(faults, []);
  },
});

Deno.test({
  name:
    "On the smallest screen labels stand apart on a line each, and a day with enough grants is not over",
  ignore: !hasBrowser,
  async fn() {
    await using house = await household();
    await using browser = await startBrowser();
    const days = async (): Promise<{ date: string; minutes_overdraft: number }[]> => {
      const { today: { date } } = await (await fetch(`${house.agent.url}/status`)).json();
      const range = `from=${date.slice(0, 8)}01&to=${date}&tz=${
        encodeURIComponent(house.timeZone)
      }`;
      return await (await fetch(`${house.agent.url}/days?${range}`)).json();
    };
    const over = (await days()).filter(({ minutes_overdraft }) => minutes_overdraft > 0);
    assert(over.length > 0, "the household has days that are over");
    for (const { date } of over) {
      await house.write("/allowance/grants", { method: "POST", json: { date, extra_min: 600 } });
    }
    await using opened = await browser.open(house.agent.url, {
      locale: "en-US",
      viewport: { width: 320, height: 700 },
    });
    const { page } = opened;
    await page.locator(".hours li").first().waitFor({ state: "attached" });
    assert.deepEqual(await labels(page, ".hours li"), { several: true, apart: true, lines: 1 });
    await page.locator('nav a[href="#history"]').click();
    await page.waitForSelector(".bars .used[d^=M]");
    const names = '.bars text[text-anchor="middle"]';
    assert.deepEqual(await labels(page, names), { several: true, apart: true, lines: 1 });
    assert.equal((await labels(page, ".segments button")).lines, 1);
    assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 320);
    await page.getByRole("button", { name: "7 days" }).click();
    await page.getByLabel("From", { exact: true }).fill(over[0]!.date);
    await page.waitForSelector(".bars .used[d^=M]");
    await until(async () => await page.getAttribute(".bars .beyond", "d") === "", "no day is over");
  },
});

/** Whether labels that are shown overlap or leave their picture, and the most lines that one has. */
async function labels(
  page: Page,
  selector: string,
): Promise<{ several: boolean; apart: boolean; lines: number }> {
  return await page.evaluate(`(() => {
    const all = [...document.querySelectorAll('${selector}')];
    const shown = all.map((element) => {
      const range = document.createRange();
      range.selectNodeContents(element);
      return { text: range.getBoundingClientRect(), lines: range.getClientRects().length };
    }).filter(({ text }) => text.width > 0);
    const edge = all[0].parentElement.getBoundingClientRect();
    const apart = shown.every(({ text }, index) =>
      text.right <= edge.right + 1 && (index === 0 || shown[index - 1].text.right < text.left)
    );
    return { several: shown.length > 1, apart, lines: Math.max(...shown.map(({ lines }) => lines)) };
  })()`);
}

/** As a browser does with a tab that nobody looks at, and then half a minute of it. */
async function hide(page: Page): Promise<void> {
  await page.clock.install();
  await page.evaluate(`
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"))`);
  await page.clock.fastForward(31_000);
}

Deno.test({
  name: "Of two tabs in the background one notifies, turned on in either, and the other takes over",
  ignore: !hasBrowser,
  async fn() {
    await using house = await household();
    await using browser = await startBrowser();
    await using opened = await browser.open(house.agent.url, {
      permissions: ["notifications"],
      before: NOTED,
    });
    const first = opened.page;
    const button = (page: Page) => page.getByRole("button", { name: "Notify me" });
    await button(first).waitFor();
    const second = await first.context().newPage();
    await second.addInitScript(NOTED);
    await second.goto(house.agent.url);
    await button(second).click();
    for (const page of [first, second]) {
      await page.getByRole("button", { name: "Notify me", pressed: true }).waitFor();
      await hide(page);
    }
    const shown = async (page: Page) => (await page.evaluate<Noted>("noted")).shown;
    const live = (page: Page) => page.locator(".top").getByText("LOCAL LIVE", { exact: true });
    /** Minutes left, a threshold between each two. */
    const levels = [10, 4, -1, -16, -31, -46];
    /** What a tab shows of the next threshold; of the one after it where its stream was broken at that moment. */
    const alerted = async (page: Page): Promise<string[]> => {
      await live(page).waitFor();
      const { left_min, over_min } = await (await fetch(`${house.agent.url}/allowance`)).json();
      const extra_min = levels.shift()! - left_min + over_min;
      await house.write("/allowance/grants", { method: "POST", json: { extra_min } });
      try {
        await until(async () => (await shown(page)).length > 0, "a notification", {
          withinMs: 10_000,
        });
      } catch (error) {
        if (levels.length === 0) throw error;
        return await alerted(page);
      }
      return await shown(page);
    };
    await live(second).waitFor({ state: "detached" });
    const ofFirst = await alerted(first);
    assert.deepEqual(await shown(second), []);

    await first.close();
    const ofSecond = await alerted(second);
    const all = [...ofFirst, ...ofSecond];
    assert.equal(new Set(all).size, all.length, all.join());
  },
});

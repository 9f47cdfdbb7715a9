/** A busy log in the open page: what it costs the thread that the page runs on, and that its memory stays. @module */
import assert from "node:assert/strict";
import { startAgent } from "../support/process/agent_process.ts";
import { hasBrowser, startBrowser } from "../support/process/browser.ts";
import { sendSteadily } from "../support/fakes/events/event_stream.ts";
import { heapOf, tasksWhile } from "../support/process/main_thread.ts";

/** As many as the page keeps come three times over; `deno task bench dashboard --page=600` does it for ten minutes. */
const LOAD = { perSecond: 500, ms: 6_000 };

Deno.test({
  name: "500 events a second neither hold the page up nor fill its memory",
  ignore: !hasBrowser,
  async fn() {
    await using agent = await startAgent({ config: { process_name: "no-such-game" } });
    const token = await agent.token();
    const send = async (events: Record<string, unknown>[]) => {
      const response = await fetch(`${agent.url}/local/events`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(events),
      });
      assert.equal(response.status, 200, await response.text());
    };
    await using browser = await startBrowser();
    await using opened = await browser.open(`${agent.url}/#events`);
    const { page, faults } = opened;
    await page.waitForSelector(".badge.local");
    await page.getByLabel("Mode").selectOption("live");
    await page.waitForSelector(".badge.local");

    await sendSteadily(send, LOAD);
    const before = await heapOf(page);
    const tasks = await tasksWhile(browser.browser, () => sendSteadily(send, LOAD));
    await send([{ mode: "live", source: "bot", type: "LOG", subtype: "END", body: "the last" }]);
    await page.locator(".event", { hasText: "the last" }).waitFor();
    const grownMb = (await heapOf(page) - before) / 2 ** 20;

    // By the processor's time: other tests take from the clock's.
    const longest = Math.max(...tasks.map(({ cpuMs }) => cpuMs));
    assert.ok(tasks.length > 100, `only ${tasks.length} tasks were traced`);
    assert.ok(longest < 50, `a task took ${longest} ms of the processor`);
    assert.ok(grownMb < 3, `the page's heap grew by ${grownMb.toFixed(1)} MB`);
    assert.equal(await page.locator(".count").textContent(), "2,000 events, the newest");
    assert.deepEqual(faults, []);
  },
});

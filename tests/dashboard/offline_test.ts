/** The page as an app, in a real browser: installed, opened while the agent is away, replaced by a new build. @module */
import assert from "node:assert/strict";
import { chromium, type Page } from "playwright-core";
import { serve } from "../../src/api/mod.ts";
import { loadPage } from "../../src/dashboard/mod.ts";
import { testApi } from "../support/api.ts";
import { seriousFaults } from "../support/axe.ts";
import { CHROMIUM, hasBrowser, startBrowser } from "../support/process/browser.ts";
import { syncedMachine } from "../support/machines/synced_machine.ts";
import { Cloud } from "../support/servers/cloud.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

Deno.test({
  name:
    "The page opens while the agent is away, with what it last had and its age, and goes on by itself",
  ignore: !hasBrowser,
  async fn() {
    await using cloud = await Cloud.start();
    await using machine = await syncedMachine(cloud);
    await using browser = await startBrowser();
    await using opened = await browser.open(`${machine.agent.url}/#events`);
    const { page, faults } = opened;
    await shows(page, ".event .body", "event 3");
    for (const [panel, text] of [["#history", "Altogether"], ["#", "50 min"]] as const) {
      await page.locator(`nav a[href="${panel}"]`).click();
      await shows(page, "main", text);
    }
    await shows(page, ".sessions", "30 min");
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)");
    // Not waitForFunction: the page's policy lets no text be evaluated again and again.
    await until(async () => {
      const keys = await page.evaluate<string[]>("Object.keys(localStorage)");
      return ["status", "spans", "history", "events", "allowance"]
        .every((name) => keys.includes(`clockblock.kept.${name}`));
    }, "what the page keeps");

    await machine.agent.kill();
    // Another start of the browser: the page's cookie is gone with the last one.
    await page.context().clearCookies();
    await page.reload();
    await shows(page, "[role=alert]", "The agent does not answer");
    await shows(page, ".notice.bad", "It last did");
    await shows(page, "main", "50 min");
    await shows(page, ".sessions", "30 min");
    assert.deepEqual(await seriousFaults(page), []);
    await page.locator('nav a[href="#history"]').click();
    await shows(page, "main", "Altogether");
    await page.locator('nav a[href="#events"]').click();
    await shows(page, ".event .body", "event 3");

    await page.evaluate("window.sameLoad = true");
    await machine.restart();
    await shows(page, ".pill", "LOCAL LIVE");
    await machine.send({
      mode: "live",
      source: "bot",
      type: "LOG",
      subtype: "NOTE",
      body: "event 4",
    });
    await shows(page, ".event .body", "event 4");
    assert.deepEqual(
      await page.locator(".event .body").allTextContents(),
      ["event 4", "event 3", "event 2", "event 1"],
    );
    // A change is authorised again.
    await page.locator('nav a[href="#"]').click();
    await page.getByRole("button", { name: "+15 minutes today" }).click();
    await shows(page, ".grants [role=status]", "+15 min");
    assert.equal(await page.evaluate("window.sameLoad"), true);
    assert.deepEqual(faults.filter((fault) => !/ERR_|Failed to load/.test(fault)), []);
  },
});

Deno.test({
  name:
    "A new build replaces the kept page at the next load, also for when the agent is away again",
  ignore: !hasBrowser,
  async fn() {
    const built = await loadPage();
    const another = {
      ...built,
      html: built.html.replace("<body>", '<body data-build="2">')
        .replace(/cloud\.js\?\w+/, "cloud.js?another"),
    };
    await using browser = await startBrowser();
    const first = served(built);
    await using opened = await browser.open(first.url);
    const { page } = opened;
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)");
    // Loaded under the service worker, as every page but the first.
    await page.reload();
    await page.evaluate(
      "import('/' + document.querySelector('#app').dataset.cloud).then(() => true)",
    );
    assert.equal(await buildOf(page), undefined);
    await first.end();

    const second = served(another, Number(new URL(first.url).port));
    await page.reload();
    assert.equal(await buildOf(page), "2");
    await page.evaluate(
      "import('/' + document.querySelector('#app').dataset.cloud).then(() => true)",
    );
    await second.end();
    await page.reload();
    assert.equal(await buildOf(page), "2");
    const modules = await page.evaluate<string[]>(
      `caches.open("clockblock-page").then(async (cache) =>
      (await cache.keys()).map(({ url }) => url).filter((url) => url.includes("cloud.js")))`,
    );
    assert.deepEqual(modules.map((url) => new URL(url).search), ["?another"]);
  },
});

Deno.test({
  name: "Chromium finds the page installable",
  ignore: !hasBrowser,
  async fn() {
    using dir = tempDir();
    const { url, end } = served(await loadPage());
    // Nothing is installed from a private window, which every other page of the tests is.
    const context = await chromium.launchPersistentContext(dir.path, {
      executablePath: CHROMIUM!,
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
    });
    try {
      const page = await context.newPage();
      await page.goto(url);
      const devtools = await context.newCDPSession(page);
      const { errors } = await devtools.send("Page.getAppManifest");
      assert.deepEqual(errors, []);
      const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
      assert.deepEqual(installabilityErrors, []);
    } finally {
      await context.close();
      await end();
    }
  },
});

/** An agent's API with this page, and no more of an agent. */
function served(page: Awaited<ReturnType<typeof loadPage>>, port = 0) {
  const test = testApi({ page });
  const stop = new AbortController();
  const server = serve(test.api, { host: "127.0.0.1", port, signal: stop.signal });
  return {
    url: server.url,
    async end() {
      stop.abort();
      await server.finished;
      test[Symbol.dispose]();
    },
  };
}

function buildOf(page: Page): Promise<string | undefined> {
  return page.evaluate("document.body.dataset.build");
}

async function shows(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

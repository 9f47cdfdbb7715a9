/** What people see of an agent that goes away and comes back, in a real browser. @module */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { seriousFaults } from "../support/axe.ts";
import { hasBrowser, startBrowser } from "../support/process/browser.ts";
import { Cloud } from "../support/servers/cloud.ts";
import { household } from "../support/machines/household.ts";
import { Plug } from "../support/servers/plug.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** What the client promises. */
const FALLBACK_MS = 5_000;

Deno.test({
  name: "The dashboard says that the agent is gone, and goes on by itself when it is back",
  // Windows cannot halt a process.
  ignore: !hasBrowser || Deno.build.os === "windows",
  async fn() {
    await using house = await household({ heartbeats: 100 });
    await using browser = await startBrowser();
    await using opened = await browser.open(`${house.agent.url}/#events`);
    const { page, faults } = opened;
    const note = { mode: "live", source: "bot", type: "LOG", subtype: "NOTE" };
    await shows(page, ".badge", "LOCAL LIVE");
    await house.send({ ...note, body: "before" });
    await shows(page, ".event .body", "before");
    await page.evaluate("window.sameLoad = true");

    // One that hangs keeps its connections, and answers nothing.
    Deno.kill(house.agent.pid, "SIGSTOP");
    await shows(page, ".badge", "OFFLINE");
    await shows(page, ".pill", "Offline");
    Deno.kill(house.agent.pid, "SIGCONT");
    await shows(page, ".badge", "LOCAL LIVE");
    await shows(page, ".pill", "Live");

    await house.agent.kill();
    await shows(page, ".badge", "OFFLINE");
    await shows(page, "[role=alert]", "The agent does not answer");
    await shows(page, ".pill", "Offline");
    // What it had stays to be read.
    await shows(page, ".event .body", "before");
    await page.locator('nav a[href="#"]').click();
    await shows(page, "h2", "Agent not reached");
    assert.deepEqual(await seriousFaults(page), []);
    await page.locator('nav a[href="#sync"]').click();
    assert.ok(await page.getByRole("button", { name: "Sync now" }).isDisabled());

    await house.restart();
    await page.waitForSelector("[role=alert]", { state: "detached" });
    await shows(page, ".pill", "Live");
    await page.locator('nav a[href="#events"]').click();
    await shows(page, ".badge", "LOCAL LIVE");
    await house.send({ ...note, body: "after" });
    await shows(page, ".event .body", "after");
    const bodies = await page.locator(".event .body").allTextContents();
    assert.deepEqual(bodies, ["after", "before"]);
    assert.equal(await page.evaluate("window.sameLoad"), true);
    assert.deepEqual(faults.filter((fault) => !/ERR_CONNECTION|ERR_INCOMPLETE/.test(fault)), []);
  },
});

Deno.test({
  name:
    "A page reads the cloud while it cannot reach the agent, and has every event once, in order",
  ignore: !hasBrowser,
  async fn(t) {
    await using cloud = await Cloud.start();
    using dir = tempDir();
    await using site = await startSite();
    let agent = await startAgent({
      dir: dir.path,
      env: { CLOCKBLOCK_SUPABASE__PASSWORD: cloud.alice.password },
      config: agentConfig(cloud, site.origin),
    });
    const config = agentConfig(cloud, site.origin, Number(new URL(agent.url).port));
    // The way from the page to the agent; the agent's own way to the cloud is another one.
    await using cable = new Plug(config.api_port);
    const localUrl = `http://127.0.0.1:${cable.port}`;
    await using browser = await startBrowser();
    site.html = pageOf(localUrl, {
      url: cloud.url,
      key: cloud.key,
      accessToken: await cloud.token(cloud.alice),
      systemId: config.device_id,
      pollMs: 500,
    });
    const restart = async () => {
      await agent.kill();
      agent = await startAgent({
        dir: dir.path,
        env: { CLOCKBLOCK_SUPABASE__PASSWORD: cloud.alice.password },
        config,
      });
    };
    const writer = startWriter(() => agent);
    try {
      await using opened = await browser.open(site.origin);
      const { page, faults } = opened;
      await comes(page, "local");
      await until(() => writer.lastSeq > 5, "events");

      await t.step("The agent is killed: the cloud within 5 s", async () => {
        await until(async () => await flushed(cloud) > 0, "events in the cloud");
        await agent.kill();
        await comes(page, "remote");
        const [took] = await page.evaluate<number[]>("window.fallbacks");
        assert.ok(took! < FALLBACK_MS, `the fallback took ${took} ms`);
      });

      await t.step(
        "The agent is back, out of the page's reach: what it flushes arrives",
        async () => {
          cable.pull();
          await restart();
          const seq = writer.lastSeq;
          await until(async () => await lastSeqOf(page) > seq, "events by the cloud");
          assert.equal(await page.evaluate("window.live.source"), "remote");
        },
      );

      await t.step("The agent is in reach: local again", async () => {
        cable.push();
        await comes(page, "local");
        const seq = writer.lastSeq;
        await until(async () => await lastSeqOf(page) > seq, "events by the agent");
      });

      await t.step(
        "Killed again with events that the cloud has not: they come with the agent",
        async () => {
          cloud.plug.pull();
          cable.pull();
          const seq = writer.lastSeq;
          await until(() => writer.lastSeq > seq + 5, "events that only the agent has");
          await agent.kill();
          cloud.plug.push();
          await comes(page, "remote");
          cable.push();
          await restart();
          await comes(page, "local");
        },
      );

      const last = await writer.stop();
      await until(async () => await lastSeqOf(page) >= last, "the last event");
      const seqs = await page.evaluate<number[]>("window.seqs");
      assert.deepEqual(seqs, Array.from({ length: last }, (_, index) => index + 1));
      assert.deepEqual(faults.filter((fault) => !/ERR_|Failed to load/.test(fault)), []);
    } finally {
      await writer.stop();
      await agent.kill();
    }
  },
});

function agentConfig(cloud: Cloud, origin: string, api_port = 0) {
  const { url, key, alice: { email } } = cloud;
  return {
    device_id: "pc-1",
    api_port,
    api_allowed_origins: [origin],
    supabase: { url, key, email, realtime: false },
    events: { modes: ["live"], flush: { active_sec: 1, offhours_sec: 1 } },
  };
}

/** A web page of another origin than the agent's, as a web app is. */
async function startSite(): Promise<AsyncDisposable & { readonly origin: string; html: string }> {
  const up = Promise.withResolvers<number>();
  const site = { origin: "", html: "", [Symbol.asyncDispose]: () => server.shutdown() };
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => up.resolve(port),
  }, () => new Response(site.html, { headers: { "content-type": "text/html" } }));
  site.origin = `http://127.0.0.1:${await up.promise}`;
  return site;
}

function pageOf(localUrl: string, supabase: Readonly<Record<string, unknown>>): string {
  return `<!doctype html><title>A web app</title><link rel="icon" href="data:,">
<script type="module">
  import { connectLocalLive } from "${localUrl}/client.js";
  const options = ${JSON.stringify({ localUrl, supabase, mode: "live", sinceSeq: 0 })};
  window.live = connectLocalLive(options);
  window.seqs = [];
  window.fallbacks = [];
  let gone;
  live.subscribe(({ events, source }) => {
    seqs.push(...events.map(({ seq }) => seq));
    if (source === "offline") gone ??= performance.now();
    if (source === "remote" && gone !== undefined) fallbacks.push(performance.now() - gone);
    if (source !== "offline") gone = undefined;
  });
</script>`;
}

/** An application that never stops: it says everything until the agent has acknowledged it. */
function startWriter(agent: () => AgentProcess): { lastSeq: number; stop(): Promise<number> } {
  let running = true;
  const writer = {
    lastSeq: 0,
    async stop() {
      running = false;
      await done;
      return writer.lastSeq;
    },
  };
  const done = (async () => {
    for (let index = 0; running;) {
      const seq = await append(agent(), index);
      writer.lastSeq = Math.max(writer.lastSeq, seq ?? 0);
      if (seq !== null) index++;
      await pause(20);
    }
  })();
  return writer;
}

/** @returns the event's `seq`; null when the agent is not there */
async function append({ url, token }: AgentProcess, index: number): Promise<number | null> {
  const event = { mode: "live", source: "bot", type: "LOG", subtype: "NOTE", body: `${index}` };
  try {
    const response = await fetch(`${url}/local/events`, {
      method: "POST",
      headers: {
        "authorization": `Bearer ${await token()}`,
        "content-type": "application/json",
      },
      // An agent that was killed may have stored it before: the same key is the same event.
      body: JSON.stringify({ ...event, idempotency_key: `key-${index}` }),
    });
    const { accepted } = await response.json();
    return accepted[0].seq;
  } catch {
    return null;
  }
}

async function flushed(cloud: Cloud): Promise<number> {
  const [row] = await cloud.sql<{ count: number }>("SELECT count(*)::int AS count FROM zoe_events");
  return row!.count;
}

function lastSeqOf(page: Page): Promise<number> {
  return page.evaluate<number>("window.live.lastSeq");
}

async function comes(page: Page, source: string): Promise<void> {
  await page.waitForFunction(`window.live?.source === "${source}"`, undefined, { timeout: 30_000 });
}

async function shows(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

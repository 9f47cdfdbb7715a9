/** What the page says of Realtime and of failures, in a real browser on a real agent. @module */
import assert from "node:assert/strict";
import { startAgent } from "../support/process/agent_process.ts";
import { hasBrowser, startBrowser } from "../support/process/browser.ts";

Deno.test({
  name: "Sync says since when Realtime is not connected",
  ignore: !hasBrowser,
  async fn() {
    await using agent = await startAgent({
      config: {
        process_name: "no-such-game",
        // Nothing listens there.
        supabase: {
          url: "http://127.0.0.1:9",
          key: "sb_publishable_x",
          email: "a@b.c",
          password: "x",
        },
      },
    });
    await using browser = await startBrowser();
    await using opened = await browser.open(`${agent.url}/#sync`);
    const lane = opened.page.getByRole("region", { name: "Records" });
    await lane.getByText("Realtime is not connected: the cloud is asked again and again, since")
      .waitFor();
    assert.deepEqual(opened.faults, []);
  },
});

Deno.test({
  name: "A panel that cannot be read says what was tried, why, and what to do",
  ignore: !hasBrowser,
  async fn(t) {
    await using agent = await startAgent({ config: { process_name: "no-such-game" } });
    await using browser = await startBrowser();
    // A page that a service worker controls may ask past `page.route`.
    await using opened = await browser.open(agent.url, { serviceWorkers: "block" });
    const { page } = opened;
    const answers = [
      ["a proxy's page", { status: 502, body: "<h1>Bad gateway</h1>" }, /Something else answered/],
      [
        "a failure of the agent",
        { status: 500, json: { title: "Internal error", status: 500, id: "x" } },
        /Internal error\. The agent's log has the reason\./,
      ],
    ] as const;
    for (const [what, answer, words] of answers) {
      await t.step(`The conflicts, where ${what} comes instead`, async () => {
        await page.route("**/sync/conflicts*", (route) => route.fulfill({ ...answer }));
        await page.goto(`${agent.url}/#records`);
        await page.reload();
        const alert = page.getByRole("alert");
        await alert.getByText("Cannot show the conflicts.").waitFor();
        const text = await alert.textContent() ?? "";
        assert.match(text, words);
        assert.doesNotMatch(text, /HTTP|Status|TypeError|5\d\d/);
        const asked = page.waitForRequest("**/sync/conflicts*");
        await alert.getByRole("button", { name: "Try again" }).click();
        await asked;
        await page.unroute("**/sync/conflicts*");
        // News may make the panel read again before the button does.
        await alert.getByRole("button", { name: "Try again" }).click({ timeout: 2_000 })
          .catch(() => {});
        await page.getByText("No conflicts.").waitFor();
      });
    }
  },
});

/**
 * `deno task screenshots`: pictures of the dashboard, every panel in light and dark, of a household that
 * was made up.
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { noArguments } from "../support/process/arguments.ts";
import { startBrowser } from "../support/process/browser.ts";
import { household, quietHour, workday } from "../support/machines/household.ts";

const folder = fileURLToPath(new URL("../../docs/screenshots/", import.meta.url));
const PANELS = ["today", "history", "events", "attendance", "records", "sync"];
const SIZES = { "": { width: 1120, height: 760 }, "-phone": { width: 360, height: 740 } };

noArguments("Takes the pictures of the dashboard again: deno task screenshots");

await using house = await household({
  strange: "garden",
  eventsToCloud: true,
  game: "Minecraft.exe",
});
await using browser = await startBrowser();
await using _game = await house.play();
house.door.punch(...workday(house.timeZone));
await house.send(...quietHour(60));
await house.write("/local/state?mode=live", {
  method: "PUT",
  json: { cash: 10_250.5, positions: [{ symbol: "BTC-USD", quantity: 0.25 }] },
});
await house.write("/sync/now", { method: "POST", json: {} });
await Deno.mkdir(folder, { recursive: true });
for (const colorScheme of ["light", "dark"] as const) {
  for (const [suffix, viewport] of Object.entries(SIZES)) {
    await using opened = await browser.open(house.agent.url, { colorScheme, viewport });
    for (const panel of suffix === "" ? PANELS : ["today"]) {
      const hash = panel === "today" ? "" : panel;
      await opened.page.evaluate(`location.hash = "${hash}"`);
      await opened.page.waitForSelector(`nav a[href="#${hash}"][aria-current]`);
      await opened.page.waitForSelector(".skeleton", { state: "detached" });
      // The ring turns, and lists that were asked for arrive.
      await opened.page.waitForTimeout(1_000);
      await picture(opened.page, `${folder}${panel}-${colorScheme}${suffix}.webp`);
    }
    if (opened.faults.length > 0) throw new Error(opened.faults.join("\n"));
  }
}

async function picture(page: Page, path: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 70 });
  await Deno.writeFile(path, Uint8Array.fromBase64(data));
}

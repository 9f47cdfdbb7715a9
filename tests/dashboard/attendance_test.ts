/** The Attendance page in a real browser, with an office of two hundred behind it. @module */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { seriousFaults } from "../support/axe.ts";
import { hasBrowser, startBrowser, type TestBrowser } from "../support/process/browser.ts";
import { HOSTILE } from "../support/machines/household.ts";
import { type Office, OFFICE_PEOPLE, startOffice } from "../support/office.ts";
import { until } from "../support/until.ts";

const SECTIONS = ["now", "days", "people", "devices"];

/** Adds up how far things moved without the reader's doing. */
const COUNT_SHIFTS = `window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
  }).observe({ type: "layout-shift", buffered: true });`;

Deno.test({
  name: "The Attendance page of an office of two hundred",
  ignore: !hasBrowser,
  async fn(t) {
    await using office = await startOffice();
    await using browser = await startBrowser();
    await using opened = await browser.open(`${office.agent.url}/#attendance`, {
      before: COUNT_SHIFTS,
    });
    const { page, faults } = opened;

    await t.step("Now: everybody inside, by name, with since and where", async () => {
      await shows(page, "h2", `Inside: ${OFFICE_PEOPLE}`);
      const rows = page.locator(".inside tbody tr");
      assert.equal(await rows.count(), OFFICE_PEOPLE);
      assert.match(await rows.first().innerText(), /^Person 001\s+\d\d:\d\d\s+Front door$/);
      assert.match(await rows.last().innerText(), /^Person 200\s/);
    });

    await t.step("Now: rows and focus keep their place while people come and go", async () => {
      const list = page.getByRole("region", { name: "People inside" });
      await list.focus();
      await page.evaluate(`document.querySelector(".inside .scroll").scrollTop = 3_000`);
      const place = () => placeOf(page, "Person 080");
      const before = await place();
      await page.evaluate("window.shifted = 0");
      office.leaves(3);
      await shows(page, "h2", `Inside: ${OFFICE_PEOPLE - 1}`);
      assert.ok(Math.abs(await place() - before) <= 1, "a row has moved");
      office.leaves(197);
      await shows(page, "h2", `Inside: ${OFFICE_PEOPLE - 2}`);
      assert.ok(Math.abs(await place() - before) <= 1, "a row has moved");
      assert.equal(await focusedLabel(page), "People inside");
      assert.ok(await shifted(page) < 0.05, `moved by ${await shifted(page)}`);
    });

    await t.step(
      "Now: the emergency list has everybody, its time, and who is offline",
      async () => {
        await page.emulateMedia({ media: "print", colorScheme: "dark" });
        const paper = page.locator(".inside");
        assert.match(
          await paper.locator(".reliability").innerText(),
          /As of .* \(.+\)\. Offline, so punches may be missing: Back door \(never seen\)\./,
        );
        assert.ok(await paper.getByText("Seen", { exact: true }).isVisible());
        for (const hidden of [".top", ".sections", ".punches", ".foot"]) {
          assert.ok(await page.locator(hidden).isHidden(), hidden);
        }
        const { clipped, background } = await page.evaluate<
          { clipped: number; background: string }
        >(
          `(() => {
          const list = document.querySelector(".inside .scroll");
          return {
            clipped: list.scrollHeight - list.clientHeight,
            background: getComputedStyle(document.body).backgroundColor,
          };
        })()`,
        );
        assert.ok(clipped <= 1, `${clipped} px of the list are not printed`);
        assert.equal(background, "rgb(245, 246, 244)");
        await page.emulateMedia({ media: null, colorScheme: null });
      },
    );

    await t.step(
      "Days: one row a person and day, by the clock of the door, with marks",
      async () => {
        await go(page, "days");
        await shows(page, ".sheet tbody", "Person 003");
        await shows(page, "[role=status]", /^200 rows$/);
        const row = page.locator(".sheet tbody tr", { hasText: "Person 003" });
        assert.match(await row.innerText(), /07:\d\d\s+\d\d:\d\d\s+\d+:\d\d\s+07:\d\d – \d\d:\d\d/);
        await page.getByRole("button", { name: "Yesterday" }).click();
        await shows(page, ".sheet .tag", "exit missing");
        await shows(page, "[role=status]", "2 rows");
      },
    );

    await t.step("Days: a range longer than the agent answers is refused in words", async () => {
      await page.getByLabel("From").fill("2025-01-01");
      await shows(page, "[role=alert]", "at most 92 days");
      await page.getByRole("button", { name: "7 days" }).click();
      await shows(page, ".sheet tbody", "Person 001");
      await page.getByRole("button", { name: "Show 200 more" }).click();
      await shows(page, "[role=status]", `${OFFICE_PEOPLE + 2} rows`);
    });

    await t.step("Days: of one device, and none where nothing matches", async () => {
      await page.getByLabel("Device").selectOption("Back door");
      await shows(page, ".empty", "No punches match these filters");
      await page.getByLabel("Device").selectOption("");
      await shows(page, ".sheet tbody", "Person 001");
    });

    await t.step("Days: the file for a spreadsheet has the filters' rows", async () => {
      await page.getByRole("button", { name: "Yesterday" }).click();
      await shows(page, "[role=status]", "2 rows");
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: "Download CSV" }).click(),
      ]);
      assert.match(download.suggestedFilename(), /^attendance-days-\d{4}-\d\d-\d\d-.*\.csv$/);
      const csv = await Deno.readTextFile(await download.path());
      assert.match(csv, /^\uFEFFdate,person_id,name,/);
      assert.equal(csv.trimEnd().split("\r\n").length, 1 + 2);
    });

    await t.step("Days: a day's punches open and close by the keyboard alone", async () => {
      const name = /^Punches of Person 001 on /;
      await page.getByRole("button", { name }).focus();
      await page.keyboard.press("Enter");
      await shows(page, "dialog .day-punches", "Front door");
      assert.deepEqual(await seriousFaults(page), []);
      await page.keyboard.press("Escape");
      await page.waitForSelector("dialog", { state: "detached" });
      assert.match(await focusedLabel(page), name);
    });

    await t.step(
      "Days: a forgotten exit is added, and a punch struck out, with who and why",
      async () => {
        await page.getByRole("button", { name: /^Punches of Person 001 on / }).click();
        const dialog = page.locator("dialog");
        await dialog.getByRole("button", { name: /^Strike out 08:00/ }).click();
        assert.equal(await dialog.locator(".struck").count(), 0, "without who and why");
        await dialog.getByLabel("Your name").fill("Head of office");
        await dialog.getByLabel("Reason").fill("Forgot to punch");
        const time = dialog.getByLabel("Time of a missing punch");
        await time.fill((await time.inputValue()).replace(/T.*/, "T17:30"));
        await dialog.getByLabel("Direction").selectOption("out");
        await dialog.getByRole("button", { name: "Add punch" }).click();
        await dialog.getByText(/17:30 added by Head of office: Forgot to punch/).waitFor();
        await shows(page, ".sheet tbody tr", /Person 001.*08:00.*17:30.*9:30.*corrected/s);
        await dialog.getByRole("button", { name: /^Strike out 17:30/ }).click();
        await dialog.locator(".struck", { hasText: "17:30" }).waitFor();
        await shows(page, ".sheet tbody tr", /Person 001.*exit missing/s);
        assert.deepEqual(await seriousFaults(page), []);
        await dialog.getByRole("button", { name: /^Restore 17:30/ }).click();
        await shows(page, ".sheet tbody tr", /Person 001.*9:30/s);
        await page.keyboard.press("Escape");
      },
    );

    await t.step("Months: days and hours of each person", async () => {
      await page.getByRole("button", { name: "Months", exact: true }).click();
      await shows(page, ".sheet tbody", "Person 001");
      await page.getByRole("button", { name: "12 months" }).click();
      await shows(page, ".sheet tbody", "Person 200");
      await page.getByRole("button", { name: "Days", exact: true }).click();
    });

    await t.step("Days: of one department, and of one person", async () => {
      await office.write("/people/7", { method: "PUT", json: { department: "Sales" } });
      await page.getByRole("button", { name: "Today" }).click();
      await page.getByLabel("Department").selectOption("Sales");
      await shows(page, "[role=status]", /^1 row$/);
      await page.getByLabel("Department").selectOption("");
      await page.getByRole("combobox", { name: "Person" }).selectOption("Person 009");
      await shows(page, ".sheet tbody", "Person 009");
      await shows(page, "[role=status]", /^1 row$/);
      await page.getByRole("combobox", { name: "Person" }).selectOption("");
    });

    await t.step("People: two hundred arrive without a jump, and are searched", async () => {
      await go(page, "now");
      await page.waitForSelector(".skeleton", { state: "detached" });
      await page.evaluate("window.shifted = 0");
      await go(page, "people");
      await shows(page, "tbody", "Person 200");
      assert.equal(await page.locator("tbody tr").count(), OFFICE_PEOPLE);
      assert.equal(await shifted(page), 0);
      await page.getByLabel("Search").fill("sales");
      await until(async () => await page.locator("tbody tr").count() === 1, "one row");
      await page.getByLabel("Search").fill("nobody of this name");
      await shows(page, ".empty", "Nobody matches this search");
      await page.getByLabel("Search").fill("");
    });

    await t.step("People: a row that another page changes keeps its place", async () => {
      await page.getByRole("region", { name: "List of people" }).focus();
      await page.evaluate(`document.querySelector(".scroll.tall").scrollTop = 3_000`);
      const before = await placeOf(page, "Person 080");
      await office.write("/people/81", { method: "PUT", json: { name: "Person 081 B" } });
      await shows(page, "tbody", "Person 081 B");
      assert.ok(Math.abs(await placeOf(page, "Person 080") - before) <= 1, "a row has moved");
      assert.equal(await focusedLabel(page), "List of people");
    });

    await t.step("People: a name, department and second id from the keyboard", async () => {
      await page.getByRole("button", { name: "Change Person 005" }).focus();
      await page.keyboard.press("Enter");
      await page.getByLabel("Name", { exact: true }).fill(HOSTILE.slice(0, 90));
      await page.getByLabel("Department").fill("Store");
      await page.getByLabel("Other ids").fill("1005, 2005");
      assert.deepEqual(await seriousFaults(page), []);
      await page.keyboard.press("Enter");
      await page.waitForSelector("dialog", { state: "detached" });
      await shows(page, "tbody tr", /<img.*5, 1005, 2005.*Store.*person/s);
    });

    await t.step("People: an id of somebody else is refused in words", async () => {
      await page.getByRole("button", { name: "Add person" }).click();
      await page.getByLabel("Id, as").fill("300");
      await page.getByLabel("Other ids").fill("1005");
      await page.getByRole("button", { name: "Save" }).click();
      await shows(page, "dialog [role=alert]", "Id of another person");
      await page.getByLabel("Other ids").fill("");
      await page.getByLabel("Still comes").uncheck();
      await page.getByRole("button", { name: "Save" }).click();
      await page.waitForSelector("dialog", { state: "detached" });
      await page.getByLabel("With those who have left").check();
      await shows(page, "tbody tr", /no name.*left.*300/s);
    });

    await t.step(
      "People: a list shows what it would change, and changes it when asked",
      async () => {
        await page.getByRole("button", { name: "Import CSV" }).click();
        await page.getByLabel("A CSV file").setInputFiles({
          name: "people.csv",
          mimeType: "text/csv",
          // As Excel writes it: Windows-1252.
          buffer: Buffer.from(
            "ID,Name,Department\r\n10,Jörg Weiss,Sales\r\n301,New One,Sales\r\n,nobody,\r\n",
            "latin1",
          ),
        });
        const dialog = page.locator("dialog");
        await dialog.getByText("Nothing is changed yet. 1 added, 1 changed").waitFor();
        await dialog.getByText(/^10: name Person 010 → Jörg Weiss, department – → Sales$/)
          .waitFor();
        await dialog.getByText(/^Line 4: /).waitFor();
        assert.deepEqual(await seriousFaults(page), []);
        assert.equal(await page.locator("tbody", { hasText: "Jörg" }).count(), 0);
        await dialog.getByRole("button", { name: "Import 2" }).click();
        await dialog.getByText("Imported.").waitFor();
        await dialog.getByRole("button", { name: "Close" }).click();
        await shows(page, "tbody tr", /Jörg Weiss.*10.*Sales.*list/s);
        await shows(page, "tbody tr", /New One.*301/s);
      },
    );

    await t.step("People: a person is kept, then erased, from the keyboard", async () => {
      await page.getByRole("button", { name: "Change Person 020" }).focus();
      await page.keyboard.press("Enter");
      const dialog = page.locator("dialog");
      const hears = () => page.evaluate<string>("document.activeElement.textContent");
      const asksToErase = async () => {
        await dialog.getByRole("button", { name: "Erase this person" }).press("Enter");
        await until(
          async () =>
            /^Everything kept of Person 020 is deleted.*ids 20, all punches/s.test(await hears()),
          "the words are read",
        );
      };
      await asksToErase();
      assert.deepEqual(await seriousFaults(page), []);
      await page.keyboard.press("Tab");
      assert.equal(await hears(), "Keep");
      await page.keyboard.press("Enter");
      await dialog.getByLabel("Name", { exact: true }).waitFor();
      assert.equal(await isStored(office, "20"), true);

      await asksToErase();
      await page.keyboard.press("Tab");
      await page.keyboard.press("Tab");
      assert.equal(await hears(), "Erase for good");
      await page.keyboard.press("Enter");
      await until(
        async () => /^Erased: \d+ punches, 0 corrections, 0 other reports/.test(await hears()),
        "the outcome is read",
      );
      assert.deepEqual(await seriousFaults(page), []);
      await page.keyboard.press("Escape");
      await page.waitForSelector("dialog", { state: "detached" });
      assert.equal(await page.locator("tbody", { hasText: "Person 020" }).count(), 0);
      assert.equal(await focusedLabel(page), "List of people");
      assert.equal(await isStored(office, "20"), false);
    });

    await t.step("Devices: a command, and how it ended", async () => {
      await go(page, "devices");
      const row = page.locator(".devices > li", { hasText: "OFFICE1" });
      await row.getByText("Change Front door").click();
      await row.getByText("Nothing was asked of it yet").waitFor();
      await row.getByRole("button", { name: "Set its clock" }).click();
      await row.locator(".commands li", { hasText: "Set its clock" }).waitFor();
      await row.getByLabel("Name to send").selectOption("Jörg Weiss");
      await row.getByRole("button", { name: "Send name" }).click();
      await row.locator(".commands li", { hasText: "Send a name: Jörg Weiss" }).waitFor();
      assert.deepEqual(await seriousFaults(page), []);
      await row.getByRole("button", { name: "Remove", exact: true }).click();
      await row.getByRole("button", { name: /^Remove it/ }).click();
      await shows(page, ".devices [role=alert]", "Device is configured");
    });

    assert.deepEqual(faults.filter((fault) => !fault.includes("409")), []);
    assert.equal(await page.evaluate("window.hacked"), undefined);
    await t.step("An error is said in words, and tried again", () => failsInWords(browser, office));
    await t.step("Every section has no serious fault for any reader", () => audit(browser, office));
  },
});

async function failsInWords(browser: TestBrowser, { agent }: Office): Promise<void> {
  // A page that a service worker controls asks past `page.route`: https://playwright.dev/docs/service-workers
  await using opened = await browser.open(agent.url, { serviceWorkers: "block" });
  const { page } = opened;
  let broken = true;
  let asked = 0;
  await page.route("**/presence", (route) =>
    ++asked && broken
      ? route.fulfill({
        status: 503,
        json: { title: "Database busy", detail: "Try again in a moment." },
      })
      : route.continue());
  await page.locator('nav a[href="#attendance"]').click();
  await shows(page, ".inside [role=alert]", "Database busy: Try again in a moment.");
  const again = page.locator(".inside").getByRole("button", { name: "Try again" });
  const inside = page.locator(".inside tbody").filter({ hasText: "Person 001" });
  const before = asked;
  await again.click();
  await until(() => asked > before, "another try");
  await shows(page, ".inside [role=alert]", "Database busy: Try again in a moment.");
  broken = false;
  await until(async () => {
    // News may have the page ask by itself at this moment: then the button goes.
    if (await again.isVisible()) await again.click({ timeout: 1_000 }).catch(() => {});
    // Another click would end the request that this one began.
    return await inside.waitFor({ timeout: 5_000 }).then(() => true, () => false);
  }, "who is inside");
}

/** Also 320 px wide, which is 1280 px at 400 %. */
async function audit(browser: TestBrowser, { agent }: Office): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await using opened = await browser.open(agent.url, { colorScheme, reducedMotion: "reduce" });
    const { page, faults } = opened;
    for (const section of SECTIONS) {
      await page.evaluate(`location.hash = "attendance/${section}"`);
      await page.waitForSelector(`.sections a[href="#attendance/${section}"][aria-current]`);
      await page.waitForSelector(".skeleton", { state: "detached" });
      for (const width of [1200, 320]) {
        await page.setViewportSize({ width, height: 900 });
        const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
        assert.ok(wide <= width, `${section} is ${wide} px wide`);
      }
      assert.deepEqual(await seriousFaults(page), [], `${section} ${colorScheme}`);
    }
    assert.deepEqual(faults, []);
  }
}

async function go(page: Page, section: string): Promise<void> {
  await page.locator(`.sections a[href="#attendance/${section}"]`).click();
  await page.waitForSelector(`.sections a[href="#attendance/${section}"][aria-current]`);
}

/** How far from the window's top a row's name stands. */
async function placeOf(page: Page, name: string): Promise<number> {
  const box = await page.locator("tbody tr", { hasText: name }).boundingBox();
  return Math.round(box!.y);
}

function shifted(page: Page): Promise<number> {
  return page.evaluate<number>("window.shifted");
}

function focusedLabel(page: Page): Promise<string> {
  return page.evaluate<string>(`document.activeElement.getAttribute("aria-label") ?? ""`);
}

/** Whether the agent knows a person. */
async function isStored({ agent }: Office, id: string): Promise<boolean> {
  const answer = await fetch(`${agent.url}/people/${id}`);
  await answer.body?.cancel();
  return answer.ok;
}

/** Waits until some element that the selector finds shows the text. */
async function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

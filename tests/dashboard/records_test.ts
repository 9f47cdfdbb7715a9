/** Records in a real browser on a real agent: ten thousand rows, a form by types, conflicts taken back. @module */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { systemClock } from "../../src/core/mod.ts";
import { Store } from "../../src/store/mod.ts";
import { migrations } from "../../src/streams/mod.ts";
import { seriousFaults } from "../support/axe.ts";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { hasBrowser, startBrowser } from "../support/process/browser.ts";
import { HOSTILE } from "../support/machines/household.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const ROWS = 10_000;
const HUGE = "12345678901234567890";

Deno.test({
  name:
    "Records are found, changed, added and deleted in the page, and conflicts are decided again",
  ignore: !hasBrowser,
  async fn(t) {
    using dir = tempDir();
    await furnish(`${dir.path}/clockblock.db`);
    await using agent = await startAgent({
      dir: dir.path,
      config: { process_name: "no-such-game", device_id: "pc-1", time_zone: "UTC" },
    });
    await using browser = await startBrowser();
    await using opened = await browser.open(`${agent.url}/#records`);
    const { page, faults } = opened;
    const write = writer(agent);
    const stored = async (path: string) =>
      await (await fetch(`${agent.url}/records/${path}`)).text();

    await t.step("The overview has the tables, and a dot says that a conflict is new", async () => {
      const tasks = page.locator(".rows li", { hasText: "tasks" });
      await tasks.getByText("10,000 records").waitFor();
      await tasks.getByText("2 conflicts").waitFor();
      await page.getByRole("link", { name: "Records , needs a look" }).waitFor();
      assert.deepEqual(await seriousFaults(page), []);
    });

    await t.step("A conflict is marked as seen, and stays", async () => {
      const conflict = page.locator(".conflicts > li", { hasText: "tasks gone" });
      await conflict.locator("summary").click();
      await conflict.getByRole("button", { name: "Seen" }).click();
      await conflict.getByText("Not seen:").waitFor({ state: "detached" });
      await page.locator(".rows li", { hasText: "tasks" }).getByText("1 conflict", { exact: true })
        .waitFor();
      assert.equal(await page.locator(".conflicts > li").count(), 2);
    });

    await t.step("The version that lost becomes the record again, by a new edit", async () => {
      const conflict = page.locator(".conflicts > li", { hasText: "t-00001" });
      await conflict.getByRole("button", { name: "Take this computer's version" }).click();
      await conflict.getByRole("button", { name: "Edit the record to be that again?" }).click();
      await conflict.getByText("Not seen:").waitFor({ state: "detached" });
      assert.match(await stored("tasks/t-00001"), new RegExp(`"title":"Mine","size":${HUGE},`));
      await page.getByRole("link", { name: "Records", exact: true }).first().waitFor();
      await page.locator(".rows li", { hasText: "tasks" }).getByText("1 waiting").waitFor();
    });

    await t.step(
      "Ten thousand rows are scrolled without a jump, also while one changes",
      async () => {
        await page.locator(".rows").getByRole("link", { name: "tasks" }).click();
        await page.getByText("10,000", { exact: true }).waitFor();
        const list = page.getByRole("region", { name: "10,000 records of tasks, by id" });
        await list.waitFor();
        await list.evaluate((box) => box.scrollTo(0, box.scrollHeight));
        await row(page, "t-10000").waitFor();
        await list.evaluate((box) => box.scrollTo(0, 40 * 5_000));
        await row(page, "t-05001").waitFor();
        assert.ok(await page.locator(".records li").count() < 60);
        const before = await list.evaluate((box) => box.scrollTop);
        await write("PATCH", "tasks/t-05003", { title: "Changed elsewhere" });
        await row(page, "t-05003").getByText("Changed elsewhere").waitFor();
        assert.equal(await list.evaluate((box) => box.scrollTop), before);
        assert.deepEqual(await seriousFaults(page), []);
      },
    );

    await t.step("A field finds records, and what finds none says so", async () => {
      await page.getByLabel("Field").selectOption("done");
      await page.getByLabel("Is", { exact: true }).fill("true");
      await page.getByRole("button", { name: "Find" }).click();
      await page.getByText("10 of 10,000").waitFor();
      await page.getByLabel("Is", { exact: true }).fill("perhaps");
      await page.keyboard.press("Enter");
      await page.getByText("No record whose done is “perhaps”.").waitFor();
      await page.getByLabel("Is", { exact: true }).fill("");
      await page.getByText("10,000", { exact: true }).waitFor();
    });

    await t.step(
      "Fields are changed by their types; what is not touched stays as it was",
      async () => {
        await find(page, "t-00002");
        const button = row(page, "t-00002");
        await button.focus();
        await page.keyboard.press("Enter");
        const dialog = page.getByRole("dialog", { name: "tasks t-00002" });
        assert.equal(await dialog.getByLabel("size", { exact: true }).inputValue(), HUGE);
        assert.deepEqual(await seriousFaults(page), []);
        await dialog.getByLabel("title", { exact: true }).fill(HOSTILE);
        await dialog.getByLabel("done", { exact: true }).selectOption("yes");
        await dialog.getByLabel("tags", { exact: true }).fill('["a", 1e999]');
        await dialog.getByRole("button", { name: "Save" }).click();
        await dialog.waitFor({ state: "detached" });
        // As after every dialog, one goes on where one was.
        await until(() => button.evaluate((element) => element.matches(":focus")), "the focus");
        const text = await stored("tasks/t-00002");
        assert.ok(text.includes(`"title":${JSON.stringify(HOSTILE)}`), text);
        assert.ok(text.includes(`"size":${HUGE},"done":true,"tags":["a",1e999]`), text);
      },
    );

    await t.step("What is no number or no JSON is refused with what is", async () => {
      await find(page, "t-00003");
      await row(page, "t-00003").click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("size", { exact: true }).fill("12a");
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.getByText("size: a number is written as 12, -0.5 or 1e6").waitFor();
      await dialog.getByLabel("size", { exact: true }).fill("9007199254740993");
      await dialog.getByLabel("tags", { exact: true }).fill("{");
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.getByText("tags: this is not JSON").waitFor();
      await dialog.getByLabel("Type of tags").selectOption("nothing");
      await dialog.getByRole("button", { name: "Add a field" }).click();
      await dialog.getByLabel("Name of the field").fill("title");
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.getByText("There are two fields named title").waitFor();
      await dialog.getByLabel("Name of the field").fill("note");
      await dialog.getByLabel("note", { exact: true }).fill("new");
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.waitFor({ state: "detached" });
      const { title, ...text } = JSON.parse(await stored("tasks/t-00003"));
      assert.deepEqual([title, text.tags, text.note], ["Task 3", null, "new"]);
      assert.ok((await stored("tasks/t-00003")).includes('"size":9007199254740993,'));
    });

    await t.step("A record that changes while its form is open says so", async () => {
      await find(page, "t-00004");
      await row(page, "t-00004").click();
      const dialog = page.getByRole("dialog");
      await write("PATCH", "tasks/t-00004", { title: "By another" });
      await dialog.getByText("It was changed").waitFor();
      await dialog.getByRole("button", { name: "Load it as it is now" }).click();
      assert.equal(await dialog.getByLabel("title", { exact: true }).inputValue(), "By another");
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
    });

    await t.step("A new record gets an id, or the one that is given if it is free", async () => {
      await page.getByRole("button", { name: "New record" }).click();
      const dialog = page.getByRole("dialog", { name: "New record of tasks" });
      await dialog.getByLabel("Id (empty: one is made)").fill("t-00005");
      await dialog.getByLabel("title", { exact: true }).fill("Brand new");
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.getByText("There is a record with the id t-00005 already").waitFor();
      await dialog.getByLabel("Id (empty: one is made)").fill("");
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.waitFor({ state: "detached" });
      const made = await fetch(`${agent.url}/records/tasks?title=Brand%20new`);
      const [{ id, done }] = await made.json();
      assert.match(id, /^[\da-f-]{36}$/);
      assert.equal(done, false);
    });

    await t.step("Deleting asks first", async () => {
      await find(page, "t-00006");
      await row(page, "t-00006").click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: "Delete" }).click();
      assert.match(await stored("tasks/t-00006"), /"deleted_at":null/);
      await dialog.getByRole("button", { name: "Delete it here and in the cloud?" }).click();
      await dialog.waitFor({ state: "detached" });
      await page.getByText("No record whose id is “t-00006”.").waitFor();
      assert.match(await stored("tasks/t-00006"), /No such record/);
    });

    assert.equal(await page.evaluate("window.hacked"), undefined);
    // The browser reports every answer of 404, and this page asked whether an id is free.
    assert.deepEqual(faults.filter((fault) => !fault.includes("404")), []);
  },
});

for (const [width, colorScheme] of [[320, "light"], [1200, "dark"]] as const) {
  Deno.test({
    name: `Records fit into ${width} pixels in the ${colorScheme}`,
    ignore: !hasBrowser,
    async fn() {
      using dir = tempDir();
      await furnish(`${dir.path}/clockblock.db`);
      await using agent = await startAgent({
        dir: dir.path,
        config: { process_name: "no-such-game", device_id: "pc-1", time_zone: "UTC" },
      });
      await using browser = await startBrowser();
      await using opened = await browser.open(`${agent.url}/#records`, {
        colorScheme,
        viewport: { width, height: 700 },
      });
      const { page, faults } = opened;
      const fits = async (what: string) => {
        const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
        assert.ok(wide <= width, `${what}: ${wide} pixels`);
        assert.deepEqual(await seriousFaults(page), [], what);
      };
      await page.getByRole("cell", { name: "Mine", exact: true }).waitFor();
      await fits("overview");
      await page.locator(".rows").getByRole("link", { name: "tasks" }).click();
      await row(page, "t-00007").waitFor();
      await fits("table");
      await row(page, "t-00007").click();
      await page.getByRole("dialog").getByLabel("size", { exact: true }).waitFor();
      await fits("form");
      assert.deepEqual(faults, []);
    },
  });
}

function row(page: Page, id: string) {
  return page.locator("button.record", { has: page.getByText(id, { exact: true }) });
}

/** Finds a record by its id. */
async function find(page: Page, id: string): Promise<void> {
  await page.getByLabel("Field").selectOption("id");
  await page.getByLabel("Is", { exact: true }).fill(id);
  await page.getByRole("button", { name: "Find" }).click();
  await until(async () => await page.locator("button.record").count() === 1, `one row for ${id}`);
}

/** Writes as a program does that has the token. */
function writer(agent: AgentProcess) {
  return async (method: string, path: string, json: unknown) => {
    const response = await fetch(`${agent.url}/records/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await agent.token()}`,
        "content-type": "application/json",
      },
      body: JSON.stringify(json),
    });
    assert.ok(response.ok, await response.text());
  };
}

/** Ten thousand tasks, and two conflicts that nobody has seen. */
async function furnish(path: string): Promise<void> {
  const store = new Store(path, { migrations, clock: systemClock });
  const { db } = store;
  const at = "2026-03-02T12:00:00.000Z";
  const version = (id: string, fields: string, deleted = false) =>
    `{${fields}"id":"${id}","system_id":"pc-1","updated_at":"${at}","deleted_at":${
      deleted ? `"${at}"` : "null"
    }}`;
  await store.write(() => {
    db.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
       INSERT INTO records (table_name, record_id, system_id, data, updated_at)
       SELECT 'tasks', printf('t-%05d', i), 'pc-1',
         printf('{"title":"Task %d","size":${HUGE},"done":%s,"tags":["garden",%d]}',
           i, iif(i % 1000 = 0, 'true', 'false'), i), ? FROM n`,
    ).run(at);
    const conflict = db.prepare(
      `INSERT INTO sync_conflicts (at, table_name, record_id, kind, winner, local_updated_at,
         remote_updated_at, local_data, remote_data)
       VALUES (?1, 'tasks', ?2, 'edit/edit', 'remote', ?1, ?1, ?3, ?4)`,
    );
    conflict.run(at, "gone", version("gone", "", true), version("gone", '"title":"Back",'));
    conflict.run(
      at,
      "t-00001",
      version("t-00001", `"title":"Mine","size":${HUGE},`),
      version("t-00001", '"title":"Theirs","size":1,'),
    );
    db.exec("INSERT INTO unseen_conflicts SELECT id, table_name FROM sync_conflicts");
  });
  store.close();
}

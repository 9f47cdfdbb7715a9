/** @module */
import assert from "node:assert/strict";
import { installSteps } from "../../../src/cli/autostart/mod.ts";
import { task, taskScheduler } from "../../../src/cli/autostart/task_scheduler.ts";
import { systemPrograms } from "../../support/fakes/system_programs.ts";
import { tempDir } from "../../support/temp.ts";

const SID = "S-1-5-21-1004336348-1177238915-682003330-1001";
const WHOAMI = { stdout: `"pc\\zo\u0089","${SID}"\r\n` };
const NOT_THERE = { code: 1, stderr: "ERROR: The system cannot find the file specified.\r\n" };

Deno.test("The task starts the program without a window, in its folder, whatever is in their names", () => {
  const folder = "C:\\Zoë & Tom\\<play>";
  const text = task({
    command: [`${folder}\\clockblock.exe`, "run", '--x="a\\"', "C:\\b c\\"],
    folder,
  }, SID);
  const element = (name: string) => new RegExp(`<${name}>(.*)</${name}>`).exec(text)?.[1];
  assert.equal(element("Command"), "%SystemRoot%\\System32\\conhost.exe");
  assert.equal(
    element("Arguments"),
    '--headless "C:\\Zoë &amp; Tom\\&lt;play&gt;\\clockblock.exe" run "--x=\\"a\\\\\\"" "C:\\b c\\\\"',
  );
  assert.equal(element("WorkingDirectory"), "C:\\Zoë &amp; Tom\\&lt;play&gt;");
  // ASCII alone: schtasks prints in a code page.
  assert.match(element("Source")!, /^file:\/\/\/C:\/Zo%C3%AB%20[\x20-\x7e]+$/);
});

Deno.test("The task is this user's, runs on battery, without end, and again after it ended", () => {
  const text = task({ command: ["C:\\clockblock.exe", "run"], folder: "C:\\" }, SID);
  assert.equal(text.split(`<UserId>${SID}</UserId>`).length - 1, 2);
  for (
    const part of [
      "<LogonType>InteractiveToken</LogonType>",
      "<RunLevel>LeastPrivilege</RunLevel>",
      "<DisallowStartIfOnBatteries>false<",
      "<StopIfGoingOnBatteries>false<",
      "<ExecutionTimeLimit>PT0S<",
      "<MultipleInstancesPolicy>IgnoreNew<",
      "<Repetition>\n        <Interval>PT5M</Interval>",
    ]
  ) assert(text.includes(part), part);
});

Deno.test("The Task Scheduler is handed the task in UTF-16 and started at once", async () => {
  using dir = tempDir();
  const programs = systemPrograms({ whoami: WHOAMI, "schtasks /Query": NOT_THERE });
  const told: string[] = [];
  const { state, start } = await taskScheduler.install(
    { command: ["C:\\Zoë\\clockblock.exe", "run"], folder: dir.path },
    installSteps({ print: (line) => told.push(line), run: programs.run }),
  );
  await start();
  assert.equal(state, "new");
  const path = `${dir.path}/clockblock-task.xml`;
  assert.deepEqual(
    programs.calls.slice(2),
    [
      `schtasks /Create /TN ClockBlock 1001 /XML ${path} /F`,
      "schtasks /Run /TN ClockBlock 1001",
    ].map((line) => line.replaceAll("/clockblock-task", `${SEPARATOR}clockblock-task`)),
  );
  assert.equal(told.length, 3);
  const bytes = Deno.readFileSync(path);
  assert.deepEqual([...bytes.subarray(0, 2)], [0xff, 0xfe]);
  const text = new TextDecoder("utf-16le").decode(bytes);
  assert(text.includes("Zoë\\clockblock.exe run</Arguments>\r\n"));
});

Deno.test("The Task Scheduler is left alone when nothing changed, and ends what it replaces", async () => {
  using dir = tempDir();
  const program = { command: ["C:\\clockblock.exe", "run"] as const, folder: dir.path };
  let known: { code?: number; stdout?: string } = NOT_THERE;
  const install = async (command = program.command, { replace = false } = {}) => {
    const programs = systemPrograms({ whoami: WHOAMI, "schtasks /Query": known });
    const world = installSteps({ print: () => {}, run: programs.run });
    return {
      ...await taskScheduler.install({ ...program, command }, world, { replace }),
      programs,
    };
  };
  await install();
  known = { stdout: task(program, SID) };
  const again = await install();
  assert.deepEqual([again.state, again.programs.calls.length], ["same", 2]);

  const changed = await install(["D:\\clockblock.exe", "run"] as never);
  await changed.start();
  assert.equal(changed.state, "changed");
  assert.deepEqual(changed.programs.calls.slice(3).map((line) => line.split(" ")[1]), [
    "/End",
    "/Run",
  ]);

  known = { stdout: task({ ...program, folder: `${dir.path}-other` }, SID) };
  await assert.rejects(install(), /the ClockBlock that starts at login is the one in ".*-other"/);
  assert.equal((await install(program.command, { replace: true })).state, "changed");
});

Deno.test("The Task Scheduler forgets the task, also when it does not run", async () => {
  using dir = tempDir();
  const program = { command: ["C:\\clockblock.exe", "run"] as const, folder: dir.path };
  const programs = systemPrograms({
    whoami: WHOAMI,
    "schtasks /Query": { stdout: task(program, SID) },
    "schtasks /End": { code: 1, stderr: "ERROR: There is no running instance of the task." },
  });
  Deno.writeTextFileSync(`${dir.path}/clockblock-task.xml`, "");
  const world = installSteps({ print: () => {}, run: programs.run });
  assert.equal(await taskScheduler.uninstall(dir.path, world), true);
  assert.equal(programs.calls.at(-1), "schtasks /Delete /TN ClockBlock 1001 /F");
  assert.deepEqual([...Deno.readDirSync(dir.path)], []);
});

Deno.test("The Task Scheduler's task is this folder's in whatever case the folder was named", async () => {
  using dir = tempDir();
  const program = { command: ["C:\\clockblock.exe", "run"] as const, folder: dir.path };
  const programs = systemPrograms({
    whoami: WHOAMI,
    "schtasks /Query": { stdout: task({ ...program, folder: dir.path.toUpperCase() }, SID) },
  });
  const world = installSteps({ print: () => {}, run: programs.run });
  assert.equal(await taskScheduler.uninstall(dir.path, world), true);
});

Deno.test("The Task Scheduler is not asked by the whoami of another shell", async () => {
  using dir = tempDir();
  const programs = systemPrograms({
    whoami: { code: 1, stderr: "whoami: extra operand '/user'\n" },
  });
  await assert.rejects(
    taskScheduler.uninstall(dir.path, installSteps({ print: () => {}, run: programs.run })),
    { message: /extra operand '\/user'\. Try it from the Command Prompt$/ },
  );
  assert.equal(programs.calls.length, 1);
});

const SEPARATOR = Deno.build.os === "windows" ? "\\" : "/";

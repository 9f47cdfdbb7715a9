/**
 * `login` at a terminal, as a person sees it: the password is asked for and does not show. `script` makes the
 * terminal.
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { permissionFlags } from "../../../../build/permissions.ts";
import { Cloud } from "../../../support/servers/cloud.ts";
import { tempDir } from "../../../support/temp.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const cloud = await Cloud.start();

const ignore = Deno.build.os !== "linux";

Deno.test({ name: "login asks for the password and does not show it", ignore }, async () => {
  using dir = folder();
  const typed = `nöt€${"\x7f".repeat(5)}${cloud.alice.password}`;
  const { code, shown } = await atTerminal(["login"], dir.path, [["Password: ", `${typed}\r`]]);
  assert.equal(code, 0, shown);
  assert.equal(shown.replaceAll("\r\n", "\n"), `Password: \nSigned in as ${cloud.alice.email}\n`);
});

Deno.test({ name: "login gives way to Ctrl-C", ignore }, async () => {
  using dir = folder();
  const { code, shown } = await atTerminal(["login"], dir.path, [["Password: ", "abc\x03"]]);
  assert.equal(code, 2);
  assert.match(shown, /^Password: \r\nCannot sign in: an e-mail address and a password are needed/);
});

Deno.test({ name: "login shows the e-mail address that is typed", ignore }, async () => {
  using dir = folder({ email: null });
  const { code, shown } = await atTerminal(["login"], dir.path, [
    ["E-mail: ", `${cloud.alice.email}\r`],
    ["Password: ", "guessed\r"],
  ]);
  assert.equal(code, 1);
  assert.ok(shown.startsWith(`E-mail: ${cloud.alice.email}\r\nPassword: \r\n`), shown);
  assert.match(shown, /Invalid login credentials/);
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

function folder(supabase: Record<string, unknown> = {}) {
  const dir = tempDir();
  const config = {
    supabase: { url: cloud.url, key: cloud.key, email: cloud.alice.email, ...supabase },
  };
  Deno.writeTextFileSync(`${dir.path}/config.json`, JSON.stringify({ api_port: 0, ...config }));
  return dir;
}

/** Runs a command at a terminal; each answer is typed once its question stands there. */
async function atTerminal(
  args: readonly string[],
  cwd: string,
  answers: readonly (readonly [question: string, answer: string])[],
): Promise<{ code: number; shown: string }> {
  const words = [
    Deno.execPath(),
    "run",
    "--quiet",
    ...permissionFlags(),
    `${root}main.ts`,
    ...args,
  ];
  const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["--quiet", "--flush", "--return", "--command", line, "/dev/null"],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const keyboard = child.stdin.getWriter();
  const waiting = [...answers];
  let shown = "";
  let seen = 0;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    const [next] = waiting;
    const at = next ? shown.indexOf(next[0], seen) : -1;
    if (!next || at < 0) continue;
    seen = at + next[0].length;
    waiting.shift();
    await keyboard.write(new TextEncoder().encode(next[1]));
  }
  const { code } = await child.status;
  await keyboard.close().catch(() => {});
  return { code, shown };
}

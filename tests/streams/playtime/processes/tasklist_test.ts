import assert from "node:assert/strict";
import { toMatchers } from "../../../../src/streams/playtime/processes/matchers.ts";
import { decodeOutput } from "../../../../src/streams/playtime/processes/decode.ts";
import { parseTasklist, tasklist } from "../../../../src/streams/playtime/processes/tasklist.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const bytes = (text: string, special: Record<string, number> = {}) =>
  Uint8Array.from(text, (letter) => special[letter] ?? letter.charCodeAt(0));

function utf16(text: string, { mark }: { mark: boolean }): Uint8Array {
  const units = Uint16Array.from((mark ? "\ufeff" : "") + text, (letter) => letter.charCodeAt(0));
  return new Uint8Array(units.buffer);
}

const GAME = '"Minecraft.exe","4242","Console","1","1,204,512 K"\r\n';

const LISTS: readonly [what: string, output: Uint8Array, images: readonly string[]][] = [
  ["English", utf8('"System Idle Process","0","Services","0","8 K"\r\n' + GAME), [
    "System Idle Process",
    "Minecraft.exe",
  ]],
  ["German, with its thousands", utf8('"Minecraft.exe","4242","Console","1","1.204.512 K"\r\n'), [
    "Minecraft.exe",
  ]],
  [
    "French in its OEM page, with its thousands",
    bytes('"Société.exe","4242","Console","1","1~204~512 Ko"\r\n', { "é": 0x82, "~": 0xff }),
    ["Société.exe"],
  ],
  [
    "German in its OEM page",
    bytes('"Würfel.exe","7","Console","1","4 K"\r\n', { "ü": 0x81 }),
    ["Würfel.exe"],
  ],
  [
    "Japanese in its OEM page: other names are not read, the game's is",
    new Uint8Array([
      ...utf8('"'),
      0x83,
      0x51,
      0x81,
      0x5b,
      0x83,
      0x80,
      ...utf8('.exe","1","Console","1","4 K"\r\n' + GAME),
    ]),
    ["âQü[âÇ.exe", "Minecraft.exe"],
  ],
  ["UTF-8 with its mark", utf8('\ufeff"Würfel.exe","7","Console","1","4 K"\r\n'), ["Würfel.exe"]],
  ["UTF-16 with its mark", utf16(GAME, { mark: true }), ["Minecraft.exe"]],
  ["UTF-16 without a mark", utf16(GAME, { mark: false }), ["Minecraft.exe"]],
  ["Wine, without thousands", utf8('"start.exe","32","Console","1","13,564 K"\r\n'), ["start.exe"]],
  ["a name with a comma", utf8('"a,b.exe","7","Console","1","4 K"\r\n'), ["a,b.exe"]],
  ["bare line feeds, and none at the end", utf8(`${GAME.trim()}\n${GAME.trim()}`), [
    "Minecraft.exe",
    "Minecraft.exe",
  ]],
  ["nothing runs, English", utf8("INFO: No tasks are running which match the criteria.\r\n"), []],
  [
    "nothing runs, German in its OEM page",
    bytes(
      "INFORMATION: Es werden keine Aufgaben mit den angegebenen Kriterien ausgeführt.\r\n",
      { "ü": 0x81 },
    ),
    [],
  ],
  [
    "nothing runs, Japanese in its OEM page",
    new Uint8Array([0x8f, 0xee, 0x95, 0xf1, ...utf8(": "), 0x8e, 0x77, 0x92, 0xe8, 0x0d, 0x0a]),
    [],
  ],
  [
    "nothing runs, in UTF-16",
    utf16("情報: 指定された条件に一致するタスクはありません。\r\n", { mark: true }),
    [],
  ],
  ["nothing runs, Wine", utf8(""), []],
];

for (const [what, output, images] of LISTS) {
  Deno.test(`parseTasklist reads ${what}`, () => {
    assert.deepEqual(parseTasklist(decodeOutput(output)).map(({ image }) => image), images);
  });
}

const TITLES: readonly [title: string, written: string][] = [
  ["Minecraft* 1.20.1 - Singleplayer", '"Minecraft* 1.20.1 - Singleplayer"'],
  ["N/A", '"N/A"'],
  ["", '""'],
  ['World "Home", Minecraft', '"World "Home", Minecraft"'],
  ['World "Home"', '"World "Home""'],
  ['doubled "quotes" here', '"doubled ""quotes"" here"'],
  ['a","b', '"a","b"'],
];

for (const [title, written] of TITLES) {
  Deno.test(`parseTasklist reads the window title ${title}`, () => {
    const row = '"javaw.exe","9","Console","1","4 K","Running","PC\\alex","0:05:13",';
    const [game, other] = parseTasklist(`${row}${written}\r\n${row}"x"\r\n`);
    assert.deepEqual(game, { image: "javaw.exe", windowTitle: title });
    assert.deepEqual(other, { image: "javaw.exe", windowTitle: "x" });
  });
}

const GARBAGE: readonly string[] = [
  '"Minecraft.exe"\r\n',
  '"Minecraft.exe","x","Console","1","4 K"\r\n',
  '"Minecraft.exe","1","Console","1","4 K"\r\nERROR: it went wrong\r\n',
  '"Minecraft.exe","1","Console","1","4 K',
  "\u0000\u0001\u0002",
  "line\n".repeat(20),
  "x".repeat(5_000),
];

for (const output of GARBAGE) {
  Deno.test(`parseTasklist does not take for a list: ${JSON.stringify(output.slice(0, 60))}`, () => {
    assert.throws(() => parseTasklist(output), SyntaxError);
  });
}

/** A tasklist that answers by its arguments, and remembers what it was asked. */
function fakeTasklist(answers: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  const run = (_tool: string, args: readonly string[]) => {
    const question = args.slice(3).join(" ");
    asked.push(question);
    return Promise.resolve(utf8(answers[question] ?? ""));
  };
  return { run, asked };
}

const { signal } = new AbortController();

Deno.test("tasklist asks for a single name alone", async () => {
  const { run, asked } = fakeTasklist({ "/FI IMAGENAME eq Minecraft.exe": GAME });
  const list = tasklist(toMatchers("Minecraft.exe"), { run });
  assert.deepEqual(await list({ signal }), [{ image: "Minecraft.exe" }]);
  assert.deepEqual(asked, ["/FI IMAGENAME eq Minecraft.exe"]);
});

Deno.test("tasklist says a name as it was asked for, whatever the code page made of it", async () => {
  const run = () => Promise.resolve(bytes('"W?rfel.exe","7","Console","1","4 K"\r\n'));
  assert.deepEqual(await tasklist(toMatchers("Würfel"), { run })({ signal }), [
    { image: "Würfel.exe" },
  ]);
});

Deno.test("tasklist looks for several names in the whole list, without asking for windows", async () => {
  const { run, asked } = fakeTasklist({ "": GAME });
  const list = tasklist(toMatchers(["Minecraft.exe", "other.exe"]), { run });
  assert.deepEqual(await list({ signal }), [{ image: "Minecraft.exe" }]);
  assert.deepEqual(asked, [""]);
});

Deno.test("tasklist asks for windows only of what could be the game", async () => {
  const java = '"javaw.exe","9","Console","1","4 K"';
  const { run, asked } = fakeTasklist({
    "": `"System","4","Services","0","8 K"\r\n${java}\r\n${java}\r\n`,
    "/V /FI IMAGENAME eq javaw.exe":
      `${java},"Running","PC\\alex","0:05:13","Minecraft 1.21"\r\n${java},"Unknown","","","N/A"\r\n`,
  });
  assert.deepEqual(await tasklist(toMatchers(null), { run })({ signal }), [
    { image: "System" },
    { image: "javaw.exe", windowTitle: "Minecraft 1.21" },
    { image: "javaw.exe", windowTitle: "N/A" },
  ]);
  assert.deepEqual(asked, ["", "/V /FI IMAGENAME eq javaw.exe"]);
});

Deno.test("tasklist asks for no windows when the game is found without them", async () => {
  const { run, asked } = fakeTasklist({ "": `${GAME}"javaw.exe","9","Console","1","4 K"\r\n` });
  await tasklist(toMatchers(null), { run })({ signal });
  assert.deepEqual(asked, [""]);
});

Deno.test("tasklist asks for the windows of another game while one is found without", async () => {
  const java = '"javaw.exe","9","Console","1","4 K"';
  const { run, asked } = fakeTasklist({
    "": `${GAME}${java}\r\n`,
    "/V /FI IMAGENAME eq javaw.exe": `${java},"Running","PC\\alex","0:05:13","Other 1.0"\r\n`,
  });
  const other = { image: "javaw.exe", window_title: "Other*", label: "Other" };
  await tasklist(toMatchers(["Minecraft.exe", other]), { run })({ signal });
  assert.deepEqual(asked, ["", "/V /FI IMAGENAME eq javaw.exe"]);
});

Deno.test("tasklist does not take an empty list of everything for an answer", async () => {
  const { run } = fakeTasklist({});
  await assert.rejects(tasklist(toMatchers(null), { run })({ signal }), /not even itself/);
});

Deno.test("parseTasklist keeps 260 characters of a name", () => {
  const [process] = parseTasklist(`"${"x".repeat(259)}👍.exe","4242","Console","1","8 K"\r\n`);
  assert.equal(process?.image, "x".repeat(259) + "\ufffd");
});

import assert from "node:assert/strict";
import {
  columns,
  count,
  durationOf,
  durationOfMinutes,
  harmless,
  painter,
  sizeText,
  spelledOut,
  terminalText,
} from "../../src/cli/terminal.ts";

Deno.test("Durations, counts and sizes read like words", () => {
  assert.equal(durationOf(0), "0 s");
  assert.equal(durationOf(59_400), "59 s");
  assert.equal(durationOf(60_000), "1 min");
  assert.equal(durationOfMinutes(0), "0 s");
  assert.equal(durationOfMinutes(5 / 60), "5 s");
  assert.equal(durationOfMinutes(0.9999), "59 s");
  assert.equal(durationOfMinutes(1), "1 min");
  assert.equal(durationOfMinutes(65), "1 h 05 min");
  assert.equal(durationOfMinutes(24 * 60 * 2 + 180), "2 d 3 h");
  assert.equal(count(1234567), "1 234 567");
  assert.equal(count(999), "999");
  assert.equal(sizeText(512), "512 B");
  assert.equal(sizeText(3_400_000), "3.4 MB");
  assert.equal(sizeText(999_900), "1.0 MB");
  assert.equal(sizeText(15_000), "15 kB");
});

Deno.test("columns line up, whatever the colours", () => {
  const paint = painter({ color: true });
  const text = columns([[paint("red", "a"), "1"], ["long", "2"]], { indent: " " });
  assert.equal(terminalText(text), " \x1b[31ma\x1b[39m     1\n long  2\n");
});

Deno.test("painter leaves text alone where there is no colour", () => {
  assert.equal(painter({ color: false })("red", "a"), "a");
});

Deno.test("harmless text neither steers a terminal nor turns the line around", () => {
  const hostile = "a\x1b[2Jb\r\nc\x9b31md\u202ee\u2066f\x07";
  assert.equal(harmless(hostile), "a [2Jb c 31md e f ");
  assert.equal(harmless("Grüße, 日本 👍🏽"), "Grüße, 日本 👍🏽");
});

Deno.test("harmless JSON says the same and is safe to look at", () => {
  const value = { body: "a\x1b[2J\x7f\x9b\u202e\u2028" };
  const json = spelledOut(JSON.stringify(value));
  assert.match(json, /^[\x20-\x7e]+$/);
  assert.deepEqual(JSON.parse(json), value);
});

Deno.test("columns take what others wrote for one cell, whatever is in it", () => {
  assert.equal(columns([["a\n\x1b[2Jb", "c\u202ed"]]), "a [2Jb  c d\n");
});

Deno.test("terminalText lets nothing steer the terminal but the colours of painter", () => {
  const red = painter({ color: true })("red", "a\x1b]0;title\x07");
  assert.equal(terminalText(red), "\x1b[31ma\\u001b]0;title\\u0007\x1b[39m");
  assert.equal(
    terminalText("over\rwritten\r\n\x9b8m\u2067"),
    "over\\u000dwritten\r\n\\u009b8m\\u2067",
  );
  // A code that is none of ours, though marked like one.
  assert.equal(terminalText("\ufdd08;hidden"), "\ufdd08;hidden");
});

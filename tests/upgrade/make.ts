/**
 * `deno task upgrade:fixture`: keeps a database of the version at hand, with what it answers about it, for the
 * upgrade test of all versions to come. Run before a release; of a version that was released it is never made anew.
 * @module
 */
import { version } from "../../src/core/mod.ts";
import { print } from "../bench/print.ts";
import { noArguments } from "../support/process/arguments.ts";
import { tempDir } from "../support/temp.ts";
import { dump } from "./dump.ts";
import { agentIn, answersOf, type Expected, pathOf, unaskedIn, waitingIn } from "./fixture.ts";
import { CONFIG, liveANight } from "./life.ts";

noArguments("Keeps a database of this version for the upgrade test: deno task upgrade:fixture");

using dir = tempDir();
const ended_at = new Date(await liveANight(dir.path)).toISOString();
const database = `${dir.path}/clockblock.db`;
const sql = dump(database);
const waiting = waitingIn(database);
const unasked = unaskedIn(database);
const agent = await agentIn(dir.path, { config: CONFIG, at: ended_at });
const answers = await answersOf(agent);
agent.close();
const expected: Expected = { ended_at, config: CONFIG, answers, waiting, unasked };
await Deno.writeTextFile(pathOf(version, "sql"), sql);
await Deno.writeTextFile(pathOf(version, "json"), `${JSON.stringify(expected, null, 1)}\n`);
print(`Kept ${pathOf(version, "sql")} (${Math.round(sql.length / 1_000)} kB) and what it answers`);

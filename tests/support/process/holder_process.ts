/**
 * Holds a database until it is killed: `holder_process.ts <path>`. Prints a line once it has it.
 * @module
 */
import { openStore } from "../../../src/store/recovery/recovery.ts";

const [path] = Deno.args;
if (path === undefined) throw new TypeError("Cannot hold a database: no path given");
const store = openStore(path, { migrations: [] });
Deno.stdout.writeSync(new TextEncoder().encode("held\n"));
await new Promise<void>((resolve) => {
  // A timer keeps the process alive.
  setTimeout(resolve, 60_000);
});
store.close();

/** The program's entry, and the only file that ends the process. @module */
import { main } from "./src/cli/mod.ts";

Deno.exit(await main(Deno.args));

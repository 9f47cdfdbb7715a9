/** Every command there is, in the order of `--help`. A new one is a file beside this and a line here. @module */
import { run } from "./run.ts";

export const commands = { run };

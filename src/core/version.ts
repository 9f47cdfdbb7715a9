/** The version, which stands in `deno.json` and nowhere else. @module */
import project from "../../deno.json" with { type: "json" };

export const version: string = project.version;

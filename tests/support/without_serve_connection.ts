/**
 * Makes this runtime one that cannot serve a single connection, as a later version of Deno may be. To be imported
 * before what asks for it.
 * @module
 */
const { internal } = Deno as unknown as { internal: symbol };
const internals = (Deno as unknown as Record<symbol, Record<string, unknown>>)[internal]!;
delete internals["serveHttpOnConnection"];

/** The API's door. @module */
export { type Api, type ApiOptions, createApi } from "./api.ts";
export type { Page } from "./page.ts";
export { isLoopback } from "./security.ts";
export { checkListen, ListenError, serve, type ServeOptions, type Serving } from "./server.ts";
export type { SyncView } from "./status.ts";
export { loadToken } from "./token.ts";

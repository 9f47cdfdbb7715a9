/** The API's door. @module */
export { type Api, type ApiOptions, createApi } from "./api.ts";
export type { PageFiles } from "./routes/page.ts";
export { checkListen, ListenError, serve, type ServeOptions, type Serving } from "./server.ts";
export { loadToken } from "./security/token.ts";

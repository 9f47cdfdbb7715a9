/**
 * What a web app imports, in source from here or ready made from the agent's `/client.js`: events live from the
 * agent on this machine, and from Supabase while the agent is away.
 *
 * ```ts
 * const live = connectLocalLive({ localUrl: "http://127.0.0.1:3841", mode: "live", supabase: { url, key } });
 * live.subscribe(({ events, source }) => { … });
 * ```
 * @module
 */
export {
  connectLocalLive,
  type LiveChange,
  type LiveClock,
  type LocalLive,
  type LocalLiveOptions,
} from "./connect.ts";
export type { LocalEvent } from "./event.ts";
export type { LiveSource } from "./source.ts";
export { readStream, type SseMessage } from "./sse.ts";
export type { SupabaseOptions } from "./supabase.ts";

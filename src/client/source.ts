/**
 * Where events come from, decided by what became of the last tries: the agent whenever it answers, the cloud when
 * the agent has been away for longer than a restart takes, neither when both are away.
 *
 *     agent   ────up────┐ gone      try    try    try    ┌──up────
 *     cloud             └ grace ┌ poll  poll  poll  poll ┘
 * @module
 */

export type LiveSource = "local" | "remote" | "offline";

/** What is known, and when each is tried next. `Infinity`: never, or it is being tried. */
export interface SourceState {
  readonly hasRemote: boolean;
  readonly pollMs: number;
  readonly localUp: boolean;
  /** Tries in a row that failed. */
  readonly localTries: number;
  readonly localAtMs: number;
  readonly remoteUp: boolean;
  readonly remoteAtMs: number;
}

export type SourceNews =
  | { readonly kind: "local-trying" | "local-up" | "remote-polling" }
  /** It failed or ended; it was last heard `quietMs` ago. */
  | { readonly kind: "local-down"; readonly nowMs: number; readonly quietMs: number }
  | { readonly kind: "remote-up" | "remote-down"; readonly nowMs: number };

/** An agent that restarts is back before this; the cloud is not asked meanwhile. */
export const GRACE_MS = 1_000;
const MIN_RETRY_MS = 250;
const MAX_RETRY_MS = 2_000;

/** The beginning: the agent is tried at once, without one the cloud. */
export function initialSource(
  { hasLocal = true, hasRemote, pollMs, nowMs }: {
    hasLocal?: boolean;
    hasRemote: boolean;
    pollMs: number;
    nowMs: number;
  },
): SourceState {
  return {
    hasRemote,
    pollMs,
    localUp: false,
    localTries: 0,
    localAtMs: hasLocal ? nowMs : Infinity,
    remoteUp: false,
    remoteAtMs: hasLocal || !hasRemote ? Infinity : nowMs,
  };
}

export function sourceOf({ localUp, remoteUp }: SourceState): LiveSource {
  return localUp ? "local" : remoteUp ? "remote" : "offline";
}

/** The state after something happened. */
export function nextSource(state: SourceState, news: SourceNews): SourceState {
  switch (news.kind) {
    case "local-trying":
      return { ...state, localAtMs: Infinity };
    case "local-up":
      return {
        ...state,
        localUp: true,
        localTries: 0,
        localAtMs: Infinity,
        remoteUp: false,
        remoteAtMs: Infinity,
      };
    case "local-down":
      return {
        ...state,
        localUp: false,
        localTries: state.localTries + 1,
        localAtMs: news.nowMs +
          Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** Math.min(state.localTries, 10)),
        // Only the first failure starts the polling: it goes on by itself.
        remoteAtMs: state.hasRemote && state.localTries === 0
          ? news.nowMs + Math.max(0, GRACE_MS - news.quietMs)
          : state.remoteAtMs,
      };
    case "remote-polling":
      return { ...state, remoteAtMs: Infinity };
    case "remote-up":
    case "remote-down":
      // An answer that comes after the agent is back starts nothing.
      if (state.localUp) return state;
      return {
        ...state,
        remoteUp: news.kind === "remote-up",
        remoteAtMs: news.nowMs + state.pollMs,
      };
  }
}

/**
 * Connections of a page that someone looks at: a browser allows six to one address for all of its tabs together, so
 * a tab that nobody has looked at for a while lets go of its own.
 * @module
 */

const HIDDEN_MS = 30_000;

/** Starts now, stops when the page has been hidden for a while, and starts again when it is shown. @returns its end */
export function whileLookedAt(start: () => () => void): () => void {
  let stop: (() => void) | undefined;
  let leaving: ReturnType<typeof setTimeout> | undefined;
  const leave = () => {
    stop?.();
    stop = undefined;
  };
  const changed = () => {
    clearTimeout(leaving);
    if (document.hidden) leaving = setTimeout(leave, HIDDEN_MS);
    else stop ??= start();
  };
  changed();
  document.addEventListener("visibilitychange", changed);
  return () => {
    document.removeEventListener("visibilitychange", changed);
    clearTimeout(leaving);
    leave();
  };
}

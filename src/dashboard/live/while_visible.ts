/**
 * Connections of a visible page: a browser allows six to one address for all of its tabs together, so
 * a tab that was hidden for a while closes its own.
 * @module
 */

const HIDDEN_MS = 30_000;

/** Starts now, stops when the page has been hidden for a while, and starts again when it is shown. @returns its end */
export function whileVisible(start: () => () => void): () => void {
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

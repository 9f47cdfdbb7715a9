/** Text that the browser keeps under a key. @module */

export function kept(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    // A browser may keep nothing.
    return "";
  }
}

export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // As above: then it is asked for again.
  }
}

/**
 * The dashboard's door to the agent: the built page as text. `deno task dashboard` makes it (build/dashboard.ts),
 * every task that needs it does so first, and a bundle of the agent contains it.
 * @module
 */

/** The page, which carries its own Content-Security-Policy. */
export async function loadPage(): Promise<{ html: string }> {
  try {
    // A dynamic import, so that a fresh clone can be type-checked and run before the page is built.
    const page = await import("../../dist/dashboard.html", { with: { type: "text" } });
    return { html: page.default };
  } catch {
    return {
      html: "<!doctype html><title>ClockBlock</title>" +
        "<p>The dashboard is not built: run <code>deno task dashboard</code>.",
    };
  }
}

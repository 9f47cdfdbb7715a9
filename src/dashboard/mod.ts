/**
 * The dashboard's door to the agent: the built page and the client for other pages, as text. `deno task dashboard`
 * makes them (build/dashboard.ts), every task that needs them does so first, and a bundle of the agent contains them.
 * @module
 */

/** The page, which carries its own Content-Security-Policy, and the module behind `/client.js`. */
export async function loadPage(): Promise<{ html: string; clientJs?: string }> {
  try {
    // Dynamic imports, so that a fresh clone can be type-checked and run before the page is built.
    const [page, client] = await Promise.all([
      import("../../dist/dashboard.html", { with: { type: "text" } }),
      import("../../dist/client.js.txt", { with: { type: "text" } }),
    ]);
    return { html: page.default, clientJs: client.default };
  } catch {
    return {
      html: "<!doctype html><title>ClockBlock</title>" +
        "<p>The dashboard is not built: run <code>deno task dashboard</code>.",
    };
  }
}

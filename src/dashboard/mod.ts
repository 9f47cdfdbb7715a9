/**
 * The dashboard's door to the agent: the built page, the files beside it and the client for other pages. `deno task
 * dashboard` makes them (build/dashboard.ts), every task that needs them does so first, and a bundle of the agent
 * contains them.
 * @module
 */
import { type CloudProject, withProject } from "./page.ts";

export { projectOf } from "./page.ts";

/** The page, and the files beside it. */
export interface LoadedPage {
  /** Carries its own Content-Security-Policy. */
  html: string;
  clientJs?: string;
  files?: { path: string; type: string; bytes: Uint8Array<ArrayBuffer> }[];
}

/** The page; with the cloud's project, where there is one. */
export async function loadPage(project?: CloudProject): Promise<LoadedPage> {
  try {
    // Dynamic imports, so that a fresh clone can be type-checked and run before the page is built.
    const [{ default: html }, client, files] = await Promise.all([
      import("../../dist/dashboard.html", { with: { type: "text" } }),
      import("../../dist/client.js.txt", { with: { type: "text" } }),
      import("../../dist/page_files.json", { with: { type: "json" } }),
    ]);
    return {
      html: project ? withProject(html, project) : html,
      clientJs: client.default,
      files: (files.default as { path: string; type: string; base64: string }[])
        .map(({ path, type, base64 }) => ({ path, type, bytes: Uint8Array.fromBase64(base64) })),
    };
  } catch {
    return {
      html: "<!doctype html><title>ClockBlock</title>" +
        "<p>The dashboard is not built: run <code>deno task dashboard</code>.",
    };
  }
}

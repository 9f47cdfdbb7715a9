/**
 * Builds what the agent serves to browsers: the dashboard in one file, `dist/dashboard.html`, the files beside it,
 * `dist/page_files.json`, and the client for other pages, `dist/client.js.txt`. The page's script and style are inside,
 * allowed by their hashes, so that it opens by one request; only who signs in to a cloud loads a second script.
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { deno } from "./deno.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** In the order in which they stand in the page. */
const STYLES = [
  "base",
  "frame",
  "parts",
  "today",
  "history",
  "events",
  "lists",
  "records",
  "attendance",
  "fleet",
];

const MANIFEST = {
  name: "ClockBlock",
  short_name: "ClockBlock",
  description: "Play time, events, attendance and records of this computer",
  // Relative, so that the page can be hosted in a folder.
  id: ".",
  start_url: ".",
  scope: ".",
  display: "standalone",
  background_color: "#ffffff",
  theme_color: "#3f8f3f",
  icons: [192, 512].map((size) => ({
    src: `icon-${size}.png`,
    sizes: `${size}x${size}`,
    type: "image/png",
  })),
};

/** Bundles the sources and writes them into a folder. */
export async function buildDashboard(folder: string): Promise<void> {
  const dashboard = await bundle("src/dashboard/main.tsx");
  // A library's style comes first, so that ours may change it.
  const styles = STYLES.map((name) => Deno.readTextFile(`${root}src/dashboard/style/${name}.css`));
  const style = dashboard.style + (await Promise.all(styles)).join("\n");
  const client = await bundle("src/client/mod.ts");
  const cloud = await bundle("src/dashboard/source/cloud.ts");
  const serviceWorker = await bundle("src/dashboard/service_worker.ts");
  const icon = (size: number) => Deno.readFile(`${root}build/icons/icon-${size}.png`);
  const script = "text/javascript; charset=utf-8";
  const files = [
    { path: "/cloud.js", type: script, content: cloud.script },
    { path: "/sw.js", type: script, content: serviceWorker.script },
    {
      path: "/manifest.webmanifest",
      type: "application/manifest+json",
      content: JSON.stringify(MANIFEST),
    },
    { path: "/icon-192.png", type: "image/png", content: await icon(192) },
    { path: "/icon-512.png", type: "image/png", content: await icon(512) },
  ].map(({ content, ...file }) => ({ ...file, base64: Buffer.from(content).toString("base64") }));
  await Deno.mkdir(folder, { recursive: true });
  await write(
    `${folder}/dashboard.html`,
    page({ script: dashboard.script, style: squeezed(style), cloud: hex(cloud.script) }),
  );
  // Not named as the script it is, because the agent imports it as text.
  await write(`${folder}/client.js.txt`, client.script);
  await write(`${folder}/page_files.json`, JSON.stringify(files));
}

/** One module's bundle for browsers: its script and the style sheets it imports. */
async function bundle(entry: string): Promise<{ script: string; style: string }> {
  const dir = await Deno.makeTempDir({ prefix: "clockblock-dashboard-" });
  try {
    const options = ["--platform", "browser", "--minify", "--outdir", dir];
    await deno(["bundle", ...options, entry], { cwd: root });
    const built = { script: "", style: "" };
    for (const { name } of Deno.readDirSync(dir)) {
      const text = (await Deno.readTextFile(`${dir}/${name}`)).trim();
      if (name.endsWith(".js")) built.script += text;
      if (name.endsWith(".css")) built.style += text;
    }
    return built;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Renamed into place, because tests that run side by side read a file while another writes it. */
async function write(path: string, text: string): Promise<void> {
  const written = await Deno.makeTempFile({ dir: dirname(path), prefix: "building-" });
  await Deno.writeTextFile(written, text);
  await Deno.rename(written, path);
}

/** A style sheet without its comments and the blanks that say nothing. */
function squeezed(style: string): string {
  return style.replaceAll(/\/\*.*?\*\//gs, "")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/ ?([{};,]) ?/g, "$1")
    .replaceAll(": ", ":")
    .replaceAll(";}", "}")
    .trim();
}

/**
 * The page around its script and style.
 * @param parts `cloud`: names the version of the cloud's module
 */
export function page(
  { script, style, cloud = "" }: { script: string; style: string; cloud?: string },
): string {
  for (const [tag, text] of [["script", script], ["style", style]] as const) {
    if (text.toLowerCase().includes(`</${tag}`)) {
      throw new SyntaxError(`Cannot put the ${tag} into the page: it contains "</${tag}"`);
    }
  }
  const policy = [
    "default-src 'none'",
    // Its own files are the cloud's module and the service worker.
    `script-src 'self' '${hash(script)}'`,
    `style-src '${hash(style)}'`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  // Percent signs and quotes would end the attribute or be taken as escapes.
  const icon = Deno.readTextFileSync(`${root}build/icon.svg`).replaceAll(/>\s+</g, "><").trim()
    .replaceAll('"', "'").replaceAll(/[%#]/g, encodeURIComponent);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:image/svg+xml,${icon}">
<link rel="manifest" href="manifest.webmanifest">
<title>ClockBlock</title>
<style>${style}</style>
</head>
<body>
<div id="app" data-cloud="cloud.js?${cloud}"></div>
<noscript>The dashboard needs JavaScript.</noscript>
<script type="module">${script}</script>
</body>
</html>
`;
}

function hex(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function hash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

if (import.meta.main) await buildDashboard(`${root}dist`);

/**
 * Builds the dashboard into one file, `dist/dashboard.html`: script and style are inside, and its policy allows
 * these two by their hashes and nothing else, so that it needs no second request and no exception.
 * @module
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { deno } from "./deno.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

if (import.meta.main) await buildDashboard(`${root}dist/dashboard.html`);

/** Bundles the sources and writes the page. */
export async function buildDashboard(output: string): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "clockblock-dashboard-" });
  try {
    await deno(
      ["bundle", "--platform", "browser", "--minify", "--outdir", dir, "src/dashboard/main.ts"],
      { cwd: root },
    );
    let script = "";
    // A style sheet that the script imports (a library's, say) comes out as a file of its own.
    let style = await Deno.readTextFile(`${root}src/dashboard/style.css`);
    for (const { name } of Deno.readDirSync(dir)) {
      const text = await Deno.readTextFile(`${dir}/${name}`);
      if (name.endsWith(".js")) script += text;
      if (name.endsWith(".css")) style = text + style;
    }
    await Deno.mkdir(dirname(output), { recursive: true });
    // Renamed into place, because tests that run side by side read the page while another writes it.
    const written = await Deno.makeTempFile({ dir: dirname(output), prefix: "dashboard-" });
    await Deno.writeTextFile(written, page({ script: script.trim(), style: style.trim() }));
    await Deno.rename(written, output);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The page around its script and style. */
export function page({ script, style }: { script: string; style: string }): string {
  for (const [tag, text] of [["script", script], ["style", style]] as const) {
    if (text.toLowerCase().includes(`</${tag}`)) {
      throw new SyntaxError(`Cannot put the ${tag} into the page: it contains "</${tag}"`);
    }
  }
  const policy = [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(style)}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>ClockBlock</title>
<style>${style}</style>
</head>
<body>
<main></main>
<script type="module">${script}</script>
</body>
</html>
`;
}

function hash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/**
 * `deno task page`: the page as files for any static host, for a phone or a person away from the machine. It carries
 * the project's address and publishable key, as every web app of the project does, and refuses to carry a secret.
 * @module
 */
import { Buffer } from "node:buffer";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type CloudProject, isPublishable, withProject } from "../src/dashboard/page.ts";
import { buildDashboard } from "./dashboard.ts";

const USAGE = `Writes the page into dist/page/: files for any static host.

  deno task page --supabase-url https://<ref>.supabase.co --key <publishable key>

  --out <folder>            where to (default: dist/page)
  --events-table <name>     as events.table in the machines' configuration (default: zoe_events)
  --health-table <name>     as events.health_table (default: zoe_health)
  --record-table <name>     a table of records, <name>=<column> where its ids are not in id; more than once
                            if wanted (default: projects, tasks, results)

The key is the publishable one (sb_publishable_…, or of earlier projects the anon key). Who opens
the page sees nothing before signing in; see docs/remote.md.`;

const root = fileURLToPath(new URL("../", import.meta.url));

if (import.meta.main) process.exitCode = await main(Deno.args);

async function main(args: readonly string[]): Promise<number> {
  try {
    const wanted = pageOf(args);
    if (!wanted) process.stdout.write(`${USAGE}\n`);
    else {
      await writePage(wanted.out, wanted.project);
      process.stdout.write(`${wanted.out}: put these files on any HTTPS host\n`);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof TypeError ? 2 : 1;
  }
}

/**
 * What the arguments ask for; nothing when they ask for help.
 * @throws {TypeError} when they cannot be understood, or would publish a secret
 */
export function pageOf(
  args: readonly string[],
): { out: string; project: CloudProject } | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "supabase-url": { type: "string", default: "" },
      key: { type: "string", default: "" },
      out: { type: "string", default: `${root}dist/page` },
      "events-table": { type: "string", default: "zoe_events" },
      "health-table": { type: "string", default: "zoe_health" },
      "record-table": { type: "string", multiple: true, default: [] },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const { key } = values;
  if (key === "") throw new TypeError("Cannot make the page: --key is missing");
  if (!isPublishable(key)) {
    throw new TypeError(
      "Cannot make the page: --key is no publishable key. Everybody could read it in the page: use the one that " +
        "begins with sb_publishable_, or the anon key of an earlier project",
    );
  }
  const tables = values["record-table"].map((table) => {
    const [name = "", key = "id"] = table.split("=");
    return [name, key];
  });
  return {
    out: values.out,
    project: {
      url: projectUrl(values["supabase-url"]),
      key,
      agent: false,
      eventsTable: values["events-table"],
      healthTable: values["health-table"],
      ...(tables.length === 0 ? {} : { recordTables: Object.fromEntries(tables) }),
    },
  };
}

function projectUrl(text: string): string {
  const url = URL.parse(text);
  const isLocal = url !== null && ["127.0.0.1", "localhost"].includes(url.hostname);
  if (url?.protocol === "https:" || (isLocal && url.protocol === "http:")) return url.origin;
  throw new TypeError(
    `Cannot make the page: --supabase-url is "${text}", expected https://<ref>.supabase.co`,
  );
}

/** Builds the page and writes its files into a folder. */
export async function writePage(folder: string, project: CloudProject): Promise<void> {
  const built = await Deno.makeTempDir({ prefix: "clockblock-page-" });
  try {
    await buildDashboard(built);
    const html = await Deno.readTextFile(`${built}/dashboard.html`);
    const files: { path: string; base64: string }[] = JSON.parse(
      await Deno.readTextFile(`${built}/page_files.json`),
    );
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${folder}/index.html`, withProject(html, project));
    for (const { path, base64 } of files) {
      await Deno.writeFile(folder + path, Buffer.from(base64, "base64"));
    }
  } finally {
    await Deno.remove(built, { recursive: true });
  }
}

/**
 * The page as it is served: the built one, with the cloud's project in it where a person may sign in to that. The
 * project is its address and its publishable key, which every web app of the project carries; never a secret.
 * @module
 */

/** A Supabase project as the page knows it. */
export interface CloudProject {
  readonly url: string;
  /** The publishable (anon) key. */
  readonly key: string;
  /** Whether the page comes from an agent; a static host has none. */
  readonly agent: boolean;
  readonly eventsTable: string;
  readonly healthTable: string;
  /** Name → the column of its ids; without it those of the schema. */
  readonly recordTables?: Readonly<Record<string, string>>;
}

/** The part of the agent's configuration that names the project. */
export interface CloudConfig {
  readonly supabase: { readonly url: string | null; readonly key: string | null };
  readonly events: { readonly table: string; readonly health_table: string };
  readonly records: { readonly tables: readonly { readonly name: string; readonly key: string }[] };
}

/** The project of an agent; undefined where there is none, or its key is none that pages may carry. */
export function projectOf(
  { supabase: { url, key }, events, records }: CloudConfig,
): CloudProject | undefined {
  if (url === null || key === null || !isPublishable(key)) return undefined;
  return {
    url,
    key,
    agent: true,
    eventsTable: events.table,
    healthTable: events.health_table,
    recordTables: Object.fromEntries(records.tables.map(({ name, key }) => [name, key])),
  };
}

/** The page with the project in it, and a policy that allows requests to it. */
export function withProject(html: string, project: CloudProject): string {
  const { origin, protocol, host } = new URL(project.url);
  const socket = `${protocol === "https:" ? "wss:" : "ws:"}//${host}`;
  const told = JSON.stringify(project).replaceAll("&", "&amp;").replaceAll('"', "&quot;")
    .replaceAll("<", "&lt;");
  // Not by text: `$` has a meaning there.
  return html
    .replace("connect-src 'self'", () => `connect-src 'self' ${origin} ${socket}`)
    .replace("<title>", () => `<meta name="clockblock-project" content="${told}">\n<title>`);
}

/** Whether web pages may carry the key: a publishable one, or of earlier projects the JWT of the role `anon`. */
export function isPublishable(key: string): boolean {
  if (key.startsWith("sb_publishable_")) return true;
  try {
    const [, claims = ""] = key.split(".");
    return JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/"))).role === "anon";
  } catch {
    return false;
  }
}

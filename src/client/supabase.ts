/** What the cloud has of the events, read by plain PostgREST requests. @module */
import { type LocalEvent, membersOf, toEvent } from "./event.ts";

export interface SupabaseOptions {
  /** `https://<project>.supabase.co` */
  url: string;
  /** The publishable (anon) key. */
  key: string;
  /** The signed-in user's token, or how to get a fresh one (default: the key, which sees only what is public). */
  accessToken?: string | (() => string | Promise<string>);
  /** Whose events: modes are numbered for each system by itself, so this is needed where the user sees several. */
  systemId?: string;
  /** Default `zoe_events`. */
  eventsTable?: string;
  /** Default `zoe_health`. */
  healthTable?: string;
  /** Default 5 s. */
  pollMs?: number;
}

/** Both ends included. */
type Range = readonly [from: number, to: number];

export interface RemoteReads {
  /** Events after a `seq`, or within ranges before it that were missing; oldest first. */
  after(seq: number, limit: number, missing: readonly Range[]): Promise<LocalEvent[]>;
  /** The newest events, oldest first. */
  newest(limit: number): Promise<LocalEvent[]>;
  /** When the agent last wrote to the cloud. */
  lastFlush(): Promise<string | null>;
}

const COLUMNS = "id,mode,ts,seq,source,type,subtype,symbol,severity,body,meta,idempotency_key";

export function supabaseReads(
  options: SupabaseOptions,
  { mode, fetch, signal }: { mode: string; fetch: typeof globalThis.fetch; signal: AbortSignal },
): RemoteReads {
  const { url, key, accessToken = key, systemId } = options;
  const { eventsTable = "zoe_events", healthTable = "zoe_health" } = options;

  const read = async (table: string, query: Record<string, string>): Promise<unknown[]> => {
    const address = new URL(`${url.replace(/\/$/, "")}/rest/v1/${encodeURIComponent(table)}`);
    const filters = { mode: `eq.${mode}`, ...(systemId ? { system_id: `eq.${systemId}` } : {}) };
    for (const [name, value] of Object.entries({ ...query, ...filters })) {
      address.searchParams.append(name, value);
    }
    const token = typeof accessToken === "function" ? await accessToken() : accessToken;
    const response = await fetch(address, {
      headers: { apikey: key, authorization: `Bearer ${token}` },
      signal,
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new TypeError(`Cannot read ${table} from Supabase: status ${response.status}`);
    }
    const rows: unknown = await response.json();
    return Array.isArray(rows) ? rows : [];
  };

  const events = async (query: Record<string, string>) =>
    (await read(eventsTable, { select: COLUMNS, ...query })).map(toEvent)
      .filter((event) => event !== undefined);

  return {
    after(seq, limit, missing) {
      const ranges = missing.map(([from, to]) => `and(seq.gte.${from},seq.lte.${to})`);
      return events({
        ...(missing.length > 0
          ? { or: `(seq.gt.${seq},${ranges.join(",")})` }
          : { seq: `gt.${seq}` }),
        order: "seq.asc",
        limit: `${limit}`,
      });
    },
    newest: async (limit) => (await events({ order: "seq.desc", limit: `${limit}` })).reverse(),
    async lastFlush() {
      const [row] = await read(healthTable, { select: "last_flush_ts", limit: "1" });
      const { last_flush_ts: at } = membersOf(row);
      return typeof at === "string" ? at : null;
    },
  };
}

/**
 * A Realtime server in the Phoenix frames of Supabase (vsn 2.0.0: `[join_ref, ref, topic, event, payload]`)
 * that real realtime-js connects to, and that misbehaves as the real one does: it listens to the database
 * only a while after it has answered a join, closes sockets that send no heartbeat, drops channels whose
 * token has run out, replays nothing, and cuts records above a megabyte.
 * @module
 */

/** A change of a table, as the replication would tell it. */
export interface Change {
  table: string;
  type: "INSERT" | "UPDATE" | "DELETE";
  record: Readonly<Record<string, unknown>>;
}

export interface RealtimeServerOptions {
  /** Reads a token: in whose name it is and until when; null when it is no good. */
  verify(token: string): Promise<{ expiresAtMs: number } | null>;
  /** How long a socket may be silent: 60 s at Supabase, with a heartbeat every 25 s. */
  silenceMs?: number;
}

type Frame = [string | null, string | null, string, string, Record<string, unknown>];

interface Binding {
  id: number;
  event: string;
  table: string;
  filter?: string;
}

interface Channel {
  joinRef: string | null;
  topic: string;
  bindings: Binding[];
  /** Whether the server listens to the database for it. */
  live: boolean;
  expiry?: ReturnType<typeof setTimeout>;
}

interface Client {
  socket: WebSocket;
  channels: Map<string, Channel>;
  silence?: ReturnType<typeof setTimeout>;
}

const MOST_BYTES = 1024 * 1024;

export class RealtimeServer {
  /** How long after the reply to a join the database is listened to. */
  readyAfterMs = 5;
  /** What the `system` message says: `error` leaves the channel open and deaf. */
  readyStatus: "ok" | "error" = "ok";
  /** Events are lost on the way, without a word. */
  loses = false;
  /** Joins are answered with this reason instead of `ok`. */
  refuses: string | undefined;
  /** Frames that came, newest last: `phx_join realtime:clockblock:…`. */
  readonly log: string[] = [];
  /** `postgres_changes` of every join. */
  readonly joins: Binding[][] = [];
  delivered = 0;
  heartbeats = 0;
  readonly #options: RealtimeServerOptions;
  readonly #clients = new Set<Client>();
  #nextId = 1;

  constructor(options: RealtimeServerOptions) {
    this.#options = options;
  }

  get connections(): number {
    return this.#clients.size;
  }

  /** Channels that are told of changes. */
  get live(): number {
    return [...this.#clients].reduce(
      (sum, { channels }) => sum + [...channels.values()].filter(({ live }) => live).length,
      0,
    );
  }

  /** Takes a socket that has been upgraded. */
  accept(socket: WebSocket): void {
    const client: Client = { socket, channels: new Map() };
    socket.onopen = () => {
      this.#clients.add(client);
      this.#heard(client);
    };
    socket.onmessage = ({ data }) => void this.#take(client, JSON.parse(String(data)) as Frame);
    socket.onclose = () => this.#forget(client);
    // A socket that breaks is closed afterwards.
    socket.onerror = () => {};
  }

  /** Tells whoever listens. */
  publish({ table, type, record }: Change): void {
    if (this.loses) return;
    for (const client of this.#clients) {
      for (const channel of client.channels.values()) {
        const ids = channel.live
          ? channel.bindings.filter((binding) => matches(binding, { table, type, record }))
            .map(({ id }) => id)
          : [];
        if (ids.length === 0) continue;
        this.delivered++;
        const tooLarge = JSON.stringify(record).length > MOST_BYTES;
        this.#send(client, channel, "postgres_changes", {
          ids,
          data: {
            schema: "public",
            table,
            type,
            commit_timestamp: new Date().toISOString(),
            columns: Object.keys(record).map((name) => ({ name, type: "text" })),
            record: tooLarge ? smallFields(record) : record,
            old_record: {},
            errors: tooLarge ? ["Error 413: Payload Too Large"] : null,
          },
        });
      }
    }
  }

  /** The server restarts: sockets close, subscriptions are gone. */
  drop(): void {
    for (const { socket } of this.#clients) socket.close(1012, "service restart");
  }

  /** The server loses the database: the channels stay open, and deaf. */
  lose(): void {
    for (const client of this.#clients) {
      for (const channel of client.channels.values()) {
        channel.live = false;
        this.#system(client, channel, "error");
      }
    }
  }

  /** Every token has run out. */
  expireAll(): void {
    for (const client of this.#clients) {
      for (const channel of [...client.channels.values()]) this.#expire(client, channel);
    }
  }

  close(): void {
    for (const client of this.#clients) {
      client.socket.close();
      this.#forget(client);
    }
  }

  async #take(client: Client, [joinRef, ref, topic, event, payload]: Frame): Promise<void> {
    this.#heard(client);
    const reply = (status: "ok" | "error", response: unknown) =>
      this.#write(client, [joinRef, ref, topic, "phx_reply", { status, response }]);
    if (topic === "phoenix" && event === "heartbeat") {
      this.heartbeats++;
      return reply("ok", {});
    }
    this.log.push(`${event} ${topic}`);
    const channel = client.channels.get(topic);
    switch (event) {
      case "phx_join":
        return await this.#join(client, { joinRef, topic, payload, reply });
      case "phx_leave":
        this.#leave(client, topic);
        return reply("ok", {});
      case "access_token":
        if (channel) await this.#authorize(client, channel, String(payload.access_token));
    }
  }

  async #join(
    client: Client,
    { joinRef, topic, payload, reply }: {
      joinRef: string | null;
      topic: string;
      payload: Record<string, unknown>;
      reply: (status: "ok" | "error", response: unknown) => void;
    },
  ): Promise<void> {
    if (this.refuses !== undefined) return reply("error", { reason: this.refuses });
    const config = payload.config as { postgres_changes?: Omit<Binding, "id">[] };
    const bindings = (config.postgres_changes ?? []).map((each) => ({
      ...each,
      id: this.#nextId++,
    }));
    this.joins.push(bindings);
    const channel: Channel = { joinRef, topic, bindings, live: false };
    const token = payload.access_token;
    // `sb_…` keys are no tokens: the server ignores them.
    if (typeof token === "string" && !token.startsWith("sb_")) {
      if (!await this.#authorize(client, channel, token)) {
        return reply("error", { reason: "InvalidJWTExpiration: Token has expired" });
      }
    }
    client.channels.set(topic, channel);
    reply("ok", { postgres_changes: bindings });
    const timer = setTimeout(() => {
      if (client.channels.get(topic) !== channel) return;
      channel.live = this.readyStatus === "ok";
      this.#system(client, channel, this.readyStatus);
    }, this.readyAfterMs);
    client.socket.addEventListener("close", () => clearTimeout(timer), { once: true });
  }

  /** Whether the token is good; when it runs out, the channel closes. */
  async #authorize(client: Client, channel: Channel, token: string): Promise<boolean> {
    const verified = await this.#options.verify(token);
    clearTimeout(channel.expiry);
    if (!verified) {
      this.#expire(client, channel);
      return false;
    }
    const leftMs = Math.min(verified.expiresAtMs - Date.now(), 2 ** 31 - 1);
    channel.expiry = setTimeout(() => this.#expire(client, channel), leftMs);
    client.socket.addEventListener("close", () => clearTimeout(channel.expiry), { once: true });
    return true;
  }

  #expire(client: Client, channel: Channel): void {
    if (client.channels.get(channel.topic) !== channel) return;
    this.#send(client, channel, "system", {
      extension: "system",
      status: "error",
      message: "Token has expired",
      channel: channel.topic,
    });
    this.#send(client, channel, "phx_close", {});
    this.#leave(client, channel.topic);
  }

  #system(client: Client, channel: Channel, status: "ok" | "error"): void {
    const message = status === "ok"
      ? "Subscribed to PostgreSQL"
      : "Subscribing to PostgreSQL failed";
    this.#send(client, channel, "system", {
      extension: "postgres_changes",
      status,
      message,
      channel: channel.topic.replace(/^realtime:/, ""),
    });
  }

  /** A sign of life: without the next in time, the socket is closed. */
  #heard(client: Client): void {
    const { silenceMs = 60_000 } = this.#options;
    clearTimeout(client.silence);
    client.silence = setTimeout(() => client.socket.close(1000, "no heartbeat"), silenceMs);
  }

  #leave(client: Client, topic: string): void {
    clearTimeout(client.channels.get(topic)?.expiry);
    client.channels.delete(topic);
  }

  #forget(client: Client): void {
    clearTimeout(client.silence);
    for (const topic of [...client.channels.keys()]) this.#leave(client, topic);
    this.#clients.delete(client);
  }

  #send(client: Client, { joinRef, topic }: Channel, event: string, payload: object): void {
    this.#write(client, [joinRef, null, topic, event, payload as Record<string, unknown>]);
  }

  #write({ socket }: Client, frame: Frame): void {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  }
}

/** `system_id=eq.<value>` holds for the new row; other filters are none of ours. */
function matches({ event, table, filter }: Binding, change: Change): boolean {
  if (table !== change.table || (event !== "*" && event !== change.type)) return false;
  if (!filter) return true;
  const [, column = "", value] = /^(\w+)=eq\.(.*)$/s.exec(filter) ?? [];
  return String(change.record[column]) === value;
}

/** What is left of a record that is too large: fields of at most 64 bytes. */
function smallFields(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => JSON.stringify(value ?? null).length <= 64),
  );
}

/**
 * The playtime stream: polls the process list on a fixed grid of times and records whether the game runs. A poll that
 * was missed or failed leaves no heartbeat and credits nothing.
 * @module
 */
import type { Heartbeat, PlaytimeStatus, RecomputeResult } from "../../contract/playtime.ts";
import {
  type Budget,
  type Day,
  errorMessage,
  every,
  type Gauge,
  type Id,
  type Instant,
  instantOf,
  logger,
  Notifier,
  type PruneResult,
  type Route,
  type Schedule,
  type Stream,
} from "../../core/mod.ts";
import type { JoinedOutbox, StreamDeps } from "../../store/mod.ts";
import { AllowanceBook } from "./allowance/book.ts";
import { notifyDesktop } from "./allowance/desktop.ts";
import { GrantsInbox } from "./allowance/inbox.ts";
import { type AllowanceConfig, type AllowanceRules, rulesOf } from "./allowance/rules.ts";
import { gaugesOf } from "./gauges.ts";
import { utcDayOf } from "./heartbeats/heartbeats.ts";
import { fillGames } from "./games/fill.ts";
import { openOutboxes } from "./outboxes.ts";
import { GameWatch } from "./processes/game_watch.ts";
import type { Game } from "./processes/matchers.ts";
import type { ProcessLister } from "./processes/mod.ts";
import { Recorder } from "./heartbeats/recorder.ts";
import { renameHeartbeats } from "./rename.ts";
import { recomputeDays, type RecomputeOptions } from "./recompute.ts";
import { heartbeatRetention } from "./heartbeats/retention.ts";
import { playtimeRoutes } from "./routes.ts";
import { lastSession, Session } from "./heartbeats/session.ts";
import { openTables, type Poll, type Tables } from "./tables.ts";
import { Today } from "./days/today.ts";

export interface PlaytimeDeps extends StreamDeps {
  /** Lists processes (default: this system's own list). */
  lister?: ProcessLister | undefined;
  /** Timeout of one process list (default 10 s); never longer than 0.9 of a poll. */
  listTimeoutMs?: number;
}

/** The keys of the configuration that this stream reads. */
export interface PlaytimeConfig extends AllowanceConfig {
  poll_interval_sec: number;
  sync_interval_sec: number;
  endpoint_url: string | null;
  /** Fields of heartbeats to an endpoint in addition to their own. */
  endpoint_fields: readonly string[];
  retention_days: number;
  retention_unsynced_days: number;
}

/** Rows of one push: 100 kB. 1 000 rows are no faster, hold the event loop twice as long and take 25 MB more. */
const BATCH_ROWS = 500;

/** Warning code while it is not known whether the game runs. */
const UNKNOWN = "processes";

export function createPlaytime(deps: PlaytimeDeps, config: PlaytimeConfig): PlaytimeStream {
  return new PlaytimeStream(deps, config);
}

export class PlaytimeStream implements Stream {
  readonly name = "playtime";
  readonly outbox: JoinedOutbox;
  readonly inbox: GrantsInbox | undefined;
  readonly schedule: Schedule;
  readonly routes: readonly Route[];

  readonly #deps: PlaytimeDeps;
  readonly #tables: Tables;
  readonly #today: Today;
  readonly #watch: GameWatch;
  readonly #book: AllowanceBook;
  /** Called inside `write`. */
  readonly prune: (now: Instant, budget: Budget) => PruneResult;
  readonly #config: PlaytimeConfig;
  /** Interval of the newest poll. */
  #pollIntervalSec: number;
  readonly #rules: AllowanceRules;

  /** The poll interval + 30 s, as Playnite: a longer gap means that the machine slept. */
  #maxGapMs: number;
  readonly #session: Session;
  readonly #recorder: Recorder;

  #lastSeen: Instant | null;
  #firstDay: Day | null;
  #renaming: Promise<void> | undefined;
  #recomputing: Promise<RecomputeResult> | undefined;

  constructor(deps: PlaytimeDeps, config: PlaytimeConfig) {
    const { store, clock, hub, warnings, deviceId } = deps;
    const { retention_days: retentionDays } = config;
    this.#deps = deps;
    this.#config = config;
    this.#pollIntervalSec = config.poll_interval_sec;
    const rules = this.#rules = rulesOf(config, deps);

    this.#maxGapMs = config.poll_interval_sec * 1000 + 30_000;
    this.#session = new Session({ clock, maxGapMs: () => this.#maxGapMs });

    this.#watch = new GameWatch(config.process_name, { lister: deps.lister, clock, warnings });

    const tables = this.#tables = openTables(store);
    const today = this.#today = new Today({ tables, clock, deviceId, rules });
    // Only an endpoint takes additional fields.
    const sendsLeft = config.endpoint_url !== null &&
      config.endpoint_fields.includes("minutes_left");
    const outboxes = openOutboxes(store, {
      twoWay: deps.twoWay,
      nowOf: (id) => this.#isOwn(id) ? deviceId : id,
      extra: () => sendsLeft ? { minutes_left: today.view().minutes_left } : {},
    });
    this.outbox = outboxes.all;
    const wake = new Notifier();
    const book = this.#book = new AllowanceBook(store, {
      ...deps,
      tables,
      rules,
      onMade: () => {
        outboxes.grants.added(1);
        store.afterCommit(() => wake.notify());
      },
      onGranted: () => today.forget(),
    });
    this.#firstDay = this.#tables.rollups.firstDay(deviceId);
    this.#lastSeen = this.#tables.heartbeats.newest()?.timestamp_utc ?? null;
    this.inbox = deps.twoWay
      ? new GrantsInbox({ store, grants: tables.grants, book, clock, warnings, deviceId })
      : undefined;
    this.#recorder = new Recorder(store, {
      tables: this.#tables,
      outbox: outboxes.heartbeats,
      rules,
      warnings,
      onRecorded: (heartbeats) => this.#book.played(heartbeats),
      onStored: (heartbeat) => {
        this.#lastSeen = heartbeat.timestamp_utc;
        const day = utcDayOf(heartbeat);
        if (this.#firstDay === null || day < this.#firstDay) this.#firstDay = day;
        this.#today.add(heartbeat);
        hub.publish("heartbeat", heartbeat);
      },
    });
    this.schedule = {
      intervalMs: () => config.sync_interval_sec * 1000,
      batchSize: BATCH_ROWS,
      wake,
    };
    this.prune = heartbeatRetention(store, {
      outbox: outboxes.heartbeats,
      retentionDays,
      unsyncedDays: deps.cloud ? config.retention_unsynced_days : retentionDays,
    });
    this.routes = playtimeRoutes({
      tables: this.#tables,
      clock,
      deviceId,
      rules,
      book,
      recompute: () => this.recompute(),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const now = this.#deps.clock.now();
    const last = await lastSession(this.#tables.heartbeats, {
      now,
      maxGapMs: this.#maxGapMs,
      signal,
    });
    if (last) this.#session.resume(last);
    const notices = this.#config.desktop_notifications && notifyDesktop({ ...this.#deps, signal });
    const checked = this.#book.checkRules();
    // Not awaited: polls continue while another program holds the database.
    const poll = async () => {
      const found = await this.#poll(signal);
      if (found) void this.#record(found);
    };
    const renaming = this.#rename(signal).catch((error) => {
      if (signal.aborted) return;
      logger("playtime").error(
        "Heartbeats keep their old device id until the next start: {error}",
        { error },
      );
    });
    const filling = fillGames(this.#deps.store, {
      raise: () => this.recompute({ signal, atLeast: true }),
      signal,
    });
    await every(() => this.#pollIntervalSec * 1000, poll, {
      signal,
      name: "playtime",
      clock: this.#deps.clock,
    });
    await Promise.all([notices, checked, renaming, filling, this.#recorder.settled()]);
  }

  /** Gives heartbeats with a former device id the current one; runs once. */
  #rename(signal: AbortSignal): Promise<void> {
    const { store, deviceId, formerDeviceIds, forgetFormerDeviceIds } = this.#deps;
    if (formerDeviceIds.length === 0) return Promise.resolve();
    return this.#renaming ??= renameHeartbeats(store, {
      before: formerDeviceIds,
      id: deviceId,
      done: forgetFormerDeviceIds,
      signal,
    }).catch((error) => {
      this.#renaming = undefined;
      throw error;
    });
  }

  #isOwn(deviceId: Id): boolean {
    return this.#deps.formerDeviceIds.includes(deviceId);
  }

  /**
   * Polls once and records the result. Null when the process list cannot tell; a warning has the reason.
   * @throws when the heartbeat cannot be written; the next poll tries again
   */
  async pollOnce(): Promise<Heartbeat | null> {
    const { hub, dryRun } = this.#deps;
    const poll = await this.#poll(new AbortController().signal);
    if (poll && dryRun) hub.publish("heartbeat", poll.heartbeat);
    else if (poll) await this.#recorder.add(poll.heartbeat, poll.games);
    return poll?.heartbeat ?? null;
  }

  async #record({ heartbeat, games }: Poll): Promise<void> {
    const { hub, dryRun } = this.#deps;
    if (dryRun) hub.publish("heartbeat", heartbeat);
    else await this.#recorder.keep(heartbeat, games);
  }

  /** Polls the process list; null when it cannot tell whether a game runs. */
  async #poll(signal: AbortSignal): Promise<Poll | null> {
    const { clock, warnings, ids, deviceId, listTimeoutMs = 10_000 } = this.#deps;
    const at = instantOf(clock.now());
    this.#takeInterval();
    let games: Game[];
    try {
      games = await this.#watch.look({
        // Below the poll interval: a list that hangs must not delay the next poll.
        timeoutMs: Math.min(listTimeoutMs, 0.9 * this.#pollIntervalSec * 1000),
        signal,
      });
    } catch (error) {
      if (signal.aborted) return null;
      this.#session.unknown();
      const reason = errorMessage(error);
      warnings.raise(
        UNKNOWN,
        `Cannot tell whether the game runs: ${reason}. Play time is not counted meanwhile.`,
      );
      return null;
    }
    warnings.clear(UNKNOWN);
    const [game] = games;
    if (game) this.#session.playing(game.process_name, at);
    else this.#session.idle();
    return {
      heartbeat: {
        id: ids(),
        device_id: deviceId,
        timestamp_utc: at,
        is_playing: game !== undefined,
        poll_interval_sec: this.#pollIntervalSec,
        process_name: game?.process_name ?? null,
      },
      games,
    };
  }

  /** A changed interval counts from the next poll on; until then the last heartbeat stands for the old one. */
  #takeInterval(): void {
    const before = this.#pollIntervalSec;
    this.#pollIntervalSec = this.#config.poll_interval_sec;
    this.#maxGapMs = Math.max(before, this.#pollIntervalSec) * 1000 + 30_000;
  }

  configured(): void {
    Object.assign(this.#rules, rulesOf(this.#config, this.#deps));
    this.#watch.configure(this.#config.process_name);
    this.#today.forget();
    if (!this.#deps.dryRun) void this.#book.checkRules();
  }

  status(): Readonly<Record<string, unknown>> & PlaytimeStatus {
    return {
      ...this.#session.view(),
      last_seen: this.#lastSeen,
      heartbeats_waiting: this.#recorder.waiting,
      first_day: this.#firstDay,
      today: this.#today.view(),
    };
  }

  deviceColumns(): Readonly<Record<string, unknown>> {
    const { is_playing, process_name, today } = this.status();
    return {
      time_zone: today.time_zone,
      allowance_min: today.allowance_min,
      granted_min: today.granted_min,
      minutes_today: Math.round(today.minutes_used),
      minutes_left: today.minutes_left === null ? null : Math.round(today.minutes_left),
      is_playing,
      process_name,
    };
  }

  gauges(): Gauge[] {
    return gaugesOf(this.status());
  }

  /** Computes days and slots again from raw heartbeats; a second call joins the one in progress. */
  recompute(options: Pick<RecomputeOptions, "signal" | "atLeast"> = {}): Promise<RecomputeResult> {
    return this.#recomputing ??= (async () => {
      const { store, clock } = this.#deps;
      try {
        // First: with two device ids, a day would have only a part of its heartbeats.
        await this.#rename(store.closing);
        return await recomputeDays(store, this.#tables, {
          allowance: this.#rules.daily,
          labelOf: (processName) => this.#watch.labelOf(processName),
          clock,
          ...options,
        });
      } finally {
        this.#recomputing = undefined;
        this.#today.forget();
      }
    })();
  }
}

/**
 * The allowance book: grants, and the events of thresholds. A heartbeat or grant is committed with the events of the
 * thresholds that it crosses.
 * @module
 */
import type { AllowanceView, Grant } from "../../../contract/allowance.ts";
import type { GameAllowance } from "../../../contract/games.ts";
import type { Heartbeat } from "../../../contract/playtime.ts";
import {
  type Clock,
  type Day,
  derivedId,
  type Hub,
  type Id,
  type Instant,
  instantOf,
  logger,
  msOf,
  Problem,
} from "../../../core/mod.ts";
import type { Store, StreamDeps } from "../../../store/mod.ts";
import { msOfMinutes } from "../days/minutes.ts";
import { rollupOf } from "../days/rollups.ts";
import { gamesOfDay } from "../games/days.ts";
import type { Tables } from "../tables.ts";
import { atLeastNone, balanceOf, readSums } from "./balance.ts";
import { MAX_GRANTS_A_DAY, otherDays } from "./limits.ts";
import { type AllowanceRules, personDay, personSpan } from "./rules.ts";
import { crossed, levelOf, type LimitedBalance, thresholdEvent } from "./thresholds.ts";

/** A grant to be made, or one to be undone. */
export type WantedGrant =
  | {
    extra_min: number;
    date?: Day | undefined;
    reason?: string | undefined;
    made_by?: string | undefined;
  }
  | { undoes: Id; made_by?: string | undefined };

export interface BookOptions {
  tables: Tables;
  rules: AllowanceRules;
  clock: Clock;
  hub: Hub;
  ids: () => Id;
  deviceId: Id;
  logEvent: StreamDeps["logEvent"];
  /** Called inside the `write` of a grant made on this machine. */
  onMade: () => void;
  /** Called after the commit of a grant. */
  onGranted: () => void;
}

export class AllowanceBook {
  readonly #store: Store;
  readonly #options: BookOptions;
  /** The lowest balances of a day with a logged threshold: of all play (null) and by game. */
  #lowest: { date: Day; levels: ReadonlyMap<string | null, number> } | undefined;

  constructor(store: Store, options: BookOptions) {
    this.#store = store;
    this.#options = options;
  }

  view(date: Day = this.#today()): AllowanceView {
    const { tables, rules, deviceId } = this.#options;
    const { balance_min, week, limited_by, ...day } = balanceOf(
      readSums(tables, date, this.#options),
      rules,
    );
    return {
      date,
      time_zone: rules.timeZone,
      day_starts_at: rules.startsAt,
      ...day,
      grants: tables.grants.on(deviceId, date),
      left_min: atLeastNone(balance_min),
      over_min: Math.max(0, -(balance_min ?? 0)),
      week,
      limited_by,
      games: this.#games(date),
    };
  }

  /**
   * Makes a grant.
   * @param key of a repeated request: the first grant is returned
   * @throws {Problem}
   */
  async grant(
    wanted: WantedGrant,
    { key }: { key: string | null },
  ): Promise<{ grant: Grant; created: boolean }> {
    const made = "undoes" in wanted ? this.#undo(wanted) : this.#make(wanted, key);
    return await this.#store.write(() => {
      const known = this.#known(made);
      if (known) {
        if (!isRepeated(known, made, wanted)) throw otherGrant(key);
        return { grant: known, created: false };
      }
      this.#checkCount(made);
      this.apply([made]);
      this.#options.onMade();
      return { grant: made, created: true };
    });
  }

  /** Stores grants of this machine or the cloud; returns the number of new ones. Called inside `write`. */
  apply(grants: Iterable<Grant>): number {
    const { tables, hub, deviceId, onGranted } = this.#options;
    const added: Grant[] = [];
    for (const grant of grants) if (tables.grants.add(grant)) added.push(grant);
    const days = new Map(added.map((each) => [`${each.date} ${each.device_id}`, each]));
    for (const { device_id, date } of days.values()) {
      const rollup = tables.rollups.get(device_id, date);
      if (!rollup) continue;
      const grantedMs = tables.grants.grantedMs(device_id, { from: date, to: date });
      tables.rollups.put(
        rollupOf({ ...rollup, usedMs: msOfMinutes(rollup.minutes_used), grantedMs }),
      );
    }
    const own = added.filter(({ device_id }) => device_id === deviceId);
    if (own.length > 0) {
      this.#store.afterCommit(() => {
        onGranted();
        for (const grant of own) hub.publish("allowance", { grant });
      });
      this.#check();
    }
    return added.length;
  }

  /** Called inside the `write` of heartbeats. */
  played(heartbeats: readonly Heartbeat[]): void {
    if (!this.#isWatched()) return;
    const lastOfDays = new Map(
      heartbeats.filter(({ is_playing }) => is_playing).map(({ timestamp_utc }) =>
        [personDay(msOf(timestamp_utc), this.#options.rules), timestamp_utc] as const
      ),
    );
    for (const [date, at] of lastOfDays) this.#fire(date, at);
  }

  /** Logs the thresholds of today's play by changed rules, and at a start. Never rejects. */
  async checkRules(): Promise<void> {
    this.#lowest = undefined;
    try {
      await this.#store.write(() => this.#check());
    } catch (error) {
      logger("playtime").warn("The next heartbeat checks the allowance: {error}", { error });
    }
  }

  #check(): void {
    if (this.#isWatched()) this.#fire(this.#today(), instantOf(this.#options.clock.now()));
  }

  #isWatched(): boolean {
    const { daily, weeklyMin, warnMin, games } = this.#options.rules;
    return warnMin.length > 0 && (daily !== null || weeklyMin !== null || games.size > 0);
  }

  /** Logs the thresholds that a day has crossed: those of all play, then those of each game. */
  #fire(date: Day, at: Instant): void {
    const { rules, hub, deviceId, logEvent } = this.#options;
    const levels = new Map(this.#lowest?.date === date ? this.#lowest.levels : []);
    const events = this.#limits(date).flatMap(({ label, balance }) => {
      const level = levelOf(balance);
      const lowest = levels.get(label) ?? Infinity;
      // A day without play has no events.
      if (balance.used_min === 0 || level >= lowest) return [];
      levels.set(label, level);
      return crossed(lowest, level, rules.warnMin)
        .map((each) => logEvent(thresholdEvent(each, { deviceId, date, balance, at, label })));
    }).filter((event) => event !== undefined);
    this.#store.afterCommit(() => {
      this.#lowest = { date, levels };
      for (const event of events) hub.publish("allowance", { event });
    });
  }

  /** The limits of a day: of all play (label null), and of games. */
  #limits(date: Day): { label: string | null; balance: LimitedBalance }[] {
    const { tables, rules } = this.#options;
    const limits: { label: string | null; balance: LimitedBalance }[] = [];
    const all = balanceOf(readSums(tables, date, this.#options), rules);
    if (all.balance_min !== null) {
      limits.push({ label: null, balance: { ...all, balance_min: all.balance_min } });
    }
    if (rules.games.size === 0) return limits;
    for (const { label, allowance_min, used_min } of this.#games(date)) {
      if (allowance_min === null) continue;
      const balance_min = allowance_min - used_min;
      limits.push({
        label,
        balance: { allowance_min, granted_min: 0, used_min, balance_min, limited_by: "day" },
      });
    }
    return limits;
  }

  #games(date: Day): GameAllowance[] {
    const { tables, rules, deviceId } = this.#options;
    return gamesOfDay(tables.games, {
      deviceId,
      date,
      span: personSpan({ from: date, to: date }, rules),
      allowances: rules.games,
    });
  }

  #today(): Day {
    return personDay(this.#options.clock.now(), this.#options.rules);
  }

  #make(wanted: Exclude<WantedGrant, { undoes: Id }>, key: string | null): Grant {
    const { ids, deviceId } = this.#options;
    const { date = this.#today(), extra_min, reason = null, made_by = null } = wanted;
    this.#checkDate(date);
    const id = key === null ? ids() : derivedId(`${deviceId} key ${key}`);
    return { id, date, extra_min, reason, made_by, undoes: null, ...this.#stamps() };
  }

  #undo({ undoes, made_by }: Extract<WantedGrant, { undoes: Id }>): Grant {
    const { tables, deviceId } = this.#options;
    const undone = tables.grants.get(undoes);
    if (!undone || undone.device_id !== deviceId) {
      throw new Problem(404, "No such grant", { detail: `No grant has the id "${undoes}"` });
    }
    return {
      // The same id on every machine: two that undo a grant at the same time undo it once.
      id: derivedId(`undo ${undoes}`),
      date: undone.date,
      extra_min: -undone.extra_min,
      reason: "undo",
      made_by: made_by ?? null,
      undoes,
      ...this.#stamps(),
    };
  }

  #stamps(): Pick<Grant, "device_id" | "created_at" | "updated_at" | "synced_at"> {
    const now = instantOf(this.#options.clock.now());
    const { deviceId } = this.#options;
    return { device_id: deviceId, created_at: now, updated_at: now, synced_at: null };
  }

  #known({ id, undoes }: Grant): Grant | undefined {
    const { grants } = this.#options.tables;
    return (undoes === null ? undefined : grants.undoing(undoes)) ?? grants.get(id);
  }

  /** A grant can always be undone; undoing an undo counts as a grant. */
  #checkCount({ device_id, date, undoes }: Grant): void {
    const { grants } = this.#options.tables;
    const undone = undoes === null ? undefined : grants.get(undoes);
    if (undone?.undoes === null || grants.count(device_id, date) < MAX_GRANTS_A_DAY) return;
    throw new Problem(422, "Too many grants", {
      detail:
        `${date} has ${MAX_GRANTS_A_DAY} grants, no day has more. A grant can still be undone`,
    });
  }

  #checkDate(date: Day): void {
    const today = this.#today();
    const days = otherDays(date, today);
    if (days === undefined) return;
    const message = `${days}: today is ${today} on this machine`;
    throw new Problem(400, "Invalid request", {
      detail: `body field "date": ${message}`,
      extra: { errors: [{ field: "date", message }] },
    });
  }
}

/** Whether a request with a known key wants the same grant. Without a date it means the first request's. */
function isRepeated(known: Grant, made: Grant, wanted: WantedGrant): boolean {
  if ("undoes" in wanted) return known.undoes === made.undoes;
  return known.undoes === null && known.extra_min === made.extra_min &&
    known.reason === made.reason && known.made_by === made.made_by &&
    (wanted.date === undefined || known.date === made.date);
}

function otherGrant(key: string | null): Problem {
  return new Problem(422, "Idempotency-Key used twice", {
    detail: `A different grant was made with the key "${key}". Send a new key with a new grant`,
  });
}

/**
 * What a person asked of a device, with its outcome and time. The protocols send it, each in its own way:
 *
 *     waiting ──► sent ──► done
 *        │         ├─────► failed     the device refused, or did not answer
 *        └─────────┴─────► expired    it was not asked within an hour, or did not say that it is done
 *
 * @module
 */
import type { CommandName, CommandState, DeviceCommand } from "../../../contract/attendance.ts";
import { type Clock, instantOf, logger, msOf } from "../../../core/mod.ts";
import { LIMIT, type RawRow, type Statement, type Store } from "../../../store/mod.ts";

export interface DeviceCommandsOptions {
  clock: Clock;
  /** Called with the serial number after a command has changed. */
  onChange?: (sn: string) => void;
}

/** A device that comes back later than this is not restarted out of the blue. */
const MAX_OPEN_MS = 60 * 60_000;
/** Commands of a device that wait or were sent, and commands of it that are kept. */
const MAX_OPEN = 500;
const MAX_KEPT = 1_000;

export class TooManyCommands extends Error {
  override readonly name = "TooManyCommands";
}

export class DeviceCommands {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onChange: (sn: string) => void;
  /** Those that wait or were sent, oldest first. */
  readonly #open = new Map<string, DeviceCommand[]>();
  /** Changed, and not written yet. */
  readonly #unsaved = new Map<number, DeviceCommand>();
  readonly #write: Statement;
  readonly #list: Statement;
  readonly #trim: Statement;
  #lastId: number;

  constructor(store: Store, { clock, onChange = () => {} }: DeviceCommandsOptions) {
    const { db } = store;
    this.#store = store;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#write = db.prepare(
      `INSERT OR REPLACE INTO device_commands
         (id, device_sn, command, person_id, state, result, asked_at, ended_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#list = db.prepare(
      `SELECT * FROM device_commands WHERE device_sn = ? ORDER BY id DESC ${LIMIT}`,
    );
    this.#trim = db.prepare(
      `DELETE FROM device_commands WHERE device_sn = ?1 AND id <= (
         SELECT id FROM device_commands WHERE device_sn = ?1 ORDER BY id DESC LIMIT 1 OFFSET ${MAX_KEPT})`,
    );
    this.#lastId = Number(db.prepare("SELECT max(id) AS id FROM device_commands").get()?.id ?? 0);
    const open = db.prepare("SELECT * FROM device_commands WHERE ended_at IS NULL ORDER BY id");
    for (const row of open.all()) this.#openOf(String(row.device_sn)).push(asCommand(row));
  }

  /** The next number by which a device names a command; the agent's own commands have numbers, too. */
  nextId(): number {
    return ++this.#lastId;
  }

  /**
   * Asks something of a device; the same that is open already is not asked twice.
   * @throws {TooManyCommands}
   */
  async ask(sn: string, command: CommandName, personId: string | null): Promise<DeviceCommand> {
    const open = this.#openOf(sn);
    const same = open.find((other) => other.command === command && other.person_id === personId);
    if (same) return same;
    if (open.length >= MAX_OPEN) throw new TooManyCommands();
    const asked: DeviceCommand = {
      id: this.nextId(),
      device_sn: sn,
      command,
      person_id: personId,
      state: "waiting",
      result: null,
      asked_at: instantOf(this.#clock.now()),
      ended_at: null,
    };
    await this.#store.write(() => {
      this.#save(asked);
      this.#trim.run(sn);
    }, { durable: true });
    open.push(asked);
    this.#onChange(sn);
    return asked;
  }

  /** The device's commands that wait or were sent, oldest first. */
  open(sn: string): readonly DeviceCommand[] {
    return this.#open.get(sn) ?? [];
  }

  /** The newest first. */
  list(sn: string, limit: number): DeviceCommand[] {
    return this.#list.all(sn, limit).map((row) =>
      this.#unsaved.get(Number(row.id)) ?? asCommand(row)
    );
  }

  /** The command is on its way to the device. */
  sent(command: DeviceCommand): void {
    if (command.state === "waiting") this.#change(command, "sent", null);
  }

  end(command: DeviceCommand, state: "done" | "failed" | "expired", result: string): void {
    const open = this.#openOf(command.device_sn);
    if (!open.includes(command)) return;
    open.splice(open.indexOf(command), 1);
    command.ended_at = instantOf(this.#clock.now());
    this.#change(command, state, result);
  }

  /** The device has evidently restarted, where it was asked to, or sends all it holds, for whatever reason. */
  settle(sn: string, name: "restart" | "read_log", result: string): void {
    for (const command of [...this.open(sn)]) {
      if (command.command !== name || (name === "restart" && command.state !== "sent")) continue;
      this.end(command, "done", result);
    }
  }

  /** Ends what has been open for too long; called every few seconds. */
  sweep(): void {
    const before = this.#clock.now() - MAX_OPEN_MS;
    for (const open of this.#open.values()) {
      for (const command of [...open]) {
        if (msOf(command.asked_at) > before) break;
        const result = command.state === "sent"
          ? "the device did not say within an hour that it is done"
          : "the device did not ask for it within an hour";
        this.end(command, "expired", result);
      }
    }
  }

  /** The device was removed, and what is kept of it deleted. */
  forget(sn: string): void {
    this.#open.delete(sn);
    this.#forgetUnsaved(({ device_sn }) => device_sn === sn);
  }

  /** A person was erased with these ids, and what is kept of the person deleted. */
  forgetPerson(ids: readonly string[]): void {
    const isOf = ({ person_id }: DeviceCommand) => person_id !== null && ids.includes(person_id);
    for (const [sn, open] of this.#open) {
      this.#open.set(sn, open.filter((command) => !isOf(command)));
    }
    this.#forgetUnsaved(isOf);
  }

  #forgetUnsaved(isForgotten: (command: DeviceCommand) => boolean): void {
    for (const command of this.#unsaved.values()) {
      if (isForgotten(command)) this.#unsaved.delete(command.id);
    }
  }

  #openOf(sn: string): DeviceCommand[] {
    const open = this.#open.get(sn) ?? [];
    this.#open.set(sn, open);
    return open;
  }

  /** Written behind: after a kill, a command is sent again at worst. */
  #change(command: DeviceCommand, state: CommandState, result: string | null): void {
    command.state = state;
    command.result = result;
    this.#unsaved.set(command.id, command);
    this.#store.write(() => {
      // It may be forgotten since.
      if (!this.#unsaved.has(command.id)) return;
      this.#save(command);
      this.#store.afterCommit(() => this.#unsaved.delete(command.id));
    }).catch((error) =>
      logger("attendance").error("Cannot keep the outcome of a command to {sn}: {error}", {
        sn: command.device_sn,
        error,
      })
    );
    this.#onChange(command.device_sn);
  }

  #save(command: DeviceCommand): void {
    const { id, device_sn, person_id, state, result, asked_at, ended_at } = command;
    this.#write.run(id, device_sn, command.command, person_id, state, result, asked_at, ended_at);
  }
}

function asCommand(row: RawRow): DeviceCommand {
  // The columns are those of `#save`, with its types.
  return { ...row } as unknown as DeviceCommand;
}

/** The punches behind a day of the sheet, and their corrections: each with who made it and why. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { AttendanceDay, Correction, Punch } from "../../../contract/attendance.ts";
import { ask, change } from "../../live/api.ts";
import { useAction, useAnswer } from "../../live/hooks.ts";
import { editor } from "../../live/state.ts";
import { doorTime } from "../../model/attendance.ts";
import { dayName } from "../../model/format.ts";
import { dayAt, wallInstant } from "../../model/zones.ts";
import { Dialog } from "../dialog.tsx";
import { Choice, TextInput } from "../forms.tsx";
import { Failed, Instead } from "../parts.tsx";

const MAX_PUNCHES = 200;
const MAX_CHARACTERS = 200;
const REQUIRED = { required: true, maxLength: MAX_CHARACTERS };

const KINDS: Readonly<Record<Correction["kind"], string>> = {
  add: "added",
  strike: "struck out",
  restore: "restored",
};

export function PunchesDialog({ day, names, close }: {
  day: AttendanceDay;
  /** Names of devices. */
  names: ReadonlyMap<string, string>;
  close: () => void;
}): VNode {
  const { person_id, date, time_zone } = day;
  // A night shift ends on the next day.
  const to = day.last_out ? dayAt(Date.parse(day.last_out), time_zone) : date;
  const query = `person=${
    encodeURIComponent(person_id)
  }&from=${date}&to=${to}&limit=${MAX_PUNCHES}`;
  const read = useAnswer(
    async (signal) => {
      const [punches, corrections] = await Promise.all([
        ask<Punch[]>(`/punches?${query}`, { signal }),
        ask<Correction[]>(`/punches/corrections?${query}`, { signal }),
      ]);
      return { punches, corrections };
    },
    { key: query, topics: ["presence", "corrections"] },
  );
  const action = useAction();
  const form = useRef<HTMLFormElement>(null);
  const reason = useSignal("");
  const time = useSignal(`${date}T12:00`);
  const direction = useSignal("");
  const correct = (what: Record<string, unknown>) =>
    action.run(async () => {
      await change("/punches/corrections", { ...what, reason: reason.value, by: editor.value });
      read.reload();
    });
  const add = (event: Event) => {
    event.preventDefault();
    const at = wallInstant(Date.parse(`${time.value}Z`), time_zone);
    void correct({
      kind: "add",
      person_id,
      at: new Date(at).toISOString(),
      ...(direction.value === "" ? {} : { direction: direction.value }),
    });
  };
  const decide = ({ id, struck }: Punch) => {
    // Who and why are asked for; the time is only that of an added punch.
    const missing = [...form.current!.querySelectorAll<HTMLInputElement>("input[name]")]
      .some((input) => !input.reportValidity());
    if (!missing) void correct({ kind: struck ? "restore" : "strike", punch_id: id });
  };
  return (
    <Dialog title={`${day.name ?? person_id}, ${dayName(date)}`} close={close}>
      <Instead
        what="the punches"
        answer={read}
        empty={read.value?.punches.length === 0 && "No punches."}
      >
        <ul class="rows day-punches" aria-label={`Punches, times of ${time_zone}`}>
          {read.value?.punches.toReversed().map((punch) => (
            <li key={punch.id} class={punch.struck ? "struck" : ""}>
              <time dateTime={punch.punched_at}>{doorTime(punch.punched_at, day)}</time>
              <span>{punch.direction ?? "–"}</span>
              <span class="quiet grow">{names.get(punch.device_sn) ?? punch.device_sn}</span>
              {punch.time_suspect && <span class="tag warn">clock?</span>}
              {punch.struck && <span class="tag warn">struck out</span>}
              {punch.added_by !== null && <span class="tag">added</span>}
              <button
                type="button"
                disabled={action.busy}
                aria-label={`${punch.struck ? "Restore" : "Strike out"} ${
                  doorTime(punch.punched_at, day)
                }`}
                onClick={() =>
                  decide(punch)}
              >
                {punch.struck ? "Restore" : "Strike out"}
              </button>
            </li>
          ))}
        </ul>
      </Instead>
      <form class="tools" ref={form} onSubmit={add}>
        <TextInput label="Your name" text={editor} name="by" {...REQUIRED} />
        <TextInput
          label="Reason for the correction"
          text={reason}
          name="reason"
          grow
          {...REQUIRED}
        />
        <label>
          <span>Time of a missing punch</span>
          <input
            type="datetime-local"
            required
            value={time.value}
            onInput={({ currentTarget }) => void (time.value = currentTarget.value)}
          />
        </label>
        <Choice label="Direction" value={direction}>
          <option value="">By the rule</option>
          <option value="in">In</option>
          <option value="out">Out</option>
        </Choice>
        <button type="submit" class="primary" disabled={action.busy}>Add punch</button>
      </form>
      {action.error && <Failed what="correct the punches" error={action.error} />}
      {(read.value?.corrections.length ?? 0) > 0 && (
        <ul class="rows" aria-label="Corrections">
          {read.value?.corrections.map((each) => (
            <li key={each.id} class="quiet">
              {doorTime(each.punched_at, day)} {KINDS[each.kind]} by {each.by}: {each.reason}
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}

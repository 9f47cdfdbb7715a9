/** The punches behind a day of the sheet. @module */
import type { VNode } from "preact";
import type { AttendanceDay, Punch } from "../../live/answers.ts";
import { ask } from "../../live/api.ts";
import { useAnswer } from "../../live/hooks.ts";
import { doorTime } from "../../model/attendance.ts";
import { dayName } from "../../model/format.ts";
import { dayOf } from "../../model/zones.ts";
import { Dialog } from "../dialog.tsx";
import { Instead } from "../parts.tsx";

const MAX_PUNCHES = 200;

export function PunchesDialog({ day, names, close }: {
  day: AttendanceDay;
  /** Names of devices. */
  names: ReadonlyMap<string, string>;
  close: () => void;
}): VNode {
  const { person_id, date, time_zone } = day;
  const person = day.name ?? person_id;
  // A night shift ends on the next day.
  const to = day.last_out ? dayOf(Date.parse(day.last_out), time_zone) : date;
  const punches = useAnswer(
    (signal) =>
      ask<Punch[]>(
        `/punches?person=${
          encodeURIComponent(person_id)
        }&from=${date}&to=${to}&limit=${MAX_PUNCHES}`,
        { signal },
      ),
    { key: to, topics: ["punches", "presence", "corrections"] },
  );
  return (
    <Dialog title={`${person}, ${dayName(date)}`} close={close}>
      <Instead
        answer={punches}
        {...(punches.value?.length === 0 ? { empty: "No punches." } : {})}
      >
        <ul class="rows day-punches" aria-label="Punches">
          {punches.value?.toReversed().map((punch) => (
            <li key={punch.id}>
              <time dateTime={punch.punched_at}>{doorTime(punch.punched_at, day)}</time>
              <span>{punch.direction ?? "–"}</span>
              <span class="quiet grow">{names.get(punch.device_sn) ?? punch.device_sn}</span>
              {punch.time_suspect && <span class="tag warn">clock?</span>}
            </li>
          ))}
        </ul>
      </Instead>
      <p class="quiet">Times of {time_zone}.</p>
    </Dialog>
  );
}

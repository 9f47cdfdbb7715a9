/** The people of attendance: searched, named, imported from a list. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Person } from "../../../contract/attendance.ts";
import { usePeople } from "../../live/attendance.ts";
import { searchPeople } from "../../model/attendance.ts";
import { number } from "../../model/format.ts";
import { TextInput } from "../forms.tsx";
import { Card, Columns, Instead } from "../parts.tsx";
import { PeopleImportDialog } from "./people_import.tsx";
import { PersonDialog } from "./person_dialog.tsx";

const SOURCES: Readonly<Record<Person["source"], string>> = {
  device: "device",
  import: "list",
  person: "person",
};

export function PeopleView(): VNode {
  const people = usePeople();
  const search = useSignal("");
  const withLeft = useSignal(false);
  /** Null: none; `new`: a person to be added. */
  const open = useSignal<Person | "new" | null>(null);
  const importing = useSignal(false);
  const list = useRef<HTMLDivElement>(null);
  // The row that the dialog was opened from may be gone when it closes.
  useEffect(() => {
    if (!open.value) return;
    return () => {
      if (document.activeElement === document.body) list.current?.focus();
    };
  }, [open.value]);
  const all = people.value ?? [];
  const shown = useMemo(
    () => searchPeople(all, { text: search.value, withLeft: withLeft.value }),
    [people.value, search.value, withLeft.value],
  );
  return (
    <>
      <div class="tools">
        <TextInput
          label="Search"
          text={search}
          type="search"
          placeholder="Name, id or department"
          grow
        />
        <label class="check">
          <input
            type="checkbox"
            checked={withLeft.value}
            onChange={({ currentTarget }) => void (withLeft.value = currentTarget.checked)}
          />
          <span>With those who have left</span>
        </label>
        <button type="button" onClick={() => void (open.value = "new")}>Add person</button>
        <button type="button" onClick={() => void (importing.value = true)}>Import CSV</button>
      </div>
      <Card
        title="People"
        aside={
          <small class="quiet" role="status">
            {people.value &&
              (shown.length === all.length
                ? number(all.length)
                : `${number(shown.length)} of ${number(all.length)}`)}
          </small>
        }
      >
        <Instead
          what="the people"
          answer={people}
          empty={all.length === 0
            ? "No people yet. A device's first punch adds its person."
            : shown.length === 0 && "Nobody matches this search."}
        >
          <div
            class="scroll tall"
            ref={list}
            tabIndex={0}
            role="region"
            aria-label="List of people"
          >
            <table class="table">
              <Columns names={["Name", "Ids", "Department", "Name from"]} />
              <tbody>
                {shown.map((person) => (
                  <tr key={person.person_id}>
                    <th scope="row">
                      <button
                        type="button"
                        class="link"
                        aria-label={`Change ${person.name ?? person.person_id}`}
                        onClick={() => void (open.value = person)}
                      >
                        {person.name ?? "no name"}
                      </button>
                      {!person.active && <span class="tag">left</span>}
                    </th>
                    <td>{[person.person_id, ...person.aliases].join(", ")}</td>
                    <td>{person.department}</td>
                    <td class="quiet">{SOURCES[person.source]}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Instead>
      </Card>
      {importing.value && (
        <PeopleImportDialog
          changed={people.reload}
          close={() => void (importing.value = false)}
        />
      )}
      {open.value && (
        <PersonDialog
          key={open.value === "new" ? "" : open.value.person_id}
          person={open.value === "new" ? null : open.value}
          changed={people.reload}
          close={() => void (open.value = null)}
        />
      )}
    </>
  );
}

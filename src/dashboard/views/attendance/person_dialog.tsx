/** One person: changed, handed out, erased. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Erased, Person } from "../../../contract/attendance.ts";
import { change } from "../../live/api.ts";
import { useAction } from "../../live/hooks.ts";
import { number } from "../../model/format.ts";
import { Dialog } from "../dialog.tsx";
import { Form } from "../forms.tsx";
import { Failed } from "../parts.tsx";

const MAX_CHARACTERS = 100;

export function PersonDialog({ person, changed, close }: {
  /** Null: a person to be added. */
  person: Person | null;
  changed: () => void;
  close: () => void;
}): VNode {
  const action = useAction();
  const erasing = useSignal(false);
  const save = (text: (name: string) => string, fields: FormData) => {
    const id = person?.person_id ?? text("id");
    void action.run(async () => {
      await change(`/people/${encodeURIComponent(id)}`, {
        name: text("name") || null,
        department: text("department") || null,
        active: fields.has("active"),
        aliases: text("aliases").split(/[\s,;]+/).filter((alias) => alias !== ""),
      }, "PUT");
      changed();
      close();
    });
  };
  const title = person ? person.name ?? person.person_id : "Add a person";
  if (person && erasing.value) {
    const keep = () => void (erasing.value = false);
    return (
      <Dialog title={title} close={close}>
        <ErasePerson person={person} changed={changed} keep={keep} />
      </Dialog>
    );
  }
  return (
    <Dialog title={title} close={close}>
      <Form kind="fields" submit={save}>
        {!person && (
          <label>
            <span>Id, as the devices number the person</span>
            <input name="id" required maxLength={64} pattern="\S+" />
          </label>
        )}
        <label>
          <span>Name</span>
          <input name="name" defaultValue={person?.name ?? ""} maxLength={MAX_CHARACTERS} />
        </label>
        <label>
          <span>Department</span>
          <input
            name="department"
            defaultValue={person?.department ?? ""}
            maxLength={MAX_CHARACTERS}
          />
        </label>
        <label>
          <span>Other ids of the same person, separated by commas</span>
          <input name="aliases" defaultValue={person?.aliases.join(", ") ?? ""} />
        </label>
        <label class="check">
          <input type="checkbox" name="active" defaultChecked={person?.active ?? true} />
          <span>Still comes</span>
        </label>
        <button type="submit" class="primary" disabled={action.busy}>Save</button>
      </Form>
      {person && (
        <a
          href={`/people/${encodeURIComponent(person.person_id)}/export`}
          download={`person-${person.person_id}.json`}
        >
          Download everything kept of this person
        </a>
      )}
      {person && (
        <button type="button" onClick={() => void (erasing.value = true)}>
          Erase this person
        </button>
      )}
      {action.error && <Failed what="save the person" error={action.error} />}
    </Dialog>
  );
}

/** Says what is deleted before it is, and what was deleted. The focus is on the words: readers hear them first. */
function ErasePerson({ person, changed, keep }: {
  person: Person;
  changed: () => void;
  keep: () => void;
}) {
  const { person_id, name, aliases } = person;
  const action = useAction();
  const erased = useSignal<Erased | null>(null);
  const words = useRef<HTMLParagraphElement>(null);
  useEffect(() => words.current?.focus(), [erased.value]);
  const erase = () =>
    action.run(async () => {
      erased.value = await change<Erased>(`/people/${encodeURIComponent(person_id)}/erase`);
      changed();
    });
  if (erased.value) {
    const { punches, corrections, events } = erased.value;
    return (
      <p ref={words} tabIndex={-1}>
        Erased: {number(punches)} punches, {number(corrections)} corrections, {number(events)}{" "}
        other reports of devices.
      </p>
    );
  }
  return (
    <div class="fields" role="group" aria-label="Erase this person">
      <p ref={words} tabIndex={-1}>
        Everything kept of {name ?? "this person"}{" "}
        is deleted and cannot be restored: name, department, ids{" "}
        {[person_id, ...aliases].join(", ")}, all punches, their corrections, and what devices
        reported. Supabase deletes it with the next sync. Backups, an endpoint of your own and the
        devices keep what they have: delete the person on the devices first, or they send it again.
      </p>
      <div class="tools">
        <button type="button" disabled={action.busy} onClick={keep}>Keep</button>
        <button type="button" class="danger" disabled={action.busy} onClick={erase}>
          Erase for good
        </button>
      </div>
      {action.error && <Failed what="erase the person" error={action.error} />}
    </div>
  );
}

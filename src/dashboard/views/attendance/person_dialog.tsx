/** A person's name, department, other ids, and whether the person still comes. @module */
import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import type { Person } from "../../live/answers.ts";
import { change } from "../../live/api.ts";
import { useAction } from "../../live/hooks.ts";
import { Dialog } from "../dialog.tsx";
import { Failed } from "../parts.tsx";

const MAX_CHARACTERS = 100;

export function PersonDialog({ person, changed, close }: {
  /** Null: a person to be added. */
  person: Person | null;
  changed: () => void;
  close: () => void;
}): VNode {
  const action = useAction();
  const form = useRef<HTMLFormElement>(null);
  const save = (event: Event) => {
    event.preventDefault();
    const fields = new FormData(form.current!);
    const text = (name: string) => String(fields.get(name) ?? "").trim();
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
  return (
    <Dialog title={person ? person.name ?? person.person_id : "Add a person"} close={close}>
      <form class="fields" ref={form} onSubmit={save}>
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
      </form>
      {person && (
        <a
          href={`/people/${encodeURIComponent(person.person_id)}/export`}
          download={`person-${person.person_id}.json`}
        >
          Download everything kept of this person
        </a>
      )}
      {action.error && <Failed what="save the person" error={action.error} />}
    </Dialog>
  );
}

/** People from a list: what it would change is shown before anything is changed. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import type { PeopleImport, Person } from "../../../contract/attendance.ts";
import { ask } from "../../live/api.ts";
import { useAction } from "../../live/hooks.ts";
import { number } from "../../model/format.ts";
import { personChanges } from "../../model/attendance.ts";
import { Dialog } from "../dialog.tsx";
import { Failed } from "../parts.tsx";

/** Rows of each kind that are listed. */
const LISTED = 100;

export function PeopleImportDialog({ changed, close }: {
  changed: () => void;
  close: () => void;
}): VNode {
  const file = useSignal<File | null>(null);
  const result = useSignal<{ applied: boolean; found: PeopleImport } | null>(null);
  const action = useAction();
  const send = (list: File, applied: boolean) =>
    action.run(async () => {
      const found = await ask<PeopleImport>(`/people/import${applied ? "" : "?dry_run=true"}`, {
        method: "POST",
        headers: { "content-type": "text/csv" },
        body: list,
      });
      result.value = { applied, found };
      if (applied) changed();
    });
  const pick = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    const chosen = currentTarget.files?.[0] ?? null;
    file.value = chosen;
    result.value = null;
    if (chosen) void send(chosen, false);
  };
  const { applied, found } = result.value ?? {};
  const changes = (found?.added.length ?? 0) + (found?.changed.length ?? 0);
  return (
    <Dialog title="Import people" close={close}>
      <label>
        <span>
          A CSV file whose first line names its columns: id, name, department, active, aliases
        </span>
        <input type="file" accept=".csv,text/csv,text/plain" onChange={pick} />
      </label>
      {action.error && <Failed what="read the list" error={action.error} />}
      {found && (
        <div class="fields">
          <p role="status">
            <b>{applied ? "Imported." : "Nothing is changed yet."}</b> {number(found.added.length)}
            {" "}
            added, {number(found.changed.length)} changed, {number(found.unchanged)} unchanged,{" "}
            {number(found.problems.length)} not usable.
          </p>
          <div class="scroll" tabIndex={0} role="region" aria-label="What the list changes">
            <Group
              name="Not usable"
              lines={found.problems.map(({ line, message }) => `Line ${line}: ${message}`)}
            />
            <Group
              name="Changed"
              lines={found.changed.map(({ person_id, before, after }) =>
                `${person_id}: ${personChanges(before, after).join(", ")}`
              )}
            />
            <Group name="Added" lines={found.added.map(described)} />
          </div>
        </div>
      )}
      {found && !applied && changes > 0 && (
        <button
          type="button"
          class="primary"
          disabled={action.busy}
          onClick={() => file.value && send(file.value, true)}
        >
          Import {number(changes)}
        </button>
      )}
    </Dialog>
  );
}

function Group({ name, lines }: { name: string; lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <>
      <h3>{name}</h3>
      <ul class="rows">
        {lines.slice(0, LISTED).map((line) => <li key={line}>{line}</li>)}
        {lines.length > LISTED && <li class="quiet">and {number(lines.length - LISTED)} more</li>}
      </ul>
    </>
  );
}

function described({ person_id, name, department }: Person): string {
  return [person_id, name, department].filter((field) => field !== null).join(", ");
}

/** A record's fields, each to be changed by its type; for a new record, those that the table's records have. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { ask, change } from "../../live/api.ts";
import { useAction } from "../../live/hooks.ts";
import { isRefusal } from "../../source/source.ts";
import {
  changedFields,
  type Field,
  fieldOf,
  FormError,
  ownNames,
  type RecordRow,
  typeOf,
  TYPES,
} from "../../model/records.ts";
import { Dialog } from "../dialog.tsx";
import { Form, TextInput } from "../forms.tsx";
import { Ago, Failed, SureButton } from "../parts.tsx";

const NEW_FIELD: Field = { name: "", type: "text", text: "", added: true };

export function RecordDialog({ table, opened, now, like, changed, close }: {
  table: string;
  /** The record as it was opened; null: a new one. */
  opened: RecordRow | null;
  /** The same as it is now. */
  now: RecordRow | undefined;
  /** A record whose fields a new one begins with. */
  like: RecordRow | undefined;
  changed: () => void;
  close: () => void;
}): VNode {
  const action = useAction();
  const record = useSignal(opened);
  const id = useSignal("");
  const fields = useSignal(opened ? fieldsOf(opened) : emptyFields(like));
  const known = record.value;
  const path = known && pathOf(table, known.id);
  const newer = known && now && now.updated_at !== known.updated_at ? now : null;

  const done = (work: () => Promise<unknown>) =>
    void action.run(async () => {
      await work();
      changed();
      close();
    });
  const save = () =>
    done(async () => {
      const values = changedFields(fields.value, known);
      if (path !== null) {
        if (Object.keys(values).length > 0) await change(path, values, "PATCH");
      } else if (id.value === "") await change(`/records/${table}`, values);
      else {
        await requireFree(table, id.value);
        await change(pathOf(table, id.value), values, "PUT");
      }
    });
  const set = (at: number, field: Partial<Field>) =>
    void (fields.value = fields.value.map((each, index) =>
      index === at ? { ...each, ...field } : each
    ));

  return (
    <Dialog title={known ? `${table} ${known.id}` : `New record of ${table}`} close={close}>
      {newer && (
        <p class="why warn" role="status">
          It was changed <Ago at={newer.updated_at} />, not here.{" "}
          <button
            type="button"
            onClick={() => {
              record.value = newer;
              fields.value = fieldsOf(newer);
            }}
          >
            Load it as it is now
          </button>
        </p>
      )}
      <Form kind="fields" submit={save}>
        {!known && <TextInput label="Id (empty: one is made)" text={id} maxLength={200} />}
        {fields.value.map((field, index) => (
          <FieldRow
            key={index}
            field={field}
            set={(changed) => set(index, changed)}
          />
        ))}
        <button
          type="button"
          onClick={() => void (fields.value = [...fields.value, NEW_FIELD])}
        >
          Add a field
        </button>
        <button type="submit" class="primary" disabled={action.busy}>Save</button>
      </Form>
      {path !== null && (
        <SureButton
          name="Delete"
          question="Delete it here and in the cloud?"
          disabled={action.busy}
          run={() => done(() => change(path, undefined, "DELETE"))}
        />
      )}
      {action.error instanceof FormError
        ? <p class="failed" role="alert">{action.error.message}</p>
        : action.error && <Failed what="change the record" error={action.error} />}
    </Dialog>
  );
}

function FieldRow(
  { field: { name, type, text, added }, set }: {
    field: Field;
    set: (field: Partial<Field>) => void;
  },
) {
  const typed = ({ currentTarget }: { currentTarget: { value: string } }) =>
    set({ text: currentTarget.value });
  const label = name || "the new field";
  return (
    <fieldset class="field">
      <legend>
        {!added ? name : (
          <input
            aria-label="Name of the field"
            placeholder="Name"
            value={name}
            maxLength={63}
            onInput={({ currentTarget }) => set({ name: currentTarget.value.trim() })}
          />
        )}
      </legend>
      <select
        aria-label={`Type of ${label}`}
        value={type}
        onChange={({ currentTarget }) => {
          const chosen = currentTarget.value as Field["type"];
          set({ type: chosen, ...(chosen === "yes/no" ? { text: String(text === "true") } : {}) });
        }}
      >
        {TYPES.map((each) => <option key={each}>{each}</option>)}
      </select>
      {type === "yes/no"
        ? (
          <select aria-label={label} value={text} onChange={typed}>
            <option value="true">yes</option>
            <option value="false">no</option>
          </select>
        )
        : type === "JSON" || (type === "text" && (text.length > 60 || text.includes("\n")))
        ? <textarea aria-label={label} rows={4} value={text} onInput={typed} />
        : type === "nothing"
        ? <span class="quiet">no value</span>
        : (
          <input
            aria-label={label}
            inputMode={type === "number" ? "decimal" : "text"}
            value={text}
            onInput={typed}
          />
        )}
    </fieldset>
  );
}

function fieldsOf(record: RecordRow): Field[] {
  return ownNames([record]).map((name) => fieldOf(name, record[name]));
}

/** Those of another record, without its values. */
function emptyFields(like: RecordRow | undefined): Field[] {
  const names = like ? ownNames([like]) : [];
  return names.map((name) => {
    const type = typeOf(like?.[name]);
    const text = type === "yes/no" ? "false" : type === "number" ? "0" : "";
    return { name, type: type === "JSON" ? "nothing" : type, text };
  });
}

/** A new record must not take another's place. */
async function requireFree(table: string, id: string): Promise<void> {
  try {
    await ask(pathOf(table, id));
  } catch (error) {
    if (isRefusal(error) && error.status === 404) return;
    throw error;
  }
  throw new FormError(`There is a record with the id ${id} already: open it to change it`);
}

function pathOf(table: string, id: string): string {
  return `/records/${table}/${encodeURIComponent(id)}`;
}

/** The records of a table: found by a field, opened to be changed, added. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import type { RecordTable } from "../../../contract/records.ts";
import { number } from "../../model/format.ts";
import { ownNames, type RecordRow } from "../../model/records.ts";
import { Form } from "../forms.tsx";
import { Card, Instead } from "../parts.tsx";
import { RecordDialog } from "./record_dialog.tsx";
import { RecordList } from "./record_list.tsx";
import { useRecords } from "./use_records.ts";

export function TableView({ table: { name, rows } }: { table: RecordTable }): VNode {
  const wanted = useSignal({ field: "id", text: "" });
  const { field, text } = wanted.value;
  const filtered = text !== "";
  const records = useRecords(name, filtered ? { [field]: text } : {});
  const all = records.value?.rows ?? [];
  const names = useSignal<readonly string[]>([]);
  // A filter that finds nothing does not take the names away.
  if (all.length > 0 && !filtered) names.value = ownNames(all.slice(0, 1_000));
  const columns = names.value;
  const open = useSignal<{ id: string | null; record: RecordRow | null } | null>(null);
  const find = (_: unknown, fields: FormData) =>
    void (wanted.value = { field: String(fields.get("field")), text: String(fields.get("text")) });
  return (
    <>
      <Form submit={find}>
        <label>
          <span>Field</span>
          <select name="field" defaultValue={field}>
            {["id", ...columns].map((name) => <option key={name}>{name}</option>)}
          </select>
        </label>
        <label class="grow">
          <span>Is</span>
          <input
            type="search"
            name="text"
            placeholder="Its whole text, such as true or 12"
            onInput={({ currentTarget }) => {
              if (currentTarget.value === "") wanted.value = { field, text: "" };
            }}
          />
        </label>
        <button type="submit">Find</button>
        <button type="button" onClick={() => void (open.value = { id: null, record: null })}>
          New record
        </button>
      </Form>
      <Card
        title={name}
        aside={
          <small class="quiet" role="status">
            {records.value && counted(all.length, { total: rows, filtered, ...records.value })}
          </small>
        }
      >
        <Instead
          what={`the records of ${name}`}
          answer={records}
          empty={all.length === 0 && (filtered
            ? `No record whose ${field} is “${text}”.`
            : "No records yet. Add one here, by a program, or in the cloud.")}
        >
          <RecordList
            name={name}
            records={all}
            columns={columns}
            onOpen={(record) => void (open.value = { id: record.id, record })}
          />
        </Instead>
      </Card>
      {open.value && (
        <RecordDialog
          key={open.value.id ?? ""}
          table={name}
          opened={open.value.record}
          now={all.find(({ id }) => id === open.value?.id)}
          like={all[0]}
          changed={records.reload}
          close={() =>
            void (open.value = null)}
        />
      )}
    </>
  );
}

function counted(
  shown: number,
  { total, filtered, more }: { total: number; filtered: boolean; more: boolean },
): string {
  if (filtered) return `${number(shown)}${more ? " and more" : ""} of ${number(total)}`;
  return more && shown < total
    ? `the first ${number(shown)} of ${number(total)}: find others by a field`
    : number(shown);
}

/** Records of a table. @module */
import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import { zone } from "../../live/state.ts";
import { fullTime, number } from "../../model/format.ts";
import { type RecordRow, valueText } from "../../model/records.ts";
import { LongList } from "../long_list.tsx";

/** Fields of a record in its row; all of them are in its form. */
const MAX_COLUMNS = 4;

export function RecordList({ name, records, columns, onOpen }: {
  name: string;
  records: readonly RecordRow[];
  columns: readonly string[];
  onOpen: (record: RecordRow) => void;
}): VNode {
  const shown = columns.slice(0, MAX_COLUMNS);
  return (
    <LongList
      kind="records"
      label={`${number(records.length)} records of ${name}, by id`}
      box={useRef<HTMLDivElement>(null)}
      items={records}
      columns={shown.length}
      head={
        <div class="record head" aria-hidden="true">
          <b>id</b>
          {shown.map((column) => <b key={column}>{column}</b>)}
        </div>
      }
      idOf={({ id }) => id}
    >
      {(record) => (
        <button
          type="button"
          class="record"
          title={`Changed ${fullTime(Date.parse(record.updated_at), zone.value)}`}
          onClick={() => onOpen(record)}
        >
          <b>{record.id}</b>
          {shown.map((column) => (
            <span key={column}>
              <span class="hidden">{column}:</span> {short(valueText(record[column]))}
            </span>
          ))}
        </button>
      )}
    </LongList>
  );
}

/** A text of a megabyte would be laid out as a whole to be cut off. */
function short(text: string): string {
  return text.slice(0, 200);
}

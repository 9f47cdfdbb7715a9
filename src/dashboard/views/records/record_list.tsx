/** Records by the thousand: only the rows in view are drawn. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { visibleRows } from "../../model/feed.ts";
import { fullTime, number } from "../../model/format.ts";
import { zone } from "../../live/state.ts";
import { type RecordRow, valueText } from "../../model/records.ts";

/** Fields of a record in its row; all of them are in its form. */
const MAX_COLUMNS = 4;

export function RecordList({ name, records, columns, onOpen }: {
  name: string;
  records: readonly RecordRow[];
  columns: readonly string[];
  onOpen: (record: RecordRow) => void;
}): VNode {
  const box = useRef<HTMLDivElement>(null);
  const view = useSignal({ scrollTop: 0, height: 480 });
  const rowHeight = useSignal(rowHeightNow());
  const measure = ({ scrollTop, clientHeight }: HTMLElement) => {
    rowHeight.value = rowHeightNow();
    view.value = { scrollTop, height: clientHeight };
  };
  useEffect(() => {
    const element = box.current!;
    const resized = new ResizeObserver(() => measure(element));
    resized.observe(element);
    return () => resized.disconnect();
  }, []);

  const shown = columns.slice(0, MAX_COLUMNS);
  const count = records.length;
  const { from, to } = visibleRows({ ...view.value, rowHeight: rowHeight.value, count });
  return (
    <div
      class="records"
      ref={box}
      tabIndex={0}
      role="region"
      aria-label={`${number(count)} records of ${name}, by id`}
      style={{ "--columns": shown.length }}
      onScroll={({ currentTarget }) => measure(currentTarget)}
    >
      <div class="record head" aria-hidden="true">
        <b>id</b>
        {shown.map((column) => <b key={column}>{column}</b>)}
      </div>
      <ol style={{ height: `${count * rowHeight.value}px` }}>
        {records.slice(from, to).map((record, index) => (
          <li
            key={record.id}
            aria-posinset={from + index + 1}
            aria-setsize={count}
            style={{ transform: `translateY(${(from + index) * rowHeight.value}px)` }}
          >
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
          </li>
        ))}
      </ol>
    </div>
  );
}

/** A text of a megabyte would be laid out as a whole to be cut off. */
function short(text: string): string {
  return text.slice(0, 200);
}

/** As the style sheet has it: two lines on a phone. */
function rowHeightNow(): number {
  return matchMedia("(max-width: 40rem)").matches ? 64 : 40;
}

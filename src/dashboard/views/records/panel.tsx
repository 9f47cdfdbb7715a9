/** Records: the tables, the rows of one, and the conflicts. @module */
import type { VNode } from "preact";
import type { RecordTable } from "../../../contract/records.ts";
import { ask } from "../../live/api.ts";
import { useAnswer } from "../../live/hooks.ts";
import { section } from "../../live/state.ts";
import { counted, number } from "../../model/format.ts";
import { Ago, Card, Dot, Instead, Sections } from "../parts.tsx";
import { ConflictsCard } from "./conflicts.tsx";
import { TableView } from "./table.tsx";

export function RecordsPanel(): VNode {
  const tables = useAnswer((signal) => ask<RecordTable[]>("/records", { signal }), {
    topics: ["records", "sync"],
  });
  const shown = tables.value?.find(({ name }) => name === section.value);
  return (
    <>
      <Sections
        panel="records"
        label="Records"
        names={["", ...tables.value?.map(({ name }) => name) ?? []]}
        shown={shown?.name ?? ""}
      >
        {(name) => name || "Overview"}
      </Sections>
      {shown ? <TableView key={shown.name} table={shown} /> : (
        <>
          <Card title="Tables">
            <Instead what="the tables of records" answer={tables}>
              <ul class="rows">
                {tables.value?.map((table) => <Row key={table.name} table={table} />)}
              </ul>
            </Instead>
          </Card>
          <ConflictsCard changed={tables.reload} />
        </>
      )}
    </>
  );
}

function Row({ table }: { table: RecordTable }) {
  const { name, rows, waiting, conflicts, changed_at } = table;
  return (
    <li>
      <a class="grow" href={`#records/${name}`}>{name}</a>
      {conflicts > 0 && (
        <span>
          <Dot tone="warn" />
          {counted(conflicts, "conflict")}
        </span>
      )}
      {waiting > 0 && <span class="quiet">{number(waiting)} waiting for the cloud</span>}
      <span>{counted(rows, "record")}</span>
      <span class="quiet">
        {changed_at === null ? "empty" : (
          <>
            changed <Ago at={changed_at} />
          </>
        )}
      </span>
    </li>
  );
}

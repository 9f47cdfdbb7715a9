/** The records of a machine as the cloud has them, read-only. @module */
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { cloud, machine } from "../../live/cloud.ts";
import { useSource } from "../../live/hooks.ts";
import { section } from "../../live/state.ts";
import { number } from "../../model/format.ts";
import { ownNames, type RecordRow, valueText } from "../../model/records.ts";
import { Dialog } from "../dialog.tsx";
import { Card, Facts, Instead, Sections } from "../parts.tsx";
import { RecordList } from "../records/record_list.tsx";

export function AwayRecords(): VNode {
  const open = useSignal<RecordRow | null>(null);
  const answer = useSource(
    (_source, signal) => cloud.value!.records(machine.value!).newest({ signal }),
    { topics: ["records"] },
  );
  const tables = [...answer.value ?? []];
  const [name, records] = tables.find(([name]) => name === section.value) ?? tables[0] ?? ["", []];
  return (
    <>
      <Sections
        panel="records"
        label="Records"
        names={tables.map(([each]) => each)}
        shown={name}
      />
      <Card
        title={name || "Records"}
        aside={<small class="quiet">{number(records.length)}, the newest first</small>}
      >
        <Instead
          what="the records"
          answer={answer}
          empty={records.length === 0 && "No records in the cloud."}
        >
          <RecordList
            key={name}
            name={name}
            records={records}
            columns={ownNames(records)}
            onOpen={(record) => void (open.value = record)}
          />
        </Instead>
      </Card>
      {open.value && (
        <Dialog title={open.value.id} close={() => void (open.value = null)}>
          <Facts
            facts={Object.entries(open.value).map(([name, value]) => [name, valueText(value)])}
          />
        </Dialog>
      )}
    </>
  );
}

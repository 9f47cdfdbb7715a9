/** The records of a machine that only the cloud tells of: to be read. @module */
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { cloud, machine } from "../../live/cloud.ts";
import { useSource } from "../../live/hooks.ts";
import { section } from "../../live/state.ts";
import { number } from "../../model/format.ts";
import { ownNames, type RecordRow, valueText } from "../../model/records.ts";
import { Dialog } from "../dialog.tsx";
import { Card, Instead } from "../parts.tsx";
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
    <div class="stack">
      <nav class="sections" aria-label="Records">
        {tables.map(([each]) => (
          <a
            key={each}
            href={`#records/${each}`}
            aria-current={each === name ? "page" : undefined}
          >
            {each}
          </a>
        ))}
      </nav>
      <Card
        title={name || "Records"}
        aside={<small class="quiet">{number(records.length)}, the newest first</small>}
      >
        <Instead
          what="the records"
          answer={answer}
          {...(records.length > 0 ? {} : { empty: "No records in the cloud." })}
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
          <dl class="facts">
            {Object.entries(open.value).map(([field, value]) => (
              <div key={field}>
                <dt>{field}</dt>
                <dd>{valueText(value)}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      )}
    </div>
  );
}

/** Messages of devices that could not be parsed; shows nothing while there are none. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import type { QuarantineEntry } from "../../../contract/attendance.ts";
import { ask, change } from "../../live/api.ts";
import { useAction, useAnswer } from "../../live/hooks.ts";
import { number } from "../../model/format.ts";
import { Ago, Card, Failed } from "../parts.tsx";

const SHOWN = 10;
const MAX_CHARACTERS = 120;

export function QuarantineCard(): VNode | null {
  // The warning of it changes with it.
  const entries = useAnswer(
    (signal) => ask<QuarantineEntry[]>(`/quarantine?limit=${SHOWN}`, { signal }),
    { topics: ["warnings"] },
  );
  const action = useAction();
  const outcome = useSignal("");
  if (!entries.value?.length && outcome.value === "") return null;
  const retry = () =>
    action.run(async () => {
      const { understood, left } = await change<{ understood: number; left: number }>(
        "/quarantine/retry",
        { all: true },
      );
      outcome.value = `${number(understood)} understood now, ${number(left)} still not.`;
    }).then(entries.reload);
  return (
    <Card
      title="Not understood"
      aside={<small class="quiet">kept, and acknowledged to the device</small>}
    >
      <ul class="quarantine">
        {entries.value?.map(({ id, device_sn, reason, raw, received_at }) => (
          <li key={id}>
            <Ago at={received_at} />
            <b>{device_sn}</b>
            <span class="tag warn">{reason}</span>
            <code class="grow">{raw.slice(0, MAX_CHARACTERS)}</code>
          </li>
        ))}
      </ul>
      <div class="tools">
        <button type="button" disabled={action.busy} onClick={retry}>Read all again</button>
        {outcome.value !== "" && <span class="quiet" role="status">{outcome.value}</span>}
      </div>
      {action.error && <Failed what="read it again" error={action.error} />}
    </Card>
  );
}

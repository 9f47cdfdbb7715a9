/** Conflicts: what both sides had made of a record, whose it became, and the way back to the other version. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import type { Conflict } from "../../../contract/records.ts";
import { ask, change } from "../../live/api.ts";
import { refresh } from "../../live/follow.ts";
import { useAction, useAnswer } from "../../live/hooks.ts";
import { zone } from "../../live/state.ts";
import { fullTime, number } from "../../model/format.ts";
import { valueText } from "../../model/records.ts";
import { Ago, Card, Dot, Failed, Instead, SureButton } from "../parts.tsx";

const PAGE_CONFLICTS = 100;
/** As many as `/sync/conflicts` answers at once. */
const MAX_CONFLICTS = 1_000;

const KINDS: Readonly<Record<Conflict["kind"], string>> = {
  "edit/edit": "Edited on both sides",
  "delete/edit": "Deleted here, edited in the cloud",
  "edit/delete": "Edited here, deleted in the cloud",
};

export function ConflictsCard({ changed }: { changed: () => void }): VNode {
  const most = useSignal(PAGE_CONFLICTS);
  const answer = useAnswer(
    (signal) => ask<Conflict[]>(`/sync/conflicts?limit=${most.value}`, { signal }),
    { key: String(most.value), topics: ["records", "sync"], keep: "conflicts" },
  );
  const action = useAction();
  const act = (work: () => Promise<unknown>) => () =>
    void action.run(work).then(() => {
      answer.reload();
      changed();
      return refresh();
    });
  const see = (which: { ids: number[] } | { all: true }) => change("/sync/conflicts/seen", which);
  const conflicts = answer.value ?? [];
  const more = conflicts.length === most.value;
  return (
    <Card
      title="Conflicts"
      aside={
        <div class="tools">
          {conflicts.length > 0 && (
            <small class="quiet">
              {more ? `the newest ${number(conflicts.length)}` : number(conflicts.length)}
            </small>
          )}
          {conflicts.some(({ seen }) => !seen) && (
            <button
              type="button"
              disabled={action.busy}
              onClick={act(() => see({ all: true }))}
            >
              Mark all as seen
            </button>
          )}
        </div>
      }
    >
      {action.error && <Failed what="change this conflict" error={action.error} />}
      <Instead
        what="the conflicts"
        answer={answer}
        empty={conflicts.length === 0 &&
          "No conflicts. When both sides change a record, the later change wins, and the other is kept here."}
      >
        <ul class="conflicts">
          {conflicts.map((conflict, index) => (
            <li key={conflict.id}>
              <details open={index === 0}>
                <summary>
                  {!conflict.seen && (
                    <>
                      <Dot tone="warn" />
                      <span class="hidden">Not seen:</span>
                    </>
                  )}
                  <b>{conflict.table} {conflict.record_id}</b>
                  <span class="quiet grow">{KINDS[conflict.kind]}</span>
                  <span class="tag">
                    {conflict.winner === "local" ? "this computer won" : "the cloud won"}
                  </span>
                  <span class="quiet">
                    <Ago at={conflict.at} />
                  </span>
                </summary>
                <Sides conflict={conflict} />
                <div class="tools">
                  {!conflict.seen && (
                    <button
                      type="button"
                      disabled={action.busy}
                      onClick={act(() => see({ ids: [conflict.id] }))}
                    >
                      Seen
                    </button>
                  )}
                  <SureButton
                    name={conflict.winner === "local"
                      ? "Take the cloud's version"
                      : "Take this computer's version"}
                    question="Edit the record to be that again?"
                    disabled={action.busy}
                    run={act(async () => {
                      await takeOther(conflict);
                      await see({ ids: [conflict.id] });
                    })}
                  />
                </div>
              </details>
            </li>
          ))}
        </ul>
        {more && most.value < MAX_CONFLICTS && (
          <button
            type="button"
            onClick={() => void (most.value = MAX_CONFLICTS)}
          >
            Show older
          </button>
        )}
      </Instead>
    </Card>
  );
}

/** The version that lost, as a new edit of the record. */
function takeOther({ table, record_id, winner, local, remote }: Conflict): Promise<unknown> {
  const other = winner === "local" ? remote : local;
  const path = `/records/${table}/${encodeURIComponent(record_id)}`;
  return typeof other.deleted_at === "string"
    ? change(path, undefined, "DELETE")
    : change(path, other, "PUT");
}

function Sides({ conflict }: { conflict: Conflict }) {
  const { local, remote, winner } = conflict;
  const names = [...new Set([...Object.keys(local), ...Object.keys(remote)])];
  const differ = names.filter((name) => valueText(local[name]) !== valueText(remote[name]));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Both sides">
      <table class="table sides">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">
              This computer{winner === "local" && " (kept)"}
              <small>{fullTime(Date.parse(conflict.local_updated_at), zone.value)}</small>
            </th>
            <th scope="col">
              Cloud{winner === "remote" && " (kept)"}
              <small>{fullTime(Date.parse(conflict.remote_updated_at), zone.value)}</small>
            </th>
          </tr>
        </thead>
        <tbody>
          {differ.map((name) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class={winner === "local" ? "kept" : ""}>{valueText(local[name])}</td>
              <td class={winner === "remote" ? "kept" : ""}>{valueText(remote[name])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

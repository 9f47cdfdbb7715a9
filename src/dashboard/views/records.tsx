/** Conflicts to read: what both sides had made of a record, and whose it became. @module */
import type { VNode } from "preact";
import type { Conflict } from "../live/answers.ts";
import { ask } from "../live/api.ts";
import { zone } from "../live/state.ts";
import { useAnswer } from "../live/hooks.ts";
import { moment, number } from "../model/format.ts";
import { Ago, Card, Instead } from "./parts.tsx";

const MOST = 100;

const KINDS: Readonly<Record<Conflict["kind"], string>> = {
  "edit/edit": "Edited on both sides",
  "delete/edit": "Deleted here, edited in the cloud",
  "edit/delete": "Edited here, deleted in the cloud",
};

export function RecordsPanel(): VNode {
  const answer = useAnswer(
    (signal) => ask<Conflict[]>(`/sync/conflicts?limit=${MOST}`, { signal }),
    { topics: ["records", "sync"] },
  );
  const count = answer.value?.length ?? 0;
  return (
    <Card
      title="Conflicts"
      aside={count > 0 && (
        <small class="quiet">
          {count === MOST ? `the newest ${number(MOST)}` : number(count)}
        </small>
      )}
    >
      <Instead
        answer={answer}
        {...(count === 0
          ? {
            empty:
              "No conflicts. When both sides change a record, the later change wins, and the other is kept here.",
          }
          : {})}
      >
        <ul class="conflicts">
          {answer.value?.map((conflict, index) => (
            <li key={conflict.id}>
              <details open={index === 0}>
                <summary>
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
              </details>
            </li>
          ))}
        </ul>
      </Instead>
    </Card>
  );
}

function Sides({ conflict }: { conflict: Conflict }) {
  const { local, remote, winner } = conflict;
  const names = [...new Set([...Object.keys(local), ...Object.keys(remote)])];
  const differ = names.filter((name) => text(local[name]) !== text(remote[name]));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Both sides">
      <table class="table sides">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">
              This computer{winner === "local" && " (kept)"}
              <small>{moment(Date.parse(conflict.local_updated_at), zone.value)}</small>
            </th>
            <th scope="col">
              Cloud{winner === "remote" && " (kept)"}
              <small>{moment(Date.parse(conflict.remote_updated_at), zone.value)}</small>
            </th>
          </tr>
        </thead>
        <tbody>
          {differ.map((name) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class={winner === "local" ? "kept" : ""}>{text(local[name])}</td>
              <td class={winner === "remote" ? "kept" : ""}>{text(remote[name])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function text(value: unknown): string {
  if (value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What an approved device can be asked to do, and how each request ended. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import type { DeviceCommand, DeviceReport } from "../../../contract/attendance.ts";
import { ask, change } from "../../live/api.ts";
import { useAction, useAnswer } from "../../live/hooks.ts";
import { usePeople } from "../../live/attendance.ts";
import { Choice } from "../forms.tsx";
import { Ago, Failed, Instead } from "../parts.tsx";

const SHOWN = 10;

const NAMES: Readonly<Record<DeviceCommand["command"], string>> = {
  set_clock: "Set its clock",
  read_log: "Fetch punches again",
  restart: "Restart",
  send_name: "Send a name",
};

const STATES: Readonly<Record<DeviceCommand["state"], { words: string; kind: string }>> = {
  waiting: { words: "waits for the device", kind: "" },
  sent: { words: "sent, not confirmed yet", kind: "" },
  done: { words: "done", kind: "good" },
  failed: { words: "failed", kind: "warn" },
  expired: { words: "expired", kind: "warn" },
};

export function CommandsPanel({ device: { sn } }: { device: DeviceReport }): VNode {
  const path = `/devices/${encodeURIComponent(sn)}/commands`;
  const commands = useAnswer(
    (signal) => ask<DeviceCommand[]>(`${path}?limit=${SHOWN}`, { signal }),
    { topics: ["devices"] },
  );
  const people = usePeople().value?.filter(({ name, active }) => name !== null && active) ?? [];
  const person = useSignal("");
  const action = useAction();
  const request = (command: DeviceCommand["command"]) =>
    action.run(() =>
      change(path, { command, ...(command === "send_name" ? { person_id: person.value } : {}) })
    ).then(commands.reload);
  const nameOf = (id: string | null) =>
    people.find(({ person_id }) => person_id === id)?.name ?? id;
  return (
    <section aria-label={`Commands for ${sn}`}>
      <div class="tools">
        {(["set_clock", "read_log", "restart"] as const).map((command) => (
          <button
            type="button"
            key={command}
            disabled={action.busy}
            onClick={() => request(command)}
          >
            {NAMES[command]}
          </button>
        ))}
        <Choice label="Name to send" value={person}>
          <option value="">Choose a person</option>
          {people.map(({ person_id, name }) => (
            <option key={person_id} value={person_id}>{name}</option>
          ))}
        </Choice>
        <button
          type="button"
          disabled={action.busy || person.value === ""}
          onClick={() => request("send_name")}
        >
          Send name
        </button>
      </div>
      {action.error && <Failed what="send the command" error={action.error} />}
      <Instead
        what="the commands"
        answer={commands}
        empty={commands.value?.length === 0 && "Nothing was asked of it yet."}
      >
        <ul class="rows commands" aria-live="polite">
          {commands.value?.map(({ id, command, person_id, state, result, asked_at, ended_at }) => (
            <li key={id}>
              <b>{NAMES[command]}{person_id !== null && `: ${nameOf(person_id)}`}</b>
              <span class={`tag ${STATES[state].kind}`}>{STATES[state].words}</span>
              <span class="quiet grow">{result}</span>
              <span class="quiet">
                {ended_at === null ? "asked " : ""}
                <Ago at={ended_at ?? asked_at} />
              </span>
            </li>
          ))}
        </ul>
      </Instead>
    </section>
  );
}

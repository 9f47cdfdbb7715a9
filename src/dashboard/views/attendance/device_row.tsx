/** One attendance device: how it is, and what can be done about it. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import type { DeviceReport } from "../../../contract/attendance.ts";
import { change } from "../../live/api.ts";
import { useAction } from "../../live/hooks.ts";
import { duration, number } from "../../model/format.ts";
import { Form } from "../forms.tsx";
import { Dot, Facts, Failed, SureButton } from "../parts.tsx";
import { CommandsPanel } from "./device_commands.tsx";
import { DeviceSettings } from "./device_settings.tsx";
import { deviceHealth, StateText } from "./device_state.tsx";

export function DeviceRow(
  { device, changed }: { device: DeviceReport; changed: () => void },
): VNode {
  const { sn, state } = device;
  const action = useAction();
  const opened = useSignal(false);
  const approved = state === "online" || state === "offline";
  const path = `/devices/${encodeURIComponent(sn)}`;
  const act = (what: "approve" | "refuse", body?: unknown) =>
    action.run(() => change(`${path}/${what}`, body)).then(changed);
  const form = (
    <Form
      submit={(text) =>
        void act("approve", text("name") === "" ? undefined : { name: text("name") })}
    >
      <label class="grow">
        <span>Name for {sn}</span>
        <input
          name="name"
          defaultValue={device.name ?? ""}
          maxLength={100}
          placeholder="Front door"
        />
      </label>
      <button type="submit" class="primary" disabled={action.busy}>Approve</button>
      <button type="button" disabled={action.busy} onClick={() => act("refuse")}>Refuse</button>
    </Form>
  );
  return (
    <li>
      <div class="device">
        <Dot tone={deviceHealth(device).tone} />
        <div class="grow">
          <b>{device.name ?? sn}</b>
          <span class="quiet">
            <StateText device={device} />
          </span>
        </div>
        <Facts
          facts={[
            ["Serial", sn],
            ["Role", device.role === "both" ? null : device.role],
            ["Model", device.model],
            ["Address", device.address],
            ["Holds", device.backlog ? `${number(device.backlog)} punches` : null],
            ["Clock", skew(device.skew_ms)],
            ["Sent", device.first_line],
          ]}
        />
        {state === "refused" && (
          <button
            type="button"
            disabled={action.busy}
            onClick={() => act("approve")}
          >
            Approve after all
          </button>
        )}
        {!approved && state !== "pending" && (
          <SureButton
            name="Remove"
            question="Remove it? Its punches stay."
            disabled={action.busy}
            run={() => action.run(() => change(path, undefined, "DELETE")).then(changed)}
          />
        )}
      </div>
      {state === "pending" && form}
      {approved && (
        <details onToggle={({ currentTarget }) => void (opened.value = currentTarget.open)}>
          <summary>Change {device.name ?? sn}</summary>
          {opened.value && (
            <>
              <DeviceSettings device={device} changed={changed} />
              <CommandsPanel device={device} />
            </>
          )}
        </details>
      )}
      {approved && device.other_address !== null && (
        <div class="tools">
          <p class="grow">
            {device.other_address}{" "}
            uses its serial number too: punches from there are stored, nothing else is believed.
          </p>
          <button
            type="button"
            disabled={action.busy}
            onClick={() => act("approve", { address: device.other_address })}
          >
            It has moved there
          </button>
        </div>
      )}
      {action.error && <Failed what="change the device" error={action.error} />}
    </li>
  );
}

/** A clock that is off by less than this is right enough. */
const SKEW_SHOWN_MS = 60_000;

function skew(ms: number | null): string | null {
  if (ms === null || Math.abs(ms) < SKEW_SHOWN_MS) return null;
  return `${duration(Math.abs(ms) / 60_000)} ${ms > 0 ? "ahead" : "behind"}`;
}

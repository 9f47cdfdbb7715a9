/** What a person decides about an approved device: its name, role and time zone, and whether it stays. @module */
import type { VNode } from "preact";
import type { DeviceReport } from "../../../contract/attendance.ts";
import { change } from "../../live/api.ts";
import { useAction } from "../../live/hooks.ts";
import { Form } from "../forms.tsx";
import { Failed, SureButton } from "../parts.tsx";

const ROLES: Readonly<Record<DeviceReport["role"], string>> = {
  both: "Entrance and exit",
  entrance: "Entrance",
  exit: "Exit",
};

export function DeviceSettings({ device, changed }: {
  device: DeviceReport;
  changed: () => void;
}): VNode {
  const { sn } = device;
  const path = `/devices/${encodeURIComponent(sn)}`;
  const action = useAction();
  const save = (text: (name: string) => string) => {
    const given = {
      name: text("name") || null,
      role: text("role"),
      time_zone: text("time_zone") || null,
    };
    // What the configuration says cannot be changed here: only what is different is sent.
    const differing = Object.entries(given).filter(([key, value]) =>
      value !== device[key as keyof typeof given]
    );
    if (differing.length === 0) return;
    void action.run(async () => {
      await change(path, Object.fromEntries(differing), "PATCH");
      changed();
    });
  };
  return (
    <>
      <Form submit={save}>
        <label class="grow">
          <span>Name of {sn}</span>
          <input name="name" defaultValue={device.name ?? ""} maxLength={100} />
        </label>
        <label>
          <span>Role</span>
          <select name="role" defaultValue={device.role}>
            {Object.entries(ROLES).map(([role, words]) => (
              <option key={role} value={role} selected={role === device.role}>{words}</option>
            ))}
          </select>
        </label>
        <label>
          <span>Time zone of its clock</span>
          <input name="time_zone" defaultValue={device.time_zone} maxLength={64} />
        </label>
        <button type="submit" class="primary" disabled={action.busy}>Save</button>
        <button
          type="button"
          disabled={action.busy}
          onClick={() => action.run(() => change(`${path}/refuse`)).then(changed)}
        >
          Refuse
        </button>
        <SureButton
          name="Remove"
          question="Remove it? Its punches stay."
          disabled={action.busy}
          run={() => action.run(() => change(path, undefined, "DELETE")).then(changed)}
        />
      </Form>
      {action.error && <Failed what="save the device" error={action.error} />}
    </>
  );
}

/**
 * Who is inside now, the devices' states and the latest punches. What a printer gets of it is the list for an
 * emergency: it needs no internet, and names its time and the devices whose punches may be missing.
 * @module
 */
import type { VNode } from "preact";
import { useComputed } from "@preact/signals";
import type { Presence } from "../../../contract/attendance.ts";
import { ask } from "../../live/api.ts";
import { useDevices } from "../../live/attendance.ts";
import { type Answer, useAnswer, useSource } from "../../live/hooks.ts";
import { machineStatus, nowMs, todayMs, zone } from "../../live/state.ts";
import { fullTime, number, stamp } from "../../model/format.ts";
import { dayAt, dayStart } from "../../model/zones.ts";
import { Card, Dot, Instead } from "../parts.tsx";
import { deviceHealth, StateText } from "./device_state.tsx";

const LATEST = 50;

export function NowView(): VNode {
  // At least once a minute: the list's time is no older, and who has stayed too long leaves it without a message.
  const minute = useComputed(() => Math.floor(nowMs.value / 60_000)).value;
  const presence = useAnswer((signal) => ask<Presence>("/presence", { signal }), {
    key: `${minute}`,
    topics: ["presence", "people", "devices"],
    keep: "presence",
  });
  const devices = useDevices({ keep: "devices" });
  const latest = useSource((source, signal) => source.punches({ limit: LATEST, signal }), {
    topics: ["punches", "people", "corrections"],
    keep: "punches",
  });
  const names = new Map(devices.value?.map(({ sn, name }) => [sn, name ?? sn]));
  return (
    <div class="columns now-columns">
      <Inside presence={presence} />
      <div class="stack screen">
        <Card title="Devices" aside={<small class="quiet">{internet()}</small>}>
          <Instead
            what="the devices"
            answer={devices}
            empty={devices.value?.length === 0 && "No device has connected yet."}
          >
            <ul class="rows states">
              {devices.value?.map((device) => (
                <li key={device.sn}>
                  <span>
                    <Dot tone={deviceHealth(device).tone} />
                    <b>{device.name ?? device.sn}</b>
                  </span>
                  <span class="quiet">
                    <StateText device={device} />
                  </span>
                </li>
              ))}
            </ul>
          </Instead>
        </Card>
        <Card title="Latest punches">
          <Instead
            what="the latest punches"
            answer={latest}
            empty={latest.value?.length === 0 && "No punches yet."}
          >
            <ul class="punches scroll" tabIndex={0} aria-label="Latest punches">
              {latest.value?.map((punch) => (
                <li key={punch.id} class={punch.struck ? "struck" : ""}>
                  <time dateTime={punch.punched_at}>
                    {stamp(Date.parse(punch.punched_at), zone.value, todayMs.value)}
                  </time>
                  <b>{punch.person_name || punch.person_id}</b>
                  <span class="quiet">{punch.direction}</span>
                  <span class="quiet grow">{names.get(punch.device_sn) ?? punch.device_sn}</span>
                  {punch.time_suspect && <span class="tag warn">clock?</span>}
                  {punch.struck && <span class="tag">struck out</span>}
                </li>
              ))}
            </ul>
          </Instead>
        </Card>
      </div>
    </div>
  );
}

function Inside({ presence }: { presence: Answer<Presence> }) {
  const { inside = [], count = 0, made_at, time_zone } = presence.value ?? {};
  const todayStart = time_zone && made_at
    ? dayStart(dayAt(Date.parse(made_at), time_zone), time_zone)
    : 0;
  return (
    <Card
      title={presence.value ? `Inside: ${number(count)}` : "Inside"}
      kind="inside"
      aside={
        <button
          type="button"
          class="screen"
          disabled={!presence.value}
          onClick={() => print()}
        >
          Print emergency list
        </button>
      }
    >
      {presence.value && <Reliability presence={presence.value} />}
      {presence.value && <Unsure presence={presence.value} />}
      <Instead
        what="who is inside"
        answer={presence}
        empty={inside.length === 0 && "Nobody is inside."}
      >
        <div class="scroll tall" tabIndex={0} role="region" aria-label="People inside">
          <table class="table">
            <thead>
              <tr>
                <th scope="col" class="print">Seen</th>
                <th scope="col">Name</th>
                <th scope="col">Since</th>
                <th scope="col">Where</th>
              </tr>
            </thead>
            <tbody>
              {inside.map(({ person_id, name, department, since, device_sn, device_name }) => (
                <tr key={person_id}>
                  <td class="print">☐</td>
                  <th scope="row">
                    {name ?? person_id}
                    {department !== null && <small class="quiet">{department}</small>}
                  </th>
                  <td>
                    <time dateTime={since}>
                      {stamp(Date.parse(since), time_zone, todayStart, "minute")}
                    </time>
                  </td>
                  <td>{device_name ?? device_sn}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Instead>
    </Card>
  );
}

/** Who is not in the list and may have to be. */
function Unsure({ presence: { uncertain, time_zone } }: { presence: Presence }) {
  if (uncertain.length === 0) return null;
  return (
    <div class="unsure">
      <b class="warn-words">May be inside: seen at a device with a wrong clock</b>
      <ul class="rows">
        {uncertain.map(({ person_id, name, department, received_at, device_sn, device_name }) => (
          <li key={person_id}>
            <span>
              <b>{name ?? person_id}</b>{" "}
              {department !== null && <small class="quiet">{department}</small>}
            </span>
            <span class="quiet">
              {device_name ?? device_sn}, sent {fullTime(Date.parse(received_at), time_zone)}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** How far the list can be relied on: when it was made, and which devices it knows nothing of since when. */
function Reliability({ presence }: { presence: Presence }) {
  const { made_at, time_zone, devices_offline } = presence;
  return (
    <p class="quiet reliability">
      As of {fullTime(Date.parse(made_at), time_zone)} ({time_zone}).{" "}
      {devices_offline.length === 0 ? "All devices are online." : (
        <b class="warn-words">
          Offline, so punches may be missing: {devices_offline.map(({ sn, name, last_seen }) =>
            `${name ?? sn} (${
              last_seen === null
                ? "never seen"
                : `since ${fullTime(Date.parse(last_seen), time_zone)}`
            })`
          ).join(", ")}.
        </b>
      )}
    </p>
  );
}

function internet(): string {
  const online = machineStatus.value?.online ?? null;
  return online === null ? "no cloud connected" : online ? "internet up" : "internet down";
}

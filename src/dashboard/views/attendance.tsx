/** Devices, who is here, and the punches as they come. @module */
import type { VNode } from "preact";
import type { Device, Punch } from "../live/answers.ts";
import { ask, askAll } from "../live/api.ts";
import { status, today, todayMs, zone } from "../live/state.ts";
import { useAnswer } from "../live/hooks.ts";
import { clock, number, stamp } from "../model/format.ts";
import { presentOf } from "../model/present.ts";
import { addDays, dayStart } from "../model/zones.ts";
import { DeviceRow } from "./device_row.tsx";
import { Card, Dot, Instead } from "./parts.tsx";
import { Quarantine } from "./quarantine.tsx";

/** A day's punches that the list of people is made of. */
const MOST_PUNCHES = 20_000;
const FEED = 50;
/** A device whose clock is further ahead than this would stand above all others for as long. */
const AHEAD_MS = 86_400_000;

export function AttendancePanel(): VNode {
  const devices = useAnswer((signal) => ask<Device[]>("/devices", { signal }), {
    topics: ["devices"],
  });
  // The reader's day, which may be another than the devices'.
  const [from, to] = [todayMs.value, dayStart(addDays(today.value, 1), zone.value)].map(iso);
  const punches = useAnswer(
    (signal) =>
      askAll<Punch>(`/punches?from=${from}&to=${to}&limit=5000`, { most: MOST_PUNCHES, signal }),
    { key: `${from} ${to}`, topics: ["punches"] },
  );
  const newest = useAnswer(
    (signal) => ask<Punch[]>(`/punches?limit=${FEED}&to=${iso(Date.now() + AHEAD_MS)}`, { signal }),
    { topics: ["punches"] },
  );
  const names = new Map(devices.value?.map(({ sn, name }) => [sn, name ?? sn]));
  const enabled = status.value?.attendance?.enabled ?? false;
  const { listening, addresses } = status.value?.attendance ?? {};
  return (
    <>
      <Card
        title="Devices"
        aside={
          <small class="quiet">
            {listening ? `listening at ${addresses?.join(" or ") || listening}` : "not listening"}
            {" · "}
            {internet()}
          </small>
        }
      >
        <Instead
          answer={devices}
          {...(devices.value?.length === 0
            ? {
              empty: enabled
                ? "No device has called yet. Set the server in its menu to this computer's address and port."
                : (
                  <>
                    Attendance is off. Set <code>attendance.enabled</code> in config.json.
                  </>
                ),
            }
            : {})}
        >
          <ul class="devices">
            {devices.value?.map((device) => (
              <DeviceRow key={device.sn} device={device} changed={devices.reload} />
            ))}
          </ul>
        </Instead>
      </Card>
      <Quarantine />
      <div class="columns">
        <People punches={punches} />
        <Card title="Latest punches">
          <Instead
            answer={newest}
            {...(newest.value?.length === 0 ? { empty: "No punches yet." } : {})}
          >
            <ul class="punches">
              {newest.value?.map((punch) => (
                <li key={punch.id}>
                  <time dateTime={punch.punched_at}>
                    {stamp(Date.parse(punch.punched_at), zone.value, todayMs.value)}
                  </time>
                  <b>{punch.person_name || punch.person_id}</b>
                  <span class="quiet">{direction(punch.in_out)}</span>
                  <span class="quiet grow">{names.get(punch.device_sn) ?? punch.device_sn}</span>
                  {punch.time_suspect && <span class="tag warn">clock?</span>}
                </li>
              ))}
            </ul>
          </Instead>
        </Card>
      </div>
    </>
  );
}

function People({ punches }: { punches: ReturnType<typeof useAnswer<Punch[]>> }) {
  const people = presentOf(punches.value ?? []);
  const left = people.filter(({ inside }) => inside === false).length;
  const words = `${number(people.length - left)} here${left > 0 ? `, ${number(left)} left` : ""}`;
  return (
    <Card
      title="Here today"
      aside={people.length > 0 && <small class="quiet">{words}</small>}
    >
      <Instead
        answer={punches}
        {...(people.length === 0 ? { empty: "Nobody has punched today." } : {})}
      >
        <ul class="people">
          {people.slice(0, 200).map((person) => (
            <li key={person.id}>
              <Dot tone={person.inside === false ? "idle" : "good"} />
              <b class="grow">
                {person.name || person.id}{" "}
                {person.inside === false && <span class="quiet">(left)</span>}
              </b>
              <span class="quiet">
                {clock(Date.parse(person.first), zone.value)}
                {person.punches > 1 && ` – ${clock(Date.parse(person.last), zone.value)}`}
              </span>
            </li>
          ))}
        </ul>
        {people.length > 200 && <p class="quiet">and {number(people.length - 200)} more</p>}
      </Instead>
    </Card>
  );
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function direction(inOut: number | null): string {
  return inOut === 0 ? "in" : inOut === 1 ? "out" : "";
}

function internet(): string {
  const online = status.value?.online ?? null;
  return online === null ? "no cloud connected" : online ? "internet up" : "internet down";
}

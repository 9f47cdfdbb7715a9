/** The page around its panels: header, connection, warnings, navigation, footer. @module */
import { computed, signal } from "@preact/signals";
import type { ComponentChildren, ComponentType, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { account, project } from "../live/cloud.ts";
import { hrefOf, openMachine } from "../live/machine.ts";
import {
  agentZone,
  chosenZone,
  cloudError,
  heardMs,
  type Link,
  link,
  machineStatus,
  nowMs,
  panelId,
} from "../live/state.ts";
import { attention, panelOfWarning } from "../model/attention.ts";
import { bytes, duration, number, relative } from "../model/format.ts";
import { limitOf } from "../model/limit.ts";
import { syncHealth, type Tone } from "../model/health.ts";
import { detectedZone, knownZones } from "../model/zones.ts";
import { AttendancePanel } from "./attendance/panel.tsx";
import { EventsPanel } from "./events/panel.tsx";
import { AwayNotice } from "./fleet/away_notice.tsx";
import { AwayRecords } from "./fleet/away_records.tsx";
import { Choice } from "./forms.tsx";
import { HistoryPanel } from "./history.tsx";
import { Ago, Dot } from "./parts.tsx";
import { RecordsPanel } from "./records/panel.tsx";
import { AccountLine, TokenForm } from "./sign_in.tsx";
import { SyncPanel } from "./sync.tsx";
import { TodayPanel } from "./today.tsx";

/** Whether the page comes from a static host, and the cloud is all there is. */
const isAway = project?.agent === false;

const PANELS: readonly { id: string; name: string; view: ComponentType }[] = [
  { id: "", name: "Today", view: TodayPanel },
  { id: "history", name: "History", view: HistoryPanel },
  { id: "events", name: "Events", view: EventsPanel },
  { id: "attendance", name: "Attendance", view: AttendancePanel },
  { id: "records", name: "Records", view: Records },
  { id: "sync", name: "Sync", view: SyncPanel },
];

/** Records can be edited at the machine; those of the cloud are read-only. */
function Records() {
  return isAway || link.value === "remote" ? <AwayRecords /> : <RecordsPanel />;
}

const LINKS: Readonly<Record<Link, { tone: Tone; words: string }>> = {
  connecting: { tone: "idle", words: "Connecting" },
  live: { tone: "good", words: "LOCAL LIVE" },
  polling: { tone: "warn", words: "Polling" },
  remote: { tone: "warn", words: "REMOTE" },
  offline: { tone: "bad", words: "Offline" },
  locked: { tone: "warn", words: "Locked" },
};

export function App(): VNode {
  const panel = PANELS.find(({ id }) => id === panelId.value) ?? PANELS[0]!;
  const View = panel.view;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${playing.value || panel.name} · ClockBlock`;
  }, [panel, playing.value]);
  useEffect(() => {
    // A reader who follows a link by keyboard or screen reader continues at its target.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
    scrollTo(0, 0);
    // On a phone not all of them fit beside each other.
    document.querySelector("nav [aria-current]")?.scrollIntoView({
      block: "nearest",
      inline: "center",
    });
  }, [panel]);
  const locked = link.value === "locked";
  const linked = isAway && link.value === "offline" && !cloudError.value
    ? "connecting"
    : link.value;
  return (
    <>
      <a class="skip" href="#" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to content
      </a>
      <header class="top">
        <div class="brand">
          <Mark />
          <h1>{isAway && machineStatus.value?.report?.name || "ClockBlock"}</h1>
        </div>
        <div class="pills">
          {machineStatus.value && !machineStatus.value.report && !locked && <SyncPill />}
          <p class="pill" role="status">
            <Dot tone={LINKS[linked].tone} live={linked === "live"} />
            {LINKS[linked].words}
          </p>
        </div>
        {!locked && (
          <nav aria-label="Sections">
            {isAway && (
              <a
                href={hrefOf(null)}
                onClick={(event) => (event.preventDefault(), openMachine(null))}
              >
                ‹ All machines
              </a>
            )}
            {PANELS.map(({ id, name }) => (
              <a key={id} href={`#${id}`} aria-current={id === panel.id ? "page" : undefined}>
                {name}
                <Mention id={id} />
              </a>
            ))}
          </nav>
        )}
      </header>
      <main ref={main} tabIndex={-1} aria-label={panel.name}>
        <Notices />
        {locked ? <TokenForm /> : <View key={panel.id} />}
      </main>
      {!locked && <Foot />}
    </>
  );
}

/** The time left, for the tab's title. */
const playing = computed(() => {
  const { is_playing, today } = machineStatus.value ?? {};
  if (!is_playing || !today) return "";
  const limit = limitOf(today);
  if (limit === null) return `Playing, ${duration(today.minutes_used)}`;
  const left = limit - today.minutes_used;
  return left > 0 ? `${duration(Math.ceil(left))} left` : `${duration(-left)} over`;
});

/** Whether everything is synced, wherever in the page one is. */
function SyncPill() {
  const { tone, short } = syncHealth(machineStatus.value?.sync ?? null);
  return (
    <a class="pill" href="#sync" aria-label={`Sync: ${short}`}>
      <Dot tone={tone} />
      {short}
    </a>
  );
}

/** A dot on a tab whose panel needs attention. */
function Mention({ id }: { id: string }) {
  const tone = machineStatus.value ? attention(machineStatus.value).get(id) : undefined;
  if (tone === undefined) return null;
  return (
    <>
      <Dot tone={tone} />
      <span class="hidden">, needs a look</span>
    </>
  );
}

let loadedVersion: string | undefined;

/** Whether the agent that answers is another version than the one that this page came from. */
const updated = computed(() => {
  loadedVersion ??= machineStatus.value?.version;
  return machineStatus.value !== null && machineStatus.value.version !== loadedVersion;
});

/** On a phone, several warnings would fill the first screen, which shows the time left. */
const phone = matchMedia("(max-width: 40rem)");

/** What a person must know, above everything else: in full on the first screen, in a line elsewhere. */
function Notices() {
  const warnings = machineStatus.value?.warnings ?? [];
  const inFull = warnings.length === 1 || (panelId.value === "" && !phone.matches);
  const offline = link.value === "offline";
  const list = (
    <ul>
      {warnings.map(({ code, message, since }) => (
        <li key={code}>
          <span class="grow">{withCode(message)}</span>
          <Way code={code} />
          <small>
            <Ago at={since} />
          </small>
        </li>
      ))}
    </ul>
  );
  return (
    <>
      {updated.value && (
        <div class="notice" role="status">
          <p>
            The agent is now version {machineStatus.value?.version}.{" "}
            <a href="" onClick={(event) => (event.preventDefault(), location.reload())}>
              Load its page
            </a>
          </p>
        </div>
      )}
      {isAway && <AwayNotice />}
      {offline && !isAway && (
        <div class="notice bad">
          <p>
            <b role="alert">The agent does not answer.</b> {heardMs.value === null
              ? "Is it running?"
              : `It last did ${relative(heardMs.value, nowMs.value)}.`} This page goes on trying.
            {" "}
            {account.value === null
              ? project && "Sign in below to see what the cloud has."
              : cloudError.value?.message}
          </p>
        </div>
      )}
      {link.value === "remote" && !isAway && (
        <div class="notice">
          <p role="status">
            The agent is out of reach: this is what the cloud has.{" "}
            {machineStatus.value?.last_seen && (
              <>
                The machine reported <Ago at={machineStatus.value.last_seen} />.
              </>
            )}
          </p>
        </div>
      )}
      {warnings.length > 0 && (
        <section class="notice" aria-label="Warnings">
          {inFull ? list : (
            <details>
              <summary>{number(warnings.length)} warnings</summary>
              {list}
            </details>
          )}
        </section>
      )}
    </>
  );
}

/** A sentence in which commands stand between backticks. */
function withCode(text: string): ComponentChildren {
  return text.split("`").map((part, index) =>
    index % 2 === 1 ? <code key={index}>{part}</code> : part
  );
}

/** The panel where the cause of a warning can be corrected. */
function Way({ code }: { code: string }) {
  const panel = panelOfWarning(code);
  if (panel === undefined || panel === panelId.value) return null;
  return <a href={`#${panel}`}>Open {PANELS.find(({ id }) => id === panel)?.name}</a>;
}

/** Four hundred of them, made once, and not before there is something to see. */
const zones = signal<VNode[]>([]);
setTimeout(() => void (zones.value = knownZones().map(zoneOption)), 1_000);

function zoneOption(name: string): VNode {
  return (
    <option key={name} value={name}>
      {name === detectedZone() ? `${name} (yours)` : name}
    </option>
  );
}

function Foot() {
  const known = machineStatus.value;
  return (
    <footer class="foot">
      <Choice label="Time zone" value={chosenZone}>
        <option value="">
          {agentZone.value ? `${agentZone.value} (the agent's)` : `${detectedZone()} (yours)`}
        </option>
        {zones.value.length > 0
          ? zones.value
          : chosenZone.value !== "" && zoneOption(chosenZone.value)}
      </Choice>
      {known && (
        <p>
          Version {known.version}
          {known.database && <>· {bytes(known.database.bytes)} of data</>} · device{" "}
          <code>{known.device_id}</code>
          {known.started_at && (
            <>
              · started <Ago at={known.started_at} />
            </>
          )}
        </p>
      )}
      {project && <AccountLine />}
    </footer>
  );
}

export function Mark(): VNode {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect x="2" y="2" width="28" height="28" rx="8" />
      <path d="M16 9v7l5 3" />
    </svg>
  );
}

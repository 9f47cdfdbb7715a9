/** Application events as they happen, and the state that the application last kept. @module */
import type { ComponentChildren, VNode } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import {
  connectLocalLive,
  type LiveSource,
  type LocalEvent,
  type SupabaseOptions,
} from "../../../client/mod.ts";
import { AGENT_MODE } from "../../../contract/agent_mode.ts";
import { whileVisible } from "../../live/while_visible.ts";
import { link, machineStatus, nowMs, zone } from "../../live/state.ts";
import { cloud, machine, project, remote } from "../../live/cloud.ts";
import { useSource } from "../../live/hooks.ts";
import { keepAnswer, keptAnswer } from "../../live/kept.ts";
import { REMOTE_POLL_MS } from "../../live/remote.ts";
import { emptyFeed, type Feed, paused, resumed, withNews } from "../../model/feed.ts";
import { fullTime, number, relative } from "../../model/format.ts";
import { Dialog } from "../dialog.tsx";
import { Choice, TextInput } from "../forms.tsx";
import { EventList, SEVERITIES, severityClass } from "./event_list.tsx";
import { Card, Dot, Facts, Instead, Later, Loading } from "../parts.tsx";

const CAP = 2_000;
const RECENT = 200;
/** Minimum time between two renderings of the list, in milliseconds. */
const DRAW_MS = 100;

export function EventsPanel(): VNode {
  const counts = machineStatus.value?.events?.modes ?? {};
  const chosen = useSignal("");
  const held = useRef("");
  const [busiest] = Object.keys(counts).toSorted((a, b) =>
    weight(b, counts[b]!.last_seq) - weight(a, counts[a]!.last_seq)
  );
  // The first that has an application's events: another that overtakes it later does not take its place.
  if (busiest !== undefined && weight(busiest, counts[busiest]!.last_seq) >= 1) {
    held.current ||= busiest;
  }
  const mode = chosen.value || held.current || busiest;
  if (mode === undefined) {
    if (!machineStatus.value) return link.value === "offline" ? <Later /> : <Loading />;
    return (
      <Card title="Events">
        <div class="empty">This agent takes no events.</div>
      </Card>
    );
  }
  // The cloud knows only modes of which it has events.
  const modes = mode in counts ? Object.keys(counts) : [mode, ...Object.keys(counts)];
  return (
    <>
      <Live
        key={mode}
        mode={mode}
        picker={modes.length > 1 && (
          <label>
            <span>Mode</span>
            <select
              value={mode}
              onChange={({ currentTarget }) => void (chosen.value = currentTarget.value)}
            >
              {modes.map((each) => <option key={each}>{each}</option>)}
            </select>
          </label>
        )}
      />
      <StateCard key={`state-${mode}`} mode={mode} />
    </>
  );
}

/** By how many events a mode is chosen: the agent's own come after an application's. */
function weight(mode: string, lastSeq: number): number {
  return mode === AGENT_MODE ? Math.min(lastSeq, 0.5) : lastSeq;
}

function Live({ mode, picker }: { mode: string; picker: ComponentChildren }) {
  const feed = useSignal<Feed<LocalEvent>>(emptyFeed());
  const badge = useSignal<BadgeState>({ source: null, syncedAt: null });
  const words = useSignal("");
  const severity = useSignal("");
  const open = useSignal<LocalEvent | null>(null);

  /** Whether what is shown was kept by an earlier visit. */
  const recalled = useRef(false);
  const after = useRef<number | undefined>(undefined);
  useEffect(() => {
    let lastSeq = after.current;
    const supabase = supabaseOptions();
    let news: LocalEvent[] = [];
    let drawing: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      drawing = undefined;
      // A burst beyond what is kept would only be thrown away again.
      feed.value = withNews(recalled.current ? emptyFeed() : feed.value, news.slice(-CAP), CAP);
      recalled.current = false;
      news = [];
      keepAnswer("events", { mode, events: feed.value.shown.slice(0, RECENT) });
    };
    const end = whileVisible(() => {
      const from = lastSeq === undefined ? { recent: RECENT } : { sinceSeq: lastSeq };
      const live = connectLocalLive({
        ...(project?.agent === false ? {} : { localUrl: location.origin }),
        ...(supabase ? { supabase } : {}),
        mode,
        ...from,
      });
      live.subscribe(({ events, source, syncedAgo }) => {
        after.current = lastSeq = live.lastSeq;
        const syncedAt = syncedAgo === null ? null : Date.now() - syncedAgo * 1_000;
        badge.value = { source, syncedAt };
        if (events.length === 0) return;
        news.push(...events);
        // Not by a frame, which a hidden page never gets.
        drawing ??= setTimeout(draw, DRAW_MS);
      });
      return () => live.close();
    });
    return () => {
      end();
      if (drawing === undefined) return;
      clearTimeout(drawing);
      draw();
    };
  }, [mode, remote.value]);
  useEffect(() => {
    if (link.value !== "offline" || feed.value.shown.length > 0) return;
    const { value: last } = keptAnswer<{ mode: string; events: LocalEvent[] }>("events") ?? {};
    if (last?.mode !== mode) return;
    // Until the newest can be read: between these and those there may be many.
    recalled.current = true;
    feed.value = withNews(emptyFeed(), last.events.toReversed(), CAP);
  }, [link.value]);

  const { shown, waiting, paused: isPaused } = feed.value;
  const filtered = useMemo(() => {
    const wanted = words.value.trim().toLowerCase();
    return shown.filter((event) =>
      (severity.value === "" || event.severity === severity.value) &&
      (wanted === "" || searchText(event).includes(wanted))
    );
  }, [shown, words.value, severity.value]);

  const all = filtered.length === shown.length;
  return (
    <Card title="Events" aside={<Badge {...badge.value} />} kind="log">
      <div class="tools">
        {picker}
        <TextInput
          label="Filter"
          text={words}
          type="search"
          placeholder="Words in any field"
          grow
        />
        <Choice label="Severity" value={severity}>
          <option value="">any</option>
          {SEVERITIES.map((each) => <option key={each}>{each}</option>)}
        </Choice>
        <button
          type="button"
          aria-pressed={isPaused}
          onClick={() =>
            void (feed.value = isPaused ? resumed(feed.value, CAP) : paused(feed.value))}
        >
          {isPaused ? `Resume (${number(waiting.length)} new)` : "Pause"}
        </button>
      </div>
      {filtered.length > 0
        ? <EventList events={filtered} onOpen={(event) => void (open.value = event)} />
        : shown.length > 0
        ? <div class="empty">No event has all of that.</div>
        : link.value === "offline"
        ? <Later />
        : badge.value.source === null
        ? <Loading />
        : (
          <div class="empty">
            No events in <b>{mode}</b> yet. An application sends them to{" "}
            <code>POST /local/events</code>.
          </div>
        )}
      {shown.length > 0 && (
        <p class="quiet count">
          {all ? number(shown.length) : `${number(filtered.length)} of ${number(shown.length)}`}
          {shown.length === 1 ? " event" : " events"}
          {shown.length === CAP && ", the newest"}
        </p>
      )}
      {open.value && <Details event={open.value} close={() => void (open.value = null)} />}
    </Card>
  );
}

/** Where the events come from while the agent is away. */
function supabaseOptions(): SupabaseOptions | undefined {
  const opened = cloud.value;
  const systemId = machine.value?.systemId;
  if (!project || !opened || remote.value === null || systemId === undefined) return undefined;
  const { url, key, eventsTable, healthTable } = project;
  const accessToken = () => opened.token();
  return { url, key, accessToken, systemId, eventsTable, healthTable, pollMs: REMOTE_POLL_MS };
}

interface BadgeState {
  /** Null before the first answer. */
  source: LiveSource | null;
  syncedAt: number | null;
}

/** Where the events come from. */
function Badge({ source, syncedAt }: BadgeState) {
  if (source === null) return null;
  const names = { local: "LOCAL LIVE", remote: "REMOTE", offline: "OFFLINE" };
  return (
    <div class={`badge ${source}`}>
      <b role="status">
        <Dot tone={source === "local" ? "good" : "warn"} />
        {names[source]}
      </b>
      <small>
        {syncedAt === null
          ? "not synced to a cloud"
          : `synced ${relative(Math.min(syncedAt, nowMs.value), nowMs.value)}`}
      </small>
    </div>
  );
}

function Details({ event, close }: { event: LocalEvent; close: () => void }) {
  const facts: [string, string | null][] = [
    ["Time", fullTime(Date.parse(event.ts), zone.value)],
    ["Sequence", number(event.seq)],
    ["Source", event.source],
    ["Type", event.type],
    ["Symbol", event.symbol],
    ["Key", event.idempotency_key],
  ];
  return (
    <Dialog
      title={event.subtype || event.type}
      aside={<span class={`severity ${severityClass(event.severity)}`}>{event.severity}</span>}
      close={close}
    >
      <p class="event-body">{event.body}</p>
      <Facts facts={facts} />
      {Object.keys(event.meta).length > 0 && (
        <pre tabIndex={0}>{JSON.stringify(event.meta, null, 2)}</pre>
      )}
    </Dialog>
  );
}

function StateCard({ mode }: { mode: string }) {
  const answer = useSource(
    (source, signal) => source.snapshot(mode, { signal }),
    // A snapshot is no news of its own: it is looked for when events come, and every few seconds.
    { key: `${mode}${Math.floor(nowMs.value / 5_000)}`, topics: ["events"] },
  );
  const kept = answer.value ?? null;
  return (
    <Card
      title="State"
      aside={kept !== null && (
        <small class="quiet">{fullTime(Date.parse(kept.at), zone.value)}</small>
      )}
    >
      <Instead
        what="the application's state"
        answer={answer}
        empty={kept === null && (
          <>
            No snapshot. An application keeps one with <code>PUT /local/state</code>.
          </>
        )}
      >
        <pre tabIndex={0} aria-label="State">{JSON.stringify(kept?.state, null, 2)}</pre>
      </Instead>
    </Card>
  );
}

function searchText(event: LocalEvent): string {
  const { subtype, type, body, symbol, source, severity } = event;
  return `${subtype} ${type} ${body} ${symbol ?? ""} ${source} ${severity}`.toLowerCase();
}

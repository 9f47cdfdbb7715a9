/** All machines of an account, those that need a person first. @module */
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { type FleetNews, useFleet } from "./use_fleet.ts";
import {
  FILTERS,
  type FleetFilter,
  type FleetMachine,
  keyOf,
  listed,
  passes,
} from "../../model/fleet.ts";
import { counted, number } from "../../model/format.ts";
import type { Fleet } from "../../source/machines.ts";
import { Segments, TextInput } from "../forms.tsx";
import { Failed, Loading } from "../parts.tsx";
import { machineRow } from "./row.tsx";

const FILTER_NAMES: Readonly<Record<FleetFilter, string>> = {
  all: "All",
  playing: "Playing",
  attention: "Need attention",
  silent: "Silent",
};

export function FleetPanel({ fleet }: { fleet: Fleet }): VNode {
  const { news, reload } = useFleet(fleet);
  const { machines, error } = news.value;
  return (
    <>
      {error && <Failed what="show the machines" error={error} retry={reload} />}
      {machines === undefined
        ? !error && <Loading kind="whole-screen" />
        : machines.size === 0
        ? <div class="empty">No machine has synced to this account yet.</div>
        : <Machines {...news.value} machines={machines} />}
    </>
  );
}

/** Rows made at a time. */
const STEP_ROWS = 50;

/** On a phone what was tapped stays hovered. */
const IN_USE = matchMedia("(hover: hover)").matches ? ":hover, :focus-within" : ":focus-within";

/** Where the list was left: Back leads there. */
let leftAt = 0;

function Machines(
  { machines, atMs: nowMs }: FleetNews & { machines: ReadonlyMap<string, FleetMachine> },
) {
  const filter = useSignal<FleetFilter>("all");
  const text = useSignal("");
  const list = useRef<HTMLUListElement>(null);
  const shown = useRef({ asked: "", keys: [] as string[] });
  const atTop = useSignal(leftAt === 0);
  // The first screen does not wait for rows far below it.
  const most = useSignal(leftAt === 0 ? STEP_ROWS : Infinity);
  useEffect(() => {
    if (most.value >= machines.size) return;
    const timer = setTimeout(() => void (most.value += STEP_ROWS));
    return () => clearTimeout(timer);
  }, [most.value]);
  /** Goes up when a reader leaves the list. */
  const left = useSignal(0);
  useEffect(() => {
    const scrolled = () => void (atTop.value = scrollY < 8);
    addEventListener("scroll", scrolled, { passive: true });
    return () => removeEventListener("scroll", scrolled);
  }, []);
  useLayoutEffect(() => {
    scrollTo(0, leftAt);
    return () => void (leftAt = scrollY);
  }, []);

  const counts = useMemo(() => {
    const all = [...machines.values()];
    return FILTERS.map((each) => all.filter((machine) => passes(machine, each, nowMs)).length);
  }, [machines, nowMs]);
  const asked = `${filter.value}\n${text.value}`;
  // The order does not change while a reader is in the list, so that no row moves away from a finger.
  const isRead = !atTop.value || (left.value >= 0 && list.current?.matches(IN_USE));
  const sorted = useMemo(
    () => listed(machines.values(), { filter: filter.value, text: text.value, nowMs }).map(keyOf),
    [machines, nowMs, asked],
  );
  if (shown.current.asked !== asked || !isRead) shown.current = { asked, keys: sorted };
  const rows = shown.current.keys.flatMap((key) => machines.get(key) ?? []);
  return (
    <section class="card fleet" aria-label="Machines">
      <div class="tools">
        <TextInput label="Name" text={text} type="search" grow />
        <Segments
          label="Which machines"
          keys={FILTERS}
          pressed={filter.value}
          press={(key) => void (filter.value = key)}
        >
          {(key) => (
            <>
              {FILTER_NAMES[key]} <small>{number(counts[FILTERS.indexOf(key)]!)}</small>
            </>
          )}
        </Segments>
      </div>
      <p class="hidden" role="status">
        {counted(rows.length, "machine")}
      </p>
      {rows.length === 0 ? <div class="empty">No machine is like that.</div> : (
        <ul
          class="machines"
          ref={list}
          onMouseLeave={() => void left.value++}
          onFocusOut={() => void left.value++}
        >
          {rows.map((machine) => machineRow(machine, nowMs))}
        </ul>
      )}
    </section>
  );
}

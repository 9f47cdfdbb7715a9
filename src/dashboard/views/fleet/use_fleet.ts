/** The machines of the account, read once, then kept up to date while the page is visible. @module */
import { type ReadonlySignal, type Signal, signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type FleetMachine, keyOf } from "../../model/fleet.ts";
import type { Fleet } from "../../source/machines.ts";
import { whileVisible } from "../../live/while_visible.ts";

const POLL_MS = 30_000;
/** Polls from one reading of everything to the next: a machine may have left the account. */
const POLLS_TO_ALL = 20;

export interface FleetNews {
  /** By key; undefined before the first reading. */
  readonly machines: ReadonlyMap<string, FleetMachine> | undefined;
  readonly error: Error | null;
  /** When they were last read, in milliseconds. */
  readonly atMs: number;
}

/** What was read, for who comes back from one machine. */
const read = new WeakMap<Fleet, Signal<FleetNews>>();

export function useFleet(fleet: Fleet): { news: ReadonlySignal<FleetNews>; reload(): void } {
  const news = read.get(fleet) ??
    signal<FleetNews>({ machines: undefined, error: null, atMs: Date.now() });
  read.set(fleet, news);
  const again = useSignal(0);
  useEffect(() =>
    whileVisible(() => {
      const stop = new AbortController();
      let polls = 0;
      const poll = async () => {
        const { machines } = news.value;
        const all = machines === undefined || polls++ % POLLS_TO_ALL === 0;
        try {
          const { signal } = stop;
          const found =
            await (all ? fleet.machines({ signal }) : fleet.newer(machines.values(), { signal }));
          if (signal.aborted) return;
          const entries = found.map((machine) => [keyOf(machine), machine] as const);
          news.value = {
            machines: new Map(all ? entries : [...machines, ...entries]),
            error: null,
            atMs: Date.now(),
          };
        } catch (error) {
          if (stop.signal.aborted) return;
          const reason = error instanceof Error ? error : new Error(String(error));
          news.value = { ...news.value, error: reason, atMs: Date.now() };
        }
      };
      void poll();
      const timer = setInterval(() => void poll(), POLL_MS);
      return () => {
        stop.abort();
        clearInterval(timer);
      };
    }), [fleet, again.value]);
  return { news, reload: () => void again.value++ };
}

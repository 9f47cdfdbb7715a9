/** Answers as a component uses them. @module */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { MachineSource } from "../source/source.ts";
import { keepAnswer, keptAnswer } from "./kept.ts";
import { source } from "./source.ts";
import { arrivals, changes, link, type Topic } from "./state.ts";

export interface Answer<T> {
  /** The newest that was read; undefined before the first. */
  readonly value: T | undefined;
  readonly error: Error | null;
  readonly loading: boolean;
  reload(): void;
}

export interface AnswerOptions {
  /** Another key is another answer. */
  key?: string;
  /** Topics whose news make it be read again. */
  topics?: readonly Topic[];
  /** The name under which the answer is kept for when nothing answers. */
  keep?: string;
}

/** What the machine's source gives, whichever that is now. */
export function useSource<T>(
  read: (source: MachineSource, signal: AbortSignal) => Promise<T>,
  options: AnswerOptions = {},
): Answer<T> {
  const from = source.value;
  const reachable = link.value !== "offline" && link.value !== "locked";
  return useRead((signal) => read(from, signal), { ...options, from, reachable });
}

/** What only the agent has: read now, again when `key` changes, when the agent is back, when there is news. */
export function useAnswer<T>(
  load: (signal: AbortSignal) => Promise<T>,
  options: AnswerOptions = {},
): Answer<T> {
  const reachable = !["offline", "locked", "remote"].includes(link.value);
  return useRead(load, { ...options, reachable });
}

function useRead<T>(
  load: (signal: AbortSignal) => Promise<T>,
  { key = "", topics = [], keep, from, reachable }: AnswerOptions & {
    from?: MachineSource;
    reachable: boolean;
  },
): Answer<T> {
  const value = useSignal<T | undefined>(undefined);
  const error = useSignal<Error | null>(null);
  const loading = useSignal(true);
  const again = useSignal(0);
  const news = topics.map((topic) => changes[topic].value).join();

  useEffect(() => {
    if (!reachable) {
      loading.value = false;
      if (keep !== undefined) value.value ??= keptAnswer<T>(keep)?.value;
      return;
    }
    const stop = new AbortController();
    loading.value = true;
    load(stop.signal).then((read) => {
      if (stop.signal.aborted) return;
      value.value = read;
      error.value = null;
      if (keep !== undefined) keepAnswer(keep, read);
    }, (reason) => {
      if (!stop.signal.aborted) error.value = reason;
    }).finally(() => {
      if (!stop.signal.aborted) loading.value = false;
    });
    return () => stop.abort();
  }, [key, news, arrivals.value, again.value, reachable, from]);

  return {
    value: value.value,
    error: error.value,
    loading: loading.value,
    reload: () => void again.value++,
  };
}

/** A change under way: what it says meanwhile, and what went wrong. */
export function useAction(): {
  busy: boolean;
  error: Error | null;
  run(work: () => Promise<unknown>): Promise<void>;
} {
  const busy = useSignal(false);
  const error = useSignal<Error | null>(null);
  return {
    busy: busy.value,
    error: error.value,
    async run(work) {
      if (busy.value) return;
      busy.value = true;
      error.value = null;
      try {
        await work();
      } catch (reason) {
        error.value = reason instanceof Error ? reason : new Error(String(reason));
      } finally {
        busy.value = false;
      }
    },
  };
}

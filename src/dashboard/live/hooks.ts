/** Answers as a component uses them. @module */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { arrivals, changes, link, type Topic } from "./state.ts";

export interface Answer<T> {
  /** The newest that was read; undefined before the first. */
  readonly value: T | undefined;
  readonly error: Error | null;
  readonly loading: boolean;
  reload(): void;
}

/** Reads now, again when `key` changes, when the agent is back, and when there is news of the topics. */
export function useAnswer<T>(
  load: (signal: AbortSignal) => Promise<T>,
  { key = "", topics = [] }: { key?: string; topics?: readonly Topic[] } = {},
): Answer<T> {
  const value = useSignal<T | undefined>(undefined);
  const error = useSignal<Error | null>(null);
  const loading = useSignal(true);
  const again = useSignal(0);
  const news = topics.map((topic) => changes[topic].value).join();
  const reachable = link.value !== "offline" && link.value !== "locked";

  useEffect(() => {
    if (!reachable) return;
    const stop = new AbortController();
    loading.value = true;
    load(stop.signal).then((read) => {
      if (stop.signal.aborted) return;
      value.value = read;
      error.value = null;
    }, (reason) => {
      if (!stop.signal.aborted) error.value = reason;
    }).finally(() => {
      if (!stop.signal.aborted) loading.value = false;
    });
    return () => stop.abort();
  }, [key, news, arrivals.value, again.value, reachable]);

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

/** The records of a table as a view uses them: page by page, the first at once, read again when some change. @module */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { agent } from "../../live/api.ts";
import { type Answer, useAnswer } from "../../live/hooks.ts";
import { changes } from "../../live/state.ts";
import type { RecordRow } from "../../model/records.ts";

/** As many as are kept in the page. */
export const MAX_RECORDS = 10_000;
/** While records change all the time, they are read again at this interval. */
const AGAIN_MS = 1_500;

export interface Records {
  readonly rows: readonly RecordRow[];
  /** Whether there are more than these. */
  readonly more: boolean;
}

export function useRecords(
  table: string,
  filter: Readonly<Record<string, string>>,
): Answer<Records> {
  const query = new URLSearchParams({ ...filter, limit: "1000" });
  const path = `/records/${table}?${query}`;
  const news = useThrottled(changes.records.value, AGAIN_MS);
  const first = useSignal<{ path: string; records: Records } | null>(null);
  const answer = useAnswer(async (signal) => {
    const rows: RecordRow[] = [];
    let next: string | undefined = path;
    while (next !== undefined && rows.length < MAX_RECORDS) {
      const page: { value: RecordRow[]; next: string | undefined } = await agent.answer(next, {
        signal,
      });
      rows.push(...page.value);
      next = page.next;
      if (rows.length > 0 && first.value?.path !== path && !signal.aborted) {
        first.value = { path, records: { rows: [...rows], more: next !== undefined } };
      }
    }
    return { path, rows, more: next !== undefined };
  }, { key: `${path} ${news}` });
  const whole = answer.value?.path === path ? answer.value : undefined;
  const begun = first.value?.path === path ? first.value.records : undefined;
  return { ...answer, value: whole ?? begun };
}

/** The newest of a number that changes, but not more often than that. */
function useThrottled(value: number, ms: number): number {
  const shown = useSignal(value);
  const shownMs = useRef(-Infinity);
  useEffect(() => {
    const timer = setTimeout(() => {
      shownMs.current = performance.now();
      shown.value = value;
    }, Math.max(0, shownMs.current + ms - performance.now()));
    return () => clearTimeout(timer);
  }, [value]);
  return shown.value;
}

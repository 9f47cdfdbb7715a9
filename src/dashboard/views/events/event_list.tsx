/** Events, newest first. @module */
import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { LocalEvent } from "../../../client/mod.ts";
import { todayMs, zone } from "../../live/state.ts";
import { stamp } from "../../model/format.ts";
import { LongList, rowHeightNow } from "../long_list.tsx";

export const SEVERITIES = ["debug", "info", "success", "warning", "error", "critical"];

export function EventList(
  { events, onOpen }: { events: readonly LocalEvent[]; onOpen: (event: LocalEvent) => void },
): VNode {
  const box = useRef<HTMLDivElement>(null);
  const top = events[0]?.seq;
  const before = useRef(top);
  // A reader who has scrolled down keeps the same rows in view while others come in above.
  useLayoutEffect(() => {
    const element = box.current!;
    const added = events.findIndex(({ seq }) => seq === before.current);
    if (element.scrollTop > 0 && added > 0) element.scrollTop += added * rowHeightNow();
    before.current = top;
  }, [top]);
  return (
    <LongList
      kind="events"
      label="Events, newest first"
      box={box}
      items={events}
      idOf={({ id }) => id}
    >
      {(event) => (
        <button type="button" class="event" onClick={() => onOpen(event)}>
          <span class={`severity ${severityClass(event.severity)}`}>{event.severity}</span>
          <time dateTime={event.ts}>{stamp(Date.parse(event.ts), zone.value, todayMs.value)}</time>
          <b>{event.subtype}</b>
          {event.symbol !== null && <span class="symbol">{event.symbol}</span>}
          <span class="body">{event.body}</span>
          <span class="source">{event.source}</span>
        </button>
      )}
    </LongList>
  );
}

/** The colour of a severity; one that is not known has none of its own. */
export function severityClass(severity: string): string {
  return SEVERITIES.includes(severity) ? severity : "info";
}

/** Events by the thousand: only the rows in view are drawn, so that a busy log costs no more than a quiet one. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { LocalEvent } from "../../client/mod.ts";
import { todayMs, zone } from "../live/state.ts";
import { stamp } from "../model/format.ts";
import { visibleRows } from "../model/feed.ts";

export function EventList(
  { events, onOpen }: { events: readonly LocalEvent[]; onOpen: (event: LocalEvent) => void },
): VNode {
  const box = useRef<HTMLDivElement>(null);
  const view = useSignal({ scrollTop: 0, height: 480 });
  const rowHeight = useSignal(rowHeightNow());
  const top = events[0]?.seq;
  const before = useRef(top);

  useEffect(() => {
    const element = box.current!;
    const measure = () => {
      rowHeight.value = rowHeightNow();
      view.value = { scrollTop: element.scrollTop, height: element.clientHeight };
    };
    const resized = new ResizeObserver(measure);
    resized.observe(element);
    return () => resized.disconnect();
  }, []);

  // Whoever has scrolled down to read keeps reading the same rows while others come in above.
  useLayoutEffect(() => {
    const element = box.current!;
    const added = events.findIndex(({ seq }) => seq === before.current);
    if (element.scrollTop > 0 && added > 0) element.scrollTop += added * rowHeight.value;
    before.current = top;
  }, [top]);

  const count = events.length;
  const { from, to } = visibleRows({ ...view.value, rowHeight: rowHeight.value, count });
  const rows = [];
  for (let index = from; index < to; index++) {
    const event = events[index]!;
    rows.push(
      <li
        key={event.id}
        aria-posinset={index + 1}
        aria-setsize={count}
        style={{ transform: `translateY(${index * rowHeight.value}px)` }}
      >
        <button type="button" class="event" onClick={() => onOpen(event)}>
          <span class={`severity ${severityClass(event.severity)}`}>{event.severity}</span>
          <time dateTime={event.ts}>{stamp(Date.parse(event.ts), zone.value, todayMs.value)}</time>
          <b>{event.subtype}</b>
          {event.symbol !== null && <span class="symbol">{event.symbol}</span>}
          <span class="body">{event.body}</span>
          <span class="source">{event.source}</span>
        </button>
      </li>,
    );
  }
  return (
    <div
      class="events"
      ref={box}
      tabIndex={0}
      role="region"
      aria-label="Events, newest first"
      onScroll={({ currentTarget }) =>
        void (view.value = {
          scrollTop: currentTarget.scrollTop,
          height: currentTarget.clientHeight,
        })}
    >
      <ol style={{ height: `${count * rowHeight.value}px` }}>{rows}</ol>
    </div>
  );
}

/** The colour of a severity; one that is not known has none of its own. */
export function severityClass(severity: string): string {
  const known = ["debug", "info", "success", "warning", "error", "critical"];
  return known.includes(severity) ? severity : "info";
}

/** As the style sheet has it: two lines on a phone. */
function rowHeightNow(): number {
  return matchMedia("(max-width: 40rem)").matches ? 64 : 40;
}

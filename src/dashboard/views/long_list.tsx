/** Rows by the thousand: only those in view are drawn, so that a long list costs no more than a short one. @module */
import type { ComponentChildren, RefObject, VNode } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { visibleRows } from "../model/feed.ts";

export function LongList<T>({ kind, label, box, items, columns, head, idOf, children }: {
  /** The class, which gives the rows their look. */
  kind: string;
  label: string;
  box: RefObject<HTMLDivElement | null>;
  items: readonly T[];
  columns?: number;
  head?: ComponentChildren;
  idOf: (item: T) => string;
  /** An item's row. */
  children: (item: T) => ComponentChildren;
}): VNode {
  const view = useSignal({ scrollTop: 0, height: 480, rowHeight: rowHeightNow() });
  const measure = ({ scrollTop, clientHeight }: HTMLElement) => {
    view.value = { scrollTop, height: clientHeight, rowHeight: rowHeightNow() };
  };
  useEffect(() => {
    const element = box.current!;
    const resized = new ResizeObserver(() => measure(element));
    resized.observe(element);
    return () => resized.disconnect();
  }, []);
  const { rowHeight } = view.value;
  const { from, to } = visibleRows({ ...view.value, count: items.length });
  return (
    <div
      class={kind}
      ref={box}
      tabIndex={0}
      role="region"
      aria-label={label}
      style={{ "--columns": columns }}
      onScroll={({ currentTarget }) => measure(currentTarget)}
    >
      {head}
      <ol style={{ height: `${items.length * rowHeight}px` }}>
        {items.slice(from, to).map((item, index) => (
          <li
            key={idOf(item)}
            aria-posinset={from + index + 1}
            aria-setsize={items.length}
            style={{ transform: `translateY(${(from + index) * rowHeight}px)` }}
          >
            {children(item)}
          </li>
        ))}
      </ol>
    </div>
  );
}

/** As the style sheet has it: two lines on a phone. */
export function rowHeightNow(): number {
  return matchMedia("(max-width: 40rem)").matches ? 64 : 40;
}

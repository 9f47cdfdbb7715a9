/** Minutes used against the allowance: one turn is the allowance, and what goes beyond begins a second turn. @module */
import type { ComponentChildren, VNode } from "preact";

const RADIUS = 88;
const LENGTH = 2 * Math.PI * RADIUS;

export function Ring(
  { used, allowance, label, children }: {
    used: number;
    /** Null: there is no limit. */
    allowance: number | null;
    label: string;
    children: ComponentChildren;
  },
): VNode {
  const share = turns(used, allowance ?? 0);
  const over = allowance === null ? 0 : turns(Math.max(0, used - allowance), allowance);
  return (
    <div class="ring" role="img" aria-label={label}>
      <svg viewBox="0 0 200 200" aria-hidden="true">
        <circle class="track" cx="100" cy="100" r={RADIUS} />
        <Arc kind="used" share={share} />
        <Arc kind="beyond" share={over} />
      </svg>
      <div class="ring-words" aria-hidden="true">{children}</div>
    </div>
  );
}

/** How much of a turn the minutes are, one turn being `whole`; where that is nothing, any play is a turn. */
function turns(minutes: number, whole: number): number {
  return minutes === 0 ? 0 : Math.min(1, minutes / whole);
}

function Arc({ kind, share }: { kind: string; share: number }) {
  if (share === 0) return null;
  return (
    <circle
      class={kind}
      cx="100"
      cy="100"
      r={RADIUS}
      stroke-dasharray={`${share * LENGTH} ${LENGTH}`}
      transform="rotate(-90 100 100)"
    />
  );
}

/** Minutes used against the allowance: one turn is the allowance, and what goes beyond begins a second turn. @module */
import type { ComponentChildren, VNode } from "preact";

const RADIUS = 88;
const LENGTH = 2 * Math.PI * RADIUS;

export function Ring(
  { used, allowance, label, children }: {
    used: number;
    allowance: number;
    label: string;
    children: ComponentChildren;
  },
): VNode {
  const share = allowance > 0 ? Math.min(1, used / allowance) : used > 0 ? 1 : 0;
  const over = used > allowance && allowance > 0 ? Math.min(1, (used - allowance) / allowance) : 0;
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

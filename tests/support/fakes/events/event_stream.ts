/** An application that says so many events a second, in small batches. @module */

const EVERY_MS = 40;

/** Sends for so long, in step with the clock. @returns how many were sent */
export async function sendSteadily(
  send: (events: Record<string, unknown>[]) => Promise<void>,
  { perSecond, ms }: { perSecond: number; ms: number },
): Promise<number> {
  const began = performance.now();
  let sent = 0;
  for (let passed = 0; passed < ms; passed = performance.now() - began) {
    const due = Math.floor((passed + EVERY_MS) / 1_000 * perSecond) - sent;
    if (due > 0) await send(Array.from({ length: due }, (_, index) => event(sent + index)));
    sent += Math.max(0, due);
    const next = began + passed + EVERY_MS - performance.now();
    if (next > 0) await new Promise((resolve) => setTimeout(resolve, next));
  }
  return sent;
}

const SEVERITIES = ["debug", "info", "success", "warning", "error"];

function event(index: number): Record<string, unknown> {
  return {
    mode: "live",
    source: `bot-${index % 4}`,
    type: "ORDER",
    subtype: "PRICE",
    severity: SEVERITIES[index % SEVERITIES.length],
    symbol: index % 3 === 0 ? "BTC-USD" : null,
    body: `The price moved to ${60_000 + index % 977} after ${index} ticks`,
    meta: { index, spread: index % 13 },
  };
}

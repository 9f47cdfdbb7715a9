/**
 * One row of the benchmark's table, and how the table is written.
 * @module
 */

export interface BenchRow {
  /** What was measured. */
  name: string;
  value: number;
  unit: string;
  /** The raw limit, or what is compared with, measured in the same run. */
  baseline?: { name: string; value: number };
  /** The median of the rounds' own ratios, where each round measured both (default: of the two values). */
  ratio?: number;
  /** What it should be, in words: `≥ 0.9 of raw`. */
  target: string;
  /** Whether it is. */
  met: boolean;
}

/** A set of rows that are measured together. */
export interface Suite {
  name: string;
  run(options: SuiteOptions): Promise<BenchRow[]>;
}

export interface SuiteOptions {
  /** Rounds of which the median counts. */
  rounds: number;
  /** How long the agent is watched while it idles. */
  idleSec: number;
  /** How long the dashboard's page is kept busy. */
  pageSec: number;
  /** The agent as people get it: one bundled file. */
  bundle: string;
}

/** What one round measured: the agent and, right beside it, what it is compared with. */
export interface Pair<T> {
  ours: T;
  raw: T;
}

/** The row of one figure of such rounds: the medians of both sides, and of the rounds' own ratios. */
export function pairedRow<T>(
  pairs: readonly Pair<T>[],
  figure: (side: T) => number,
  { name, unit, beside, target = "for information", meets = () => true }: {
    name: string;
    unit: string;
    /** What it is compared with. */
    beside: string;
    target?: string;
    meets?: (value: number, ratio: number) => boolean;
  },
): BenchRow {
  const value = median(pairs.map(({ ours }) => figure(ours)));
  const raw = median(pairs.map((pair) => figure(pair.raw)));
  const ratio = median(pairs.map((pair) => figure(pair.ours) / figure(pair.raw)));
  const baseline = { name: beside, value: raw };
  return { name, value, unit, baseline, ratio, target, met: meets(value, ratio) };
}

/** The middle of several rounds. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that `share` of all values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** The rows as a Markdown table. */
export function markdown(rows: readonly BenchRow[]): string {
  const head = "| what | measured | beside | ratio | target | |\n|---|---|---|---|---|---|";
  const lines = rows.map(({ name, value, unit, baseline, target, met, ...row }) => {
    const beside = baseline ? `${baseline.name}: ${short(baseline.value)} ${unit}` : "";
    const ratio = baseline ? (row.ratio ?? value / baseline.value).toFixed(2) : "";
    return `| ${name} | ${short(value)} ${unit} | ${beside} | ${ratio} | ${target} | ${
      met ? "✓" : "✗"
    } |`;
  });
  return [head, ...lines].join("\n");
}

function short(value: number): string {
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

/** Small components that every panel uses. @module */
import type { ComponentChildren, VNode } from "preact";
import { useSignal } from "@preact/signals";
import type { Answer } from "../live/hooks.ts";
import { project } from "../live/cloud.ts";
import { link, nowMs, zone } from "../live/state.ts";
import { fullTime, relative } from "../model/format.ts";
import type { Tone } from "../model/health.ts";
import { failureWords } from "../model/failure.ts";

/** A panel's part with a heading. */
export function Card(
  { title, aside, children, kind = "" }: {
    title?: string;
    aside?: ComponentChildren;
    children: ComponentChildren;
    kind?: string;
  },
): VNode {
  return (
    <section class={`card ${kind}`} aria-label={title}>
      {title !== undefined && (
        <header class="card-head">
          <h2>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

/** A coloured dot. Words stand beside it: some readers cannot tell the colours apart. */
export function Dot({ tone, live = false }: { tone: Tone | "over"; live?: boolean }): VNode {
  return <span class={`dot ${tone} ${live ? "pulse" : ""}`} aria-hidden="true" />;
}

/** A time relative to now; the exact one is its tooltip. */
export function Ago({ at, none = "never" }: { at: string | null; none?: string }): VNode {
  if (at === null) return <>{none}</>;
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={fullTime(ms, zone.value)}>
      {relative(Math.min(ms, ms <= Date.now() ? nowMs.value : ms), nowMs.value)}
    </time>
  );
}

/** Shows its children, or why there is nothing to show: loading, failed, empty. */
export function Instead<T>(
  { what, answer, empty, children }: {
    /** What is shown there: "the conflicts". */
    what: string;
    answer: Answer<T>;
    /** The text for an empty answer; false for one that is not. */
    empty?: ComponentChildren;
    children: ComponentChildren;
  },
): VNode {
  if (answer.value === undefined) {
    if (answer.error) {
      return <Failed what={`show ${what}`} error={answer.error} retry={answer.reload} />;
    }
    if (link.value === "offline" || link.value === "remote" && !answer.loading) return <Later />;
    return <Loading />;
  }
  return (
    <>
      {answer.error && (
        <Failed what={`show ${what} as it is now`} error={answer.error} retry={answer.reload} />
      )}
      {empty ? <div class="empty">{empty}</div> : children}
    </>
  );
}

export function Loading({ kind = "" }: { kind?: string }): VNode {
  return (
    <div class={`skeleton ${kind}`} role="status">
      <span class="hidden">Loading</span>
    </div>
  );
}

/** Placeholder for data that was not read before the agent went away. */
export function Later(): VNode {
  return (
    <div class="empty">
      {project?.agent === false
        ? "Only the page at the machine has this."
        : "This is shown as soon as the agent is back."}
    </div>
  );
}

/** What could not be done, why, and what a person can do about it. */
export function Failed({ what, error, retry }: {
  /** What was tried: "save the person". */
  what: string;
  error: Error;
  retry?: () => void;
}): VNode {
  return (
    <div class="failed" role="alert">
      <p>
        <strong>Cannot {what}.</strong> {failureWords(error)}
      </p>
      {retry && <button type="button" onClick={retry}>Try again</button>}
    </div>
  );
}

/** A button for what cannot be undone: the first press asks, the second does it. */
export function SureButton({ name, question, disabled, run }: {
  name: string;
  question: string;
  disabled: boolean;
  run: () => void;
}): VNode {
  const asked = useSignal(false);
  return (
    <button
      type="button"
      class={asked.value ? "danger" : ""}
      disabled={disabled}
      onClick={() => asked.value ? run() : void (asked.value = true)}
      onBlur={() => void (asked.value = false)}
    >
      {asked.value ? question : name}
    </button>
  );
}

/** A value under its name. */
export function Figure(
  { name, children, note }: {
    name: string;
    children: ComponentChildren;
    note?: ComponentChildren;
  },
): VNode {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>
        {children}
        {note !== undefined && <small>{note}</small>}
      </dd>
    </div>
  );
}

/** Names and values, those that are null left out. */
export function Facts(
  { facts }: { facts: readonly (readonly [name: string, value: string | null])[] },
): VNode {
  return (
    <dl class="facts">
      {facts.map(([name, value]) =>
        value !== null && (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        )
      )}
    </dl>
  );
}

/** The head of a table. */
export function Columns({ names }: { names: readonly string[] }): VNode {
  return (
    <thead>
      <tr>{names.map((name) => <th key={name} scope="col">{name}</th>)}</tr>
    </thead>
  );
}

/** Links to the parts of a panel. */
export function Sections({ panel, label, names, shown, children = (name) => name }: {
  panel: string;
  label: string;
  /** By what stands in the address. */
  names: readonly string[];
  shown: string | undefined;
  /** A link's words. */
  children?: (name: string) => ComponentChildren;
}): VNode {
  return (
    <nav class="sections" aria-label={label}>
      {names.map((name) => (
        <a
          key={name}
          href={`#${panel}${name && `/${name}`}`}
          aria-current={name === shown ? "page" : undefined}
        >
          {children(name)}
        </a>
      ))}
    </nav>
  );
}

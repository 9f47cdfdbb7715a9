/** Forms, and the fields that they are made of. @module */
import type { Signal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";

/** A form that is handled in the page. */
export function Form({ kind = "tools", submit, children }: {
  kind?: string;
  /** `text` gives a field's text by its name, without the blanks around it. */
  submit: (text: (name: string) => string, fields: FormData) => void;
  children: ComponentChildren;
}): VNode {
  return (
    <form
      class={kind}
      onSubmit={(event) => {
        event.preventDefault();
        const fields = new FormData(event.currentTarget);
        submit((name) => String(fields.get(name) ?? "").trim(), fields);
      }}
    >
      {children}
    </form>
  );
}

/** Text under its label, kept in a signal. */
export function TextInput({ label, text, grow = false, type = "text", ...input }: {
  label: string;
  text: Signal<string>;
  grow?: boolean;
  type?: "text" | "search";
  name?: string;
  placeholder?: string;
  maxLength?: number;
  required?: boolean;
}): VNode {
  return (
    <label class={grow ? "grow" : ""}>
      <span>{label}</span>
      <input
        {...input}
        // Each type has attributes of its own in the library's types; these are every type's.
        type={type as "text"}
        value={text.value}
        onInput={({ currentTarget }) => void (text.value = currentTarget.value)}
      />
    </label>
  );
}

/** One of several options under its label, kept in a signal. */
export function Choice(
  { label, value, children }: {
    label: string;
    value: Signal<string>;
    children: ComponentChildren;
  },
): VNode {
  return (
    <label>
      <span>{label}</span>
      <select
        value={value.value}
        onChange={({ currentTarget }) => void (value.value = currentTarget.value)}
      >
        {children}
      </select>
    </label>
  );
}

/** Buttons beside each other, of which one is pressed. */
export function Segments<Key extends string | number>(
  { label, keys, pressed, press, children }: {
    label: string;
    keys: readonly Key[];
    pressed: Key | null;
    press: (key: Key) => void;
    /** A button's words. */
    children: (key: Key) => ComponentChildren;
  },
): VNode {
  return (
    <div class="segments" role="group" aria-label={label}>
      {keys.map((key) => (
        <button
          type="button"
          key={key}
          aria-pressed={pressed === key}
          onClick={() => press(key)}
        >
          {children(key)}
        </button>
      ))}
    </div>
  );
}

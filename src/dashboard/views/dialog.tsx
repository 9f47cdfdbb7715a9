/** A modal dialog: Escape, the button and a click beside it close it, and the focus goes back to where it was. @module */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

export function Dialog(
  { title, aside, close, children }: {
    title: string;
    aside?: ComponentChildren;
    /** Called when the dialog has closed. */
    close: () => void;
    children: ComponentChildren;
  },
): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    const element = dialog.current!;
    element.showModal();
    return () => {
      element.close();
      // The browser does this only where a person closes the dialog.
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      onClose={close}
      onClick={(click) => click.target === dialog.current && dialog.current?.close()}
    >
      <div class="dialog">
        <header class="card-head">
          <h2>{title}</h2>
          {aside}
        </header>
        {children}
        <button type="button" onClick={() => dialog.current?.close()}>Close</button>
      </div>
    </dialog>
  );
}

/**
 * Which machine a page without an agent shows: it stands in the address (`?system=…&device=…`), so that a reload stays
 * there and Back leads to the list. Links to panels keep it: they change what is behind the `#` alone.
 * @module
 */
import { batch } from "@preact/signals";
import type { Machine } from "../source/source.ts";
import { machine } from "./cloud.ts";
import { cloudError, heardMs, link, machineStatus, showRoute } from "./state.ts";
import { spans, spansSince } from "./today.ts";

/** Runs as long as the page. */
export function followAddress(): void {
  addEventListener("popstate", () => show(machineIn(location.search)));
  show(machineIn(location.search));
}

/** Null: the list of all. */
export function openMachine(next: Machine | null): void {
  history.pushState(null, "", hrefOf(next));
  show(next);
}

export function hrefOf(next: Machine | null): string {
  if (next === null) return location.pathname;
  const { systemId: system, deviceId: device } = next;
  return `?${new URLSearchParams({ system, device })}`;
}

/** Forgets the machine that was shown: nothing of it may stand under another's name. */
function show(next: Machine | null): void {
  const now = machine.peek();
  batch(() => {
    showRoute();
    if (now?.systemId === next?.systemId && now?.deviceId === next?.deviceId) return;
    machineStatus.value =
      heardMs.value =
      spansSince.value =
      cloudError.value =
        null;
    spans.value = [];
    // Until the cloud has answered for it.
    link.value = "offline";
    machine.value = next;
  });
}

function machineIn(search: string): Machine | null {
  const query = new URLSearchParams(search);
  const systemId = query.get("system");
  const deviceId = query.get("device");
  return systemId && deviceId ? { systemId, deviceId } : null;
}

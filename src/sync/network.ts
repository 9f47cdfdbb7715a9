/**
 * Notices that the machine's network has changed: a cable, a radio, a VPN. Cheap enough to check every few seconds, and
 * nothing is sent for it.
 * @module
 */
import { type Clock, every } from "../core/mod.ts";

/** What shows a change of an interface. */
export type NetworkInterface = Pick<Deno.NetworkInterfaceInfo, "name" | "address">;

export interface WatchNetworkOptions {
  signal: AbortSignal;
  clock: Clock;
  interfaces: () => readonly NetworkInterface[];
  onUp: () => void;
}

const POLL_MS = 5_000;

/** Calls back when there is an address that was not there before. */
export async function watchNetwork(options: WatchNetworkOptions): Promise<void> {
  const { signal, clock, interfaces, onUp } = options;
  let known: ReadonlySet<string> | undefined;
  await every(POLL_MS, () => {
    const now = new Set(interfaces().map(({ name, address }) => `${name} ${address}`));
    const before = known;
    known = now;
    if (before && [...now].some((address) => !before.has(address))) onUp();
  }, { signal, name: "sync.network", clock });
}

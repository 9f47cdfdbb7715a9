/** Where devices reach the listener: what is typed into their menus. @module */

export type Interface = Pick<Deno.NetworkInterfaceInfo, "family" | "address">;

/** `192.168.1.20:5001`, one for each network this machine is in; old firmware knows IPv4 alone. */
export function addressesOf(
  { hostname, port }: Pick<Deno.NetAddr, "hostname" | "port">,
  interfaces: readonly Interface[],
): string[] {
  if (hostname !== "0.0.0.0" && hostname !== "::") return [`${hostname}:${port}`];
  return interfaces
    .filter(({ family, address }) => family === "IPv4" && !/^(?:127|169\.254)\./.test(address))
    .map(({ address }) => `${address}:${port}`);
}

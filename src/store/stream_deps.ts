/** What the agent gives every stream: `create<Stream>(deps, config)` takes this and the configuration. @module */
import type { AgentEvent, Clock, Hub, Id, Instant, StreamName, Warnings } from "../core/mod.ts";
import type { Store } from "./store.ts";

export interface StreamDeps {
  store: Store;
  hub: Hub;
  warnings: Warnings;
  clock: Clock;
  /** Makes row ids that sort by time. */
  ids: () => Id;
  deviceId: Id;
  /** Earlier ids of this device that rows may still have. */
  formerDeviceIds: readonly Id[];
  /** No row has a former id any more; called inside `write`. */
  forgetFormerDeviceIds: () => void;
  /** Whose records these are. */
  systemId: string;
  /** Zone of local days, where the configuration names no other. */
  timeZone: string;
  /** Nothing is written and nothing is sent. */
  dryRun: boolean;
  /** Whether a remote takes this stream's rows. */
  cloud: boolean;
  /** Whether that remote has all of this stream's tables, and rows for this machine; an endpoint takes one kind of rows. */
  twoWay: boolean;
  /** Whether the cloud's change notifications of a table are connected, and since when; null when not wanted. */
  realtime: (table: string) => { connected: boolean; since: Instant } | null;
  /** The cloud's clock minus this machine's, by one stream's remote or else by any; null while unknown. */
  clockOffsetMs: (stream?: StreamName) => number | null;
  /**
   * Appends an event of the agent itself to the event log and returns it as the API shows it; undefined when its
   * key is there already. Called inside `write`: it is committed with the rows that it reports.
   */
  logEvent: (event: AgentEvent) => Readonly<Record<string, unknown>> | undefined;
}

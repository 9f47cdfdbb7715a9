/** The source that answers now: the agent, or while it is away the cloud (remote.ts). @module */
import { signal } from "@preact/signals";
import { agentSource } from "../source/agent.ts";
import type { MachineSource } from "../source/source.ts";
import { agent } from "./api.ts";

export const local: MachineSource = agentSource(agent);
export const source = signal<MachineSource>(local);

/** The source that answers now: the agent, or while it is away the cloud (remote.ts). @module */
import { signal } from "@preact/signals";
import { agentSource } from "../source/agent.ts";
import type { Source } from "../source/source.ts";
import { agent } from "./api.ts";

export const local: Source = agentSource(agent);
export const source = signal<Source>(local);

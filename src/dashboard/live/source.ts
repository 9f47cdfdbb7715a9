/** The source that answers now, for views that must not know which. @module */
import { type Signal, signal } from "@preact/signals";
import { agentSource } from "../source/agent.ts";
import type { Source } from "../source/source.ts";
import { agent } from "./api.ts";

export const source: Signal<Source> = signal(agentSource(agent));

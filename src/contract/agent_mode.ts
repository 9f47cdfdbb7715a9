/**
 * The mode of the agent's own events, beside those that the configuration names. Apart from `events.ts`, whose schemas
 * the page must not carry.
 * @module
 */
export const AGENT_MODE = "clockblock";

/** An error in words: why something failed, and what to do about it. @module */
import { isRefusal } from "../source/source.ts";

/** What the agent's problem document says, or why there is none. */
export function failureWords(error: Error): string {
  if (!isRefusal(error)) {
    return "Nothing answered in time. Is the agent running? Try again in a moment.";
  }
  const reason = [error.message, error.detail].filter((part) => part !== "").join(": ");
  const sentence = /[.?!]$/.test(reason) ? reason : `${reason}.`;
  return error.status === 500 ? `${sentence} The agent's log has the reason.` : sentence;
}

/** Asking the agent. Answers are not checked again: the page comes from the agent that gives them. @module */
import { parseExactJson } from "../model/json.ts";
import { isRefusal, Refusal } from "../source/source.ts";

export interface AgentCalls {
  ask<T>(path: string, init?: RequestInit): Promise<T>;
  /** One answer, and the link to the next page where there is one. */
  answer<T>(path: string, init?: RequestInit): Promise<{ value: T; next: string | undefined }>;
  /** Every page of a list, following its links, up to `most` rows. */
  askAll<T>(path: string, options: { most: number; signal?: AbortSignal }): Promise<T[]>;
  /** A change; the page's cookie authorises it. */
  change<T>(
    path: string,
    body?: unknown,
    method?: "POST" | "PUT" | "PATCH" | "DELETE",
  ): Promise<T>;
}

/** The calls by a `fetch` that takes the agent's paths. */
export function agentCalls(
  fetch: (path: string, init: RequestInit) => Promise<Response>,
): AgentCalls {
  const answer: AgentCalls["answer"] = async <T>(path: string, init: RequestInit = {}) => {
    const response = await fetch(path, { cache: "no-store", ...init });
    if (!response.ok) throw await refusal(response);
    const link = response.headers.get("link");
    return {
      // As the contract has it; nothing for an answer without a body.
      value: (response.status === 204 ? undefined : parseExactJson(await response.text())) as T,
      next: /<([^>]*)>;\s*rel="next"/.exec(link ?? "")?.[1],
    };
  };
  const ask: AgentCalls["ask"] = async <T>(path: string, init?: RequestInit) =>
    (await answer<T>(path, init)).value;
  return {
    ask,
    answer,
    async askAll<T>(path: string, { most, ...options }: { most: number; signal?: AbortSignal }) {
      const rows: T[] = [];
      let next: string | undefined = path;
      while (next !== undefined && rows.length < most) {
        const page: { value: T[]; next: string | undefined } = await answer<T[]>(next, options);
        rows.push(...page.value);
        next = page.next;
      }
      return rows;
    },
    change: (path, body, method = "POST") =>
      ask(path, {
        method,
        ...(body === undefined ? {} : {
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        }),
      }),
  };
}

/** Of the agent that the page comes from. */
export const agent: AgentCalls = agentCalls((path, init) => fetch(path, init));
export const { ask, askAll, change } = agent;

/** Shows the token once, for the cookie. */
export async function openSession(token: string): Promise<void> {
  try {
    await ask("/session", { method: "POST", headers: { authorization: `Bearer ${token}` } });
  } catch (error) {
    if (!isRefusal(error) || error.status !== 401) throw error;
    // In the API's words it is for programs.
    throw new Refusal(401, "This is not the agent's token", "It is the one line in that file.");
  }
}

async function refusal(response: Response): Promise<Refusal> {
  const problem: { title?: unknown; detail?: unknown } = await response.json().catch(() => ({}));
  if (typeof problem.title !== "string") {
    return new Refusal(
      response.status,
      "Something else answered in the agent's place",
      "Check the address of this page, and what stands between it and the agent.",
    );
  }
  return new Refusal(
    response.status,
    problem.title,
    typeof problem.detail === "string" ? problem.detail : "",
  );
}

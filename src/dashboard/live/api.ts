/** Asking the agent. Answers are not checked again: the page comes from the agent that gives them. @module */

/** The agent refused, in its own words. */
export class Refusal extends Error {
  constructor(readonly status: number, title: string, readonly detail: string) {
    super(title);
  }
}

export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  return (await answer<T>(path, init)).value;
}

/** Every page of a list, following its links, up to `most` rows. */
export async function askAll<T>(
  path: string,
  { most, signal }: { most: number; signal?: AbortSignal },
): Promise<T[]> {
  const rows: T[] = [];
  let next: string | undefined = path;
  while (next !== undefined && rows.length < most) {
    const page: { value: T[]; next: string | undefined } = await answer<T[]>(
      next,
      signal ? { signal } : {},
    );
    rows.push(...page.value);
    next = page.next;
  }
  return rows;
}

/** One answer, and the link to the next page where there is one. */
export async function answer<T>(
  path: string,
  init: RequestInit = {},
): Promise<{ value: T; next: string | undefined }> {
  const response = await fetch(path, { cache: "no-store", ...init });
  if (!response.ok) throw await refusal(response);
  const link = response.headers.get("link");
  return {
    value: response.status === 204 ? undefined as T : await response.json(),
    next: /<([^>]*)>;\s*rel="next"/.exec(link ?? "")?.[1],
  };
}

/** A change; the page's cookie authorises it. */
export function change<T>(
  path: string,
  body?: unknown,
  method: "POST" | "PUT" | "PATCH" | "DELETE" = "POST",
): Promise<T> {
  return ask<T>(path, {
    method,
    ...(body === undefined ? {} : {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
}

/** Shows the token once, for the cookie. */
export async function signIn(token: string): Promise<void> {
  try {
    await ask("/session", { method: "POST", headers: { authorization: `Bearer ${token}` } });
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 401) throw error;
    // In the API's words it is for programs.
    throw new Refusal(401, "This is not the agent's token", "It is the one line in that file.");
  }
}

async function refusal(response: Response): Promise<Refusal> {
  const problem: { title?: unknown; detail?: unknown } = await response.json().catch(() => ({}));
  const title = typeof problem.title === "string" ? problem.title : `Status ${response.status}`;
  return new Refusal(
    response.status,
    title,
    typeof problem.detail === "string" ? problem.detail : "",
  );
}

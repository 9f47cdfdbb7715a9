/**
 * Requests to PostgREST as an app makes them, in the name of an account or of a key.
 * @module
 */
import type { Cloud } from "../../support/servers/cloud.ts";

export interface Caller {
  apikey: string;
  token: string;
}

export interface RestRequest {
  /** With its query: `projects?id=eq.p1`. */
  path?: string;
  method?: string;
  body?: unknown;
  prefer?: string;
}

export interface RestAnswer {
  status: number;
  text: string;
  /** Of a refusal. */
  code: string | undefined;
  rows: Record<string, unknown>[];
}

export async function callerOf(
  cloud: Cloud,
  name: "anon" | "alice" | "bob" | "service_role",
): Promise<Caller> {
  if (name === "service_role") return { apikey: cloud.serviceKey, token: cloud.serviceKey };
  const token = name === "anon" ? cloud.key : await cloud.token(cloud[name]);
  return { apikey: cloud.key, token };
}

export async function askRest(
  cloud: Cloud,
  { apikey, token }: Caller,
  { path = "", method = "GET", body, prefer = "return=representation" }: RestRequest,
): Promise<RestAnswer> {
  const response = await fetch(`${cloud.url}/rest/v1/${path}`, {
    method,
    headers: {
      apikey,
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      prefer,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = text === "" ? [] : JSON.parse(text) as unknown;
  const code = (answer as { code?: string } | null)?.code;
  return { status: response.status, text, code, rows: Array.isArray(answer) ? answer : [] };
}

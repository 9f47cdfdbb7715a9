/** Checks of the configured clouds: reachability, the signed-in account, clock offset. @module */
import { cloudAccount } from "../../agent.ts";
import { type Config, forbiddenHost } from "../../config/mod.ts";
import { outbound, systemClock as clock, UnusableAnswerError } from "../../core/mod.ts";
import { messageOf } from "../exit.ts";
import { durationOf } from "../terminal.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

/** The account that rows are sent for. Makes no request. */
export async function checkAccount(config: Config): Promise<Finding[]> {
  const account = await cloudAccount(config);
  if (!account) return [];
  const email = await account.whoIsSignedIn();
  if (email !== null) return [ok("account", `signed in as ${email}`)];
  const { supabase } = config;
  if (supabase.email === null) {
    return [ok("account", "not signed in: supabase.key is used alone")];
  }
  return supabase.password === null
    ? [fail("account", "not signed in. Run clockblock login")]
    : [ok("account", `not signed in yet: the agent signs in as ${supabase.email}`)];
}

/** Clock offset above which "last write wins" would let the wrong write win. */
const CLOCK_WARN_MS = 60_000;

export async function checkClouds(config: Config): Promise<Finding[]> {
  const { attendance, device_token, endpoint_url, events, supabase } = config;
  const named = {
    endpoint_url,
    "events.endpoint_url": events.endpoint_url,
    "events.health_url": events.health_url,
    "attendance.endpoint_url": attendance.endpoint_url,
    "supabase.url": supabase.url,
  };
  // Each address once, under its first key.
  const keys = new Map<string, string>();
  for (const [key, url] of Object.entries(named)) {
    if (url !== null && !keys.has(url)) keys.set(url, key);
  }
  if (keys.size === 0) return [ok("cloud", "none configured: everything stays on this machine")];
  const findings: Finding[] = [];
  for (const [url, key] of keys) {
    const forbidden = forbiddenHost(key, url);
    if (forbidden) {
      findings.push(fail("cloud", `${forbidden.message}: ${forbidden.advice}`));
      continue;
    }
    findings.push(...await checkCloud(url, { timeoutMs: config.timeout_sec * 1000 }));
    const token = url === attendance.endpoint_url
      ? attendance.device_token ?? device_token
      : device_token;
    if (url !== supabase.url && token !== null && isUnprotected(url)) {
      findings.push(
        warn("cloud", `${url} is plain http: others can read the device_token. Use https`),
      );
    }
  }
  return findings;
}

async function checkCloud(
  url: string,
  { timeoutMs }: { timeoutMs: number },
): Promise<Finding[]> {
  const { host } = new URL(url);
  const started = clock.monotonic();
  let response: Response;
  try {
    response = await outbound()(url, { method: "HEAD", signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    if (error instanceof UnusableAnswerError) {
      const { message, verdict } = error;
      const advice = verdict.advice ?? "sign in to this network";
      return [fail("cloud", `${host} does not answer itself: ${message}; ${advice}`)];
    }
    return [
      fail(
        "cloud",
        `${host} cannot be reached: ${messageOf(error)}. Check the address and the network`,
      ),
    ];
  }
  const tookMs = clock.monotonic() - started;
  const found = [ok("cloud", `${host} answers (${Math.round(tookMs)} ms)`)];
  const date = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(date)) return found;
  // The header has whole seconds: half of one is the best guess.
  const offsetMs = date + 500 - (clock.now() - tookMs / 2);
  const text = `this clock is ${durationOf(Math.abs(offsetMs))} ${
    offsetMs > 0 ? "behind" : "ahead of"
  } ${host}`;
  return Math.abs(offsetMs) > CLOCK_WARN_MS
    ? [...found, warn("clock", `${text}. Set it, or let the system do it`)]
    : [...found, ok("clock", text)];
}

function isUnprotected(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}

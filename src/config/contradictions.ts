/** What is wrong with values that are each right by themselves. @module */
import type { Config, ProcessMatcher } from "./schema.ts";

const PROJECT_URL = "The project's own address is https://<ref>.supabase.co";

/** A line for each contradiction. */
export function contradictions(config: Config): string[] {
  const { supabase, attendance, records, api_port } = config;
  const problems: string[] = [];
  if (supabase.url !== null && supabase.key === null) {
    problems.push(
      "Cannot use supabase.url without supabase.key: copy the project's publishable (anon) key",
    );
  }
  if (supabase.url === null && supabase.key !== null) {
    problems.push(`Cannot use supabase.key without supabase.url. ${PROJECT_URL}`);
  }
  if (supabase.url !== null) {
    const { hostname, pathname } = new URL(supabase.url);
    if (/(^|\.)supabase\.com$/.test(hostname)) {
      problems.push(`Cannot use supabase.url: ${hostname} is Supabase's dashboard. ${PROJECT_URL}`);
    } else if (/\/(rest|auth|realtime|storage)\/v1/.test(pathname)) {
      problems.push(`Cannot use supabase.url: leave "${pathname}" out. ${PROJECT_URL}`);
    }
  }
  if (attendance.enabled && attendance.port === api_port && api_port !== 0) {
    problems.push(
      `Cannot use attendance.port ${attendance.port}: api_port is the same. Choose another for one of them`,
    );
  }
  const serials = attendance.devices.map(({ sn }) => sn);
  problems.push(
    ...repeated(serials).map((sn) => `Cannot use attendance.devices: "${sn}" is listed twice`),
  );
  const tables = records.tables.map(({ name }) => name);
  problems.push(
    ...repeated(tables).map((name) => `Cannot use records.tables: "${name}" is listed twice`),
  );
  const { endpoint_url, health_url } = config.events;
  if (health_url !== null && endpoint_url === null) {
    problems.push(
      "Cannot use events.health_url without events.endpoint_url: a health row goes where the events go",
    );
  }
  const { from, to } = config.events.flush.active_hours;
  if (from === to) {
    problems.push(
      `Cannot use events.flush.active_hours: from and to are both ${to}. Make them differ`,
    );
  }
  problems.push(...gameProblems(config.process_name ?? []));
  return problems;
}

/** An allowance belongs to a game, which its label names. */
function gameProblems(matchers: readonly ProcessMatcher[]): string[] {
  const problems: string[] = [];
  const allowances = new Map<string, string>();
  for (const { image, label, daily_allowance_min } of matchers) {
    if (daily_allowance_min === undefined) continue;
    if (label === undefined) {
      problems.push(
        `Cannot use process_name: "${image}" has a daily_allowance_min and no label. Add the name of the game, "label": "${image}"`,
      );
      continue;
    }
    const text = JSON.stringify(daily_allowance_min);
    if ((allowances.get(label) ?? text) !== text) {
      problems.push(
        `Cannot use process_name: "${label}" has two daily_allowance_min, ${
          allowances.get(label)
        } and ${text}. Make them equal, or delete one`,
      );
    }
    allowances.set(label, text);
  }
  return problems;
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

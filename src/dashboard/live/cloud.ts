/**
 * The person's sign-in to the cloud. Its module is loaded at the sign-in or for a kept session. The session stays in
 * this browser; the agent never has it.
 * @module
 */
import { computed, effect, signal } from "@preact/signals";
import type { CloudProject } from "../page.ts";
import type { Cloud } from "../source/cloud.ts";
import type { Machine } from "../source/source.ts";
import { forgetKept } from "./kept.ts";
import { machineStatus } from "./state.ts";
import { keep, kept } from "./storage.ts";

const SESSION_KEY = "clockblock.session";
const MACHINE_KEY = "clockblock.machine";

/** The project that the page came with; null where no cloud is configured. */
export const project: CloudProject | null = projectOfPage();
/** Null before its module is loaded. */
export const cloud = signal<Cloud | null>(null);
/** The account's e-mail; null without a sign-in. */
export const account = signal<string | null>(null);
/** Whether a session of an earlier visit is about to go on. */
export const resuming = signal(project !== null && kept(SESSION_KEY) !== "");

/** The machine whose cloud data is shown: that of the agent, as it last named itself. */
export const machine = signal<Machine | null>(keptMachine());

/** The machine as the cloud's source; null without a sign-in. */
export const remote = computed(() =>
  account.value !== null && cloud.value && machine.value ? cloud.value.machine(machine.value) : null
);

effect(() => {
  const { system_id, device_id } = machineStatus.value ?? {};
  if (!project?.agent || system_id === undefined || device_id === undefined) return;
  const known = machine.peek();
  if (known?.systemId === system_id && known.deviceId === device_id) return;
  machine.value = { systemId: system_id, deviceId: device_id };
  keep(MACHINE_KEY, JSON.stringify(machine.value));
});

/** Goes on with a session that this browser has. */
export async function resumeSession(): Promise<void> {
  if (!project || kept(SESSION_KEY) === "") return;
  // What it is needed for is at hand, or comes with the next visit.
  await load().catch(() => {});
  resuming.value = false;
}

export async function signInToCloud(email: string, password: string): Promise<void> {
  await (await load()).signIn(email, password);
}

/** Ends the session and forgets what was kept of it. */
export async function signOut(): Promise<void> {
  // Away from the cloud the session is forgotten all the same.
  await cloud.value?.signOut().catch(() => {});
  forget();
}

function forget(): void {
  keep(SESSION_KEY, "");
  localStorage.removeItem(SESSION_KEY);
  localStorage.removeItem(MACHINE_KEY);
  forgetKept();
  // What is on the screen and in memory goes as well.
  location.reload();
}

let loading: Promise<Cloud> | undefined;

function load(): Promise<Cloud> {
  return loading ??= loadModule().catch((error) => {
    loading = undefined;
    throw error;
  });
}

async function loadModule(): Promise<Cloud> {
  if (!project) throw new TypeError("No cloud is configured");
  const path = document.querySelector<HTMLElement>("#app")!.dataset.cloud!;
  const { openCloud }: typeof import("../source/cloud.ts") = await import(
    new URL(path, document.baseURI).href
  );
  const opened = openCloud(project, { storageKey: SESSION_KEY });
  account.value = await opened.email();
  cloud.value = opened;
  opened.onSession((email) => {
    const before = account.peek();
    account.value = email;
    // It was ended, here or in another tab.
    if (before !== null && email === null) forget();
  });
  return opened;
}

function projectOfPage(): CloudProject | null {
  const told = globalThis.document?.querySelector<HTMLMetaElement>(
    "meta[name=clockblock-project]",
  );
  return told ? JSON.parse(told.content) : null;
}

function keptMachine(): Machine | null {
  try {
    return JSON.parse(kept(MACHINE_KEY));
  } catch {
    return null;
  }
}

/**
 * Thresholds of the allowance as the reader wants to be alerted: by a notification of the browser, by a sound. Both
 * are off until a button turns them on, in any tab. Of several tabs one alerts, and keeps its stream while it is hidden.
 * @module
 */
import { computed, effect, signal } from "@preact/signals";
import { keep, kept } from "./storage.ts";

const NOTIFY_KEY = "clockblock.notify";
const SOUND_KEY = "clockblock.sound";

/** What the browser allows; null where there are no notifications, as on a plain address of the network. */
export const permission = signal(
  typeof Notification === "undefined" ? null : Notification.permission,
);
export const notifies = signal(kept(NOTIFY_KEY) === "on");
export const sounds = signal(kept(SOUND_KEY) === "on");

effect(() => keep(NOTIFY_KEY, notifies.value ? "on" : ""));
effect(() => keep(SOUND_KEY, sounds.value ? "on" : ""));

globalThis.addEventListener?.("storage", ({ key, newValue }) => {
  if (key === SOUND_KEY) sounds.value = newValue === "on";
  if (key !== NOTIFY_KEY) return;
  permission.value = Notification.permission;
  notifies.value = newValue === "on";
});

const locks = globalThis.navigator?.locks;
const leads = signal(!locks);
if (locks) {
  // Held as long as the tab is open; then the next one leads.
  void locks.request("clockblock.alerts", () => {
    leads.value = true;
    return new Promise(() => {});
  });
}

/** Whether this tab needs thresholds while it is hidden. */
export const alerting = computed(() =>
  leads.value && (sounds.value || (notifies.value && permission.value === "granted"))
);

/** Called by a button alone: browsers ask only then. */
export async function toggleNotifications(): Promise<void> {
  if (!notifies.value) permission.value = await Notification.requestPermission();
  notifies.value = !notifies.value && permission.value === "granted";
}

export function toggleSound(): void {
  sounds.value = !sounds.value;
  if (sounds.value) beep();
}

/** A threshold was crossed. */
export function alertReader(
  { body, idempotency_key }: { body: string; idempotency_key: string },
): void {
  if (!leads.value) return;
  if (sounds.value) beep();
  if (notifies.value && permission.value === "granted") {
    void notify(body, idempotency_key);
  }
}

/** By the service worker where there is one: it opens the page again, and on phones nothing else may. */
async function notify(body: string, tag: string): Promise<void> {
  const worker = await navigator.serviceWorker?.getRegistration();
  if (worker?.active) await worker.showNotification("ClockBlock", { body, tag });
  else new Notification("ClockBlock", { body, tag }).onclick = () => focus();
}

let audio: AudioContext | undefined;

/** A short note that fades. */
function beep(): void {
  audio ??= new AudioContext();
  void audio.resume();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  volume.gain.setTargetAtTime(0, audio.currentTime, 0.15);
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.6);
}

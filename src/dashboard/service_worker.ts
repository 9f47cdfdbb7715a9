/**
 * Keeps the page's own files, so that it opens while the agent is away. What the agent answers is never kept here, and
 * the network always comes first: a new version of the agent replaces the page at the next load.
 * @module
 */

/** What TypeScript's library for pages lacks. */
interface Worker extends EventTarget {
  skipWaiting(): Promise<void>;
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: { type: "window" }): Promise<{ focus(): Promise<unknown> }[]>;
    openWindow(url: string): Promise<unknown>;
  };
  readonly registration: { readonly scope: string };
}

interface WorkerEvent extends Event {
  readonly request: Request;
  readonly notification: Notification;
  waitUntil(work: Promise<unknown>): void;
  respondWith(response: Promise<Response>): void;
}

const worker = globalThis as unknown as Worker;
const CACHE = "clockblock-page";
/** An agent that hangs answers no page: the kept one is shown after this. */
const PATIENCE_MS = 3_000;
const FILES = ["", "manifest.webmanifest", "icon-192.png"];

on("install", (event) => {
  void worker.skipWaiting();
  event.waitUntil(
    caches.open(CACHE).then((cache) =>
      cache.addAll(FILES.map((file) => new URL(file, worker.registration.scope)).map(String))
    ),
  );
});

on("activate", (event) => event.waitUntil(worker.clients.claim()));

on("fetch", (event) => {
  const { method, url } = event.request;
  const file = url.startsWith(worker.registration.scope)
    ? url.slice(worker.registration.scope.length)
    : undefined;
  if (method !== "GET" || file === undefined) return;
  if (/^([?#].*)?$/.test(file)) event.respondWith(fresh(event.request, worker.registration.scope));
  // By its whole address, which names its version: another version's page never gets it.
  else if (file.startsWith("cloud.js") || FILES.includes(file)) {
    event.respondWith(fresh(event.request, url));
  }
});

on("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(
    worker.clients.matchAll({ type: "window" }).then(([page]) =>
      page ? page.focus() : worker.clients.openWindow(worker.registration.scope)
    ),
  );
});

/** From the network; what was kept under the name where that gives nothing. */
async function fresh(request: Request, name: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  const answered = fetch(request, { cache: "no-store" }).then(async (response) => {
    if (response.ok) {
      // Versions of a file replace each other.
      await cache.delete(name, { ignoreSearch: true });
      await cache.put(name, response.clone());
    }
    return response;
  });
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS, undefined));
  const inTime = await Promise.race([answered.catch(() => undefined), late]);
  return inTime ?? await cache.match(name) ?? await answered;
}

function on(type: string, handle: (event: WorkerEvent) => void): void {
  worker.addEventListener(type, (event) => handle(event as WorkerEvent));
}

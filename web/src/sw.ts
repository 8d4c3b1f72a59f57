// The service worker: keeps the files of the page, so that it opens without a network. It changes to a new version only
// when a person asks for it, and keeps the files of the version before, which other tabs still run (N5).

interface Waitable extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface Fetching extends Waitable {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

interface Worker {
  readonly __WB_MANIFEST: readonly { url: string; revision: string | null }[];
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: Waitable) => void): void;
  addEventListener(type: "fetch", listener: (event: Fetching) => void): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}

declare const self: Worker;

const files = self.__WB_MANIFEST;
const SHELL = "precache-";
const PAGE = "/index.html";
/** This version and the one before. */
const KEPT_VERSIONS = 2;
/** What belongs to the server, and not to the page. */
const SERVER = /^\/(v1|healthz|openapi\.json)(\/|$)/;
const ASSET = /^\/assets\//;

const current = SHELL + version();

/** Another list of files is another version. FNV-1a is enough to tell them apart. */
function version(): string {
  let sum = 0x811c9dc5;
  for (const char of files.map(({ url, revision }) => `${url} ${revision}`).join("\n")) {
    sum = Math.imul(sum ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return sum.toString(16);
}

async function install() {
  const cache = await caches.open(current);
  // A name without a hash may be in the browser's own cache in an older version.
  await cache.addAll(
    files.map(({ url, revision }) => new Request(`/${url}`, { cache: revision ? "reload" : "default" })),
  );
}

async function activate() {
  // In the order in which they were made.
  const versions = (await caches.keys()).filter((name) => name.startsWith(SHELL) && name !== current);
  const old = versions.slice(0, Math.max(0, versions.length - (KEPT_VERSIONS - 1)));
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function answer(request: Request): Promise<Response> {
  const isPage = request.mode === "navigate";
  const cache = await caches.open(current);
  const kept =
    (await cache.match(isPage ? PAGE : request)) ?? (isPage ? undefined : await caches.match(request));
  if (kept) return kept;
  const fetched = await fetch(request);
  // A name with a hash says for ever what is in it; what was too large to be kept ahead is kept once it was used.
  if (fetched.ok && ASSET.test(new URL(request.url).pathname)) await cache.put(request, fetched.clone());
  return fetched;
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => {
  if (event.data === "take over") void self.skipWaiting();
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || SERVER.test(url.pathname)) return;
  event.respondWith(answer(request));
});
export {};

// Keeps the page for the next visit, and says when a new version waits. It never reloads by itself: the bar offers it (N5).

import { scriptUrl } from "../model/script-url";

const WORKER = "/sw.js";
/** Between two looks for a new version. */
const LOOK_EVERY_MS = 30 * 60_000;

export async function keepPage(offer: (apply: () => void) => void) {
  if (!("serviceWorker" in navigator)) return;
  try {
    const registration = await navigator.serviceWorker.register(scriptUrl(WORKER));
    watch(registration, offer);
    lookNowAndThen(registration);
  } catch {
    // The page is not kept here, in a private window for instance; it works all the same.
  }
}

function watch(registration: ServiceWorkerRegistration, offer: (apply: () => void) => void) {
  const offerWaiting = () => {
    const { waiting } = registration;
    // Without one in charge this is the first visit, and nothing is newer than the page.
    if (waiting && navigator.serviceWorker.controller) offer(() => changeTo(waiting));
  };
  offerWaiting();
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", offerWaiting);
  });
}

/** Only the tab where it was asked for begins anew; the others keep what they run. */
function changeTo(waiting: ServiceWorker) {
  // Another tab has asked for it before.
  if (waiting.state !== "installed") {
    location.reload();
    return;
  }
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  waiting.postMessage("take over");
}

function lookNowAndThen(registration: ServiceWorkerRegistration) {
  let lookedAt = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || Date.now() - lookedAt < LOOK_EVERY_MS) return;
    lookedAt = Date.now();
    // Offline it cannot be looked for; the next time will do.
    registration.update().catch(() => undefined);
  });
}

// Now, to the minute: what says "5 min ago" or "Today" is drawn again when it changes, and not more often.

const MINUTE_MS = 60_000;

class Clock {
  minute: number = $state.raw(floor(Date.now()));

  constructor() {
    this.#wait();
    // A page that slept has a late timer.
    document.addEventListener("visibilitychange", () => (this.minute = floor(Date.now())));
  }

  #wait() {
    const untilNextMs = MINUTE_MS - (Date.now() % MINUTE_MS);
    setTimeout(() => {
      this.minute = floor(Date.now());
      this.#wait();
    }, untilNextMs);
  }
}

function floor(at: number): number {
  return at - (at % MINUTE_MS);
}

export const clock = new Clock();

// What happens to the page itself: the network comes and goes, somebody looks at it or away, it is left.

export interface PageLife {
  /** The network, or the eyes, may have changed; or it was taken out of the browser's memory of pages. */
  stirred(): void;
  /** Somebody came, or went. */
  looked(): void;
  turnedAway(): void;
  left(): void;
}

/** Gives back how to hear no more. */
export function watchPage(life: PageLife): () => void {
  const stirred = (): void => life.stirred();
  const seen = (): void => {
    life.stirred();
    if (document.hidden) life.turnedAway();
    life.looked();
  };
  const heard: Readonly<Record<string, () => void>> = {
    online: stirred,
    offline: stirred,
    pageshow: seen,
    pagehide: () => life.left(),
    focus: () => life.looked(),
    blur: () => {
      life.turnedAway();
      life.looked();
    },
  };
  for (const [name, hear] of Object.entries(heard)) addEventListener(name, hear);
  document.addEventListener("visibilitychange", seen);
  return () => {
    for (const [name, hear] of Object.entries(heard)) removeEventListener(name, hear);
    document.removeEventListener("visibilitychange", seen);
  };
}

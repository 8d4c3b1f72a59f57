// A finger that stays where it is: what the right button is to a mouse (L4).

import type { Attachment } from "svelte/attachments";

const LONG_MS = 500;
/** A finger is never quite still. */
const STILL_PX = 10;

export type At = { x: number; y: number };

/** `onpress` gets what lay under the finger. The press that follows on lifting it does nothing. */
export function longPress(onpress: (target: Element, at: At) => void): Attachment<HTMLElement> {
  return (node) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let start: At | null = null;
    let wasLong = false;

    const cancel = () => {
      clearTimeout(timer);
      start = null;
    };
    const down = (event: PointerEvent) => {
      wasLong = false;
      if (event.pointerType === "mouse" || !event.isPrimary) return;
      const { target } = event;
      start = { x: event.clientX, y: event.clientY };
      const at = start;
      timer = setTimeout(() => {
        wasLong = true;
        if (target instanceof Element) onpress(target, at);
      }, LONG_MS);
    };
    const move = (event: PointerEvent) => {
      if (!start) return;
      if (Math.hypot(event.clientX - start.x, event.clientY - start.y) > STILL_PX) cancel();
    };
    const click = (event: MouseEvent) => {
      if (!wasLong) return;
      wasLong = false;
      event.preventDefault();
      event.stopPropagation();
    };

    node.addEventListener("pointerdown", down);
    node.addEventListener("pointermove", move);
    node.addEventListener("pointerup", cancel);
    node.addEventListener("pointercancel", cancel);
    node.addEventListener("click", click, true);
    return () => {
      cancel();
      node.removeEventListener("pointerdown", down);
      node.removeEventListener("pointermove", move);
      node.removeEventListener("pointerup", cancel);
      node.removeEventListener("pointercancel", cancel);
      node.removeEventListener("click", click, true);
    };
  };
}

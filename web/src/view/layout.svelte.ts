// How many panes there is room for, and whether a finger or a mouse is used.

export type Width = "phone" | "tablet" | "desktop";

const phone = matchMedia("(max-width: 640px)");
const desktop = matchMedia("(min-width: 1100px)");
const coarse = matchMedia("(pointer: coarse)");

class Layout {
  width: Width = $state.raw(measured());
  isTouch = $state.raw(coarse.matches);

  constructor() {
    const measure = () => (this.width = measured());
    phone.addEventListener("change", measure);
    desktop.addEventListener("change", measure);
    coarse.addEventListener("change", () => (this.isTouch = coarse.matches));
  }
}

function measured(): Width {
  if (phone.matches) return "phone";
  return desktop.matches ? "desktop" : "tablet";
}

export const layout = new Layout();

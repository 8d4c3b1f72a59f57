// The lines of every icon, on a field of 24 × 24.

const circle = (x: number, y: number, r: number) =>
  `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
const dot = (x: number, y: number) => circle(x, y, 0.6);

const drawn = {
  add: ["M12 5v14", "M5 12h14"],
  add_person: [
    circle(10, 8, 3.5),
    "M3.5 19.5c0-3.4 2.9-5.5 6.5-5.5 1.3 0 2.5.3 3.5.8",
    "M18 14v6",
    "M15 17h6",
  ],
  appearance: [circle(12, 12, 8), "M12 4v16", "M12 8h5.5", "M12 12h8", "M12 16h5.5"],
  archive: ["M4 5h16v4H4z", "M5.5 9v10h13V9", "M10 13h4"],
  at: [circle(12, 12, 3.5), "M15.5 8.5v5c0 1.4 1 2.2 2.2 2.2 1.6 0 2.3-1.6 2.3-3.7a8 8 0 1 0-3 6.2"],
  back: ["M14.5 5.5 8 12l6.5 6.5"],
  bell: ["M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15z", "M10 20.5h4"],
  bell_off: ["M7 8a6 6 0 0 1 11 3v5", "M6 11v5.5L4.5 18H17", "M10 20.5h4", "M4 4l16 16"],
  block: [circle(12, 12, 8), "M6.5 6.5l11 11"],
  bot: ["M5 9h14v9H5z", "M12 9V5", dot(12, 4), dot(9, 13), dot(15, 13)],
  browser: [circle(12, 12, 8), "M4 12h16", "M12 4c2.8 2.4 4 5 4 8s-1.2 5.6-4 8c-2.8-2.4-4-5-4-8s1.2-5.6 4-8"],
  chat: ["M5 5h14v11h-8l-4.5 3.5V16H5z"],
  chats: ["M4 4.5h12v9H9l-3 2.5v-2.5H4z", "M19 8.5h1v9h-2V20l-3-2.5h-5"],
  check: ["M5 12.5 10 17.5 19.5 7"],
  chevron: ["M9.5 5.5 16 12l-6.5 6.5"],
  clock: [circle(12, 12, 8), "M12 7.5V12l3 2"],
  close: ["M6 6l12 12", "M18 6 6 18"],
  compose: ["M12 5H5v14h14v-7", "M10 14l.5-3L18 3.5l2.5 2.5L13 13.5z"],
  copy: ["M9 9h10v11H9z", "M6 15H5V4h10v2"],
  desktop: ["M4 5h16v11H4z", "M9 20h6", "M12 16v4"],
  down: ["M5.5 9.5 12 16l6.5-6.5"],
  draft: ["M5 19l1-4L16 5l3 3L9 18z"],
  edit: ["M5 19l1-4L16 5l3 3L9 18z", "M13.5 7.5l3 3"],
  error: [circle(12, 12, 8), "M12 7.5v5.5", dot(12, 16.2)],
  group: [
    circle(9, 8.5, 3.2),
    "M3 19c0-3.2 2.7-5 6-5s6 1.8 6 5",
    "M15.5 5.7a3.2 3.2 0 0 1 0 5.6",
    "M17.5 14.3c2.1.6 3.5 2.2 3.5 4.7",
  ],
  info: [circle(12, 12, 8), "M12 11v5", dot(12, 7.8)],
  keyboard: ["M3 6.5h18v11H3z", dot(7, 10), dot(11, 10), dot(15, 10), "M8 14h8"],
  language: [
    "M3.5 6h9",
    "M8 4v2",
    "M10.5 6c-.5 3.5-3 6.5-6.5 8",
    "M5.5 8.5c1 2.5 3 4.5 6 5.5",
    "M12 20l4-10 4 10",
    "M13.5 16.5h5",
  ],
  leave: ["M10 4H5v16h5", "M14 8l4 4-4 4", "M18 12H9.5"],
  lock: ["M6 11h12v9H6z", "M8.5 11V8a3.5 3.5 0 0 1 7 0v3"],
  megaphone: ["M4 10v4h3l8 4V6l-8 4z", "M18 9.5a4 4 0 0 1 0 5", "M7 14v5h3v-3.5"],
  menu: ["M4 7h16", "M4 12h16", "M4 17h16"],
  more: [dot(12, 5.5), dot(12, 12), dot(12, 18.5)],
  person: [circle(12, 8, 3.8), "M4.5 20c0-3.8 3.3-6 7.5-6s7.5 2.2 7.5 6"],
  phone: ["M7.5 3h9v18h-9z", "M11 18h2"],
  pin: ["M9 4h6l-.7 6 3.2 3.5h-11L9.7 10z", "M12 13.5V20"],
  reply: ["M10 6 4.5 11.5 10 17", "M4.5 11.5H14c3.5 0 5.5 2 5.5 6"],
  search: [circle(10.5, 10.5, 6), "M15 15l5 5"],
  send: ["M4.5 4.5 20 12 4.5 19.5 7 12z", "M7 12h6"],
  settings: [
    circle(12, 12, 2.8),
    "M12 3.5v3",
    "M12 17.5v3",
    "M3.5 12h3",
    "M17.5 12h3",
    "M6 6l2.1 2.1",
    "M15.9 15.9 18 18",
    "M18 6l-2.1 2.1",
    "M8.1 15.9 6 18",
  ],
  shield: ["M12 3.5 19 6v6c0 4-3 7-7 8.5C8 19 5 16 5 12V6z"],
  slow: ["M7 4h10", "M7 20h10", "M8 4c0 4.5 8 5.5 8 8s-8 3.5-8 8", "M16 4c0 4.5-8 5.5-8 8s8 3.5 8 8"],
  smile: [circle(12, 12, 8), dot(9, 10), dot(15, 10), "M8.5 14c1.8 2.3 5.2 2.3 7 0"],
  tablet: ["M5 4h14v16H5z", "M11 17h2"],
  terminal: ["M3.5 5h17v14h-17z", "M7 9.5l3 2.5-3 2.5", "M12.5 15H17"],
  trash: ["M5 7h14", "M9.5 7V4.5h5V7", "M6.5 7l1 13h9l1-13", "M10.5 11v5", "M13.5 11v5"],
  twice: ["M2.5 12.5 7 17 15.5 7.5", "M11.5 15.5 13 17l8.5-9.5"],
  unread: ["M5 5h9", "M5 5v11h1.5v3.5L11 16h8v-5", circle(18.5, 5.5, 2)],
} satisfies Record<string, readonly string[]>;

export type IconName = keyof typeof drawn;
export const ICONS: Record<IconName, readonly string[]> = drawn;

/** Those that point along the line of text. */
export const MIRRORED: ReadonlySet<IconName> = new Set([
  "back",
  "chevron",
  "reply",
  "send",
  "leave",
  "compose",
]);

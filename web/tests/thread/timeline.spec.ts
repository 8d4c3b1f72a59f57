// Reading: what is under the eye of the reader stays there.

import { Link } from "../house/link";
import { expect, test } from "../house/test";

test("T7 a thread opens on its New line, at a third of the height", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const read = await bo.sendMany(thread, 30, (n) => `old ${n}`);
  await ann.read(thread, read);
  await bo.sendMany(thread, 30, (n) => `new ${n}`);
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.newLine).toBeInViewport();
  const [line, log] = [await screen.newLine.boundingBox(), await screen.log.boundingBox()];
  const place = ((line?.y ?? 0) - (log?.y ?? 0)) / (log?.height ?? 1);
  expect(place).toBeGreaterThan(0.25);
  expect(place).toBeLessThan(0.42);
});

test("T7 a thread without anything new opens at its end", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await ann.read(thread, await bo.sendMany(thread, 60));
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("message 60")).toBeInViewport();
  await expect(screen.newLine).toHaveCount(0);
});

test("T3 history prepended at the top edge moves nothing", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await ann.read(thread, await bo.sendMany(thread, 150, (n) => `message ${n} ${"long ".repeat(n % 30)}`));
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("message 150")).toBeInViewport();
  // Older pages are held back until the reader stands at the edge.
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await screen.page.route(/messages\?before=/, async (route) => {
    await held;
    await route.continue();
  });
  await screen.log.evaluate((log) => (log.scrollTop = 0));
  await expect.poll(() => screen.log.evaluate((log) => log.scrollTop)).toBeLessThan(200);
  const eye = await screen.eye();
  release();
  await expect(screen.log).toHaveAttribute("aria-busy", "false");
  await screen.page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  );
  expect(Math.abs((await screen.topOf(eye.text)) - eye.top)).toBeLessThanOrEqual(1);
});

test("T5 an arrival while reading up moves nothing and counts", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await ann.read(thread, await bo.sendMany(thread, 60));
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("message 60")).toBeInViewport();
  await screen.scroll(-1500);
  await expect(screen.jump).toBeVisible();
  const eye = await screen.eye();
  await bo.send(thread, "news");
  await expect(screen.jump).toHaveAccessibleName(/1 new message/);
  expect(Math.abs((await screen.topOf(eye.text)) - eye.top)).toBeLessThanOrEqual(1);
});

test("T5 an arrival at the end is followed", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await ann.read(thread, await bo.sendMany(thread, 60));
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("message 60")).toBeInViewport();
  await bo.send(thread, "a long one\n".repeat(8));
  await expect(screen.message("a long one")).toBeInViewport();
  await expect.poll(() => screen.belowPx()).toBeLessThanOrEqual(48);
});

test("T6 the button goes to the New line, then to the end", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const read = await bo.sendMany(thread, 60, (n) => `old ${n}`);
  await ann.read(thread, read);
  await bo.sendMany(thread, 40, (n) => `new ${n}`);
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.newLine).toBeInViewport();
  await screen.scroll(-3000);
  await expect(screen.newLine).not.toBeInViewport();
  await screen.jump.click();
  await expect(screen.newLine).toBeInViewport();
  await screen.jump.click();
  await expect(screen.message("new 40")).toBeInViewport();
});

test("T8 the New line stays after the messages became read", async ({ ann, bo, open }) => {
  await ann.befriend(bo);
  const thread = await ann.direct(bo);
  await bo.sendMany(thread, 3);
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.newLine).toBeVisible();
  await expect.poll(async () => (await ann.row(thread)).mine.unread).toBe(0);
  await expect(screen.newLine).toBeVisible();
});

test("T8 my own message takes the New line away", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await bo.sendMany(thread, 3);
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.newLine).toBeVisible();
  await screen.write("answer");
  await expect(screen.message("answer")).toBeVisible();
  await expect(screen.newLine).toHaveCount(0);
});

test("T9 scrolling up reads all of the history and ends at its beginning", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await ann.read(thread, await bo.sendMany(thread, 130));
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("message 130")).toBeInViewport();
  await expect(async () => {
    await screen.log.evaluate((log) => (log.scrollTop = 0));
    await expect(
      screen.log.getByText("Ann made this conversation").or(screen.log.getByText("You made")),
    ).toBeInViewport({
      timeout: 500,
    });
  }).toPass();
});

test("T10 a hole is shown and fills", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await ann.read(thread, await bo.sendMany(thread, 5));
  let link: Link | undefined;
  const screen = await open(ann, { prepare: async (page) => void (link = await Link.of(page)) });
  await screen.goTo(thread);
  await expect(screen.message("message 5")).toBeVisible();
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await screen.page.route(/messages\?after=/, async (route) => {
    await held;
    await route.continue();
  });
  if (link) link.isLossy = true;
  await bo.sendMany(thread, 3, (n) => `missed ${n}`);
  // They are pushed after they are answered.
  await expect.poll(() => link?.lostEntries).toBe(3);
  if (link) link.isLossy = false;
  await bo.send(thread, "after the hole");
  await expect(screen.message("after the hole")).toBeVisible();
  await expect(screen.log.getByText("Some messages are missing here")).toBeVisible();
  release();
  await expect(screen.message("missed 3")).toBeVisible();
  await expect(screen.log.getByText("Some messages are missing here")).toHaveCount(0);
});

test("T11 a reply's quote opens its message and Back returns", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const first = await bo.send(thread, "the very first one");
  await bo.sendMany(thread, 120);
  await ann.read(thread, await bo.send(thread, "this one", { reply_to: first }));
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.message("this one").getByRole("button").first().click();
  await expect(screen.message("the very first one").first()).toBeInViewport();
  await screen.page.goBack();
  await expect(screen.page).toHaveURL(new RegExp(`/t/${thread.id}$`));
});

test("T14 a family emoji counts as one and is shown large", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await bo.send(thread, "👨‍👩‍👧‍👦");
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.messages.locator(".text")).toHaveCSS("font-size", "40px");
});

test("T1 two messages at once are one group, with the name once", async ({ ann, bo, cleo, open }) => {
  const thread = await ann.group("Team", bo, cleo);
  await bo.send(thread, "one");
  await bo.send(thread, "two");
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("two")).toBeVisible();
  await expect(screen.log.locator(".name")).toHaveCount(1);
});

test("T2 midnight draws a new date line, and today becomes yesterday", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await bo.send(thread, "late at night");
  const screen = await open(ann, { prepare: (page) => page.clock.install() });
  await screen.goTo(thread);
  await expect(screen.log.getByRole("heading", { name: "Today" })).toBeVisible();
  await screen.page.clock.fastForward("24:00:00");
  await screen.page.clock.runFor(61_000);
  await expect(screen.log.getByRole("heading", { name: "Yesterday" })).toBeVisible();
  await screen.write("and a new day");
  await expect(screen.message("and a new day")).toBeVisible();
});

test("T4 a reaction, an edit and a deletion above the eye move nothing", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const last = await bo.sendMany(thread, 60);
  await ann.read(thread, last);
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("message 60")).toBeInViewport();
  await screen.scroll(-900);
  await expect(screen.jump).toBeVisible();
  const eye = await screen.eye();
  // The rows right above the eye are drawn, and those further up are not.
  const above = last - 60 + Number(/message (\d+)/.exec(eye.text)?.[1]);
  const still = async () => expect(Math.abs((await screen.topOf(eye.text)) - eye.top)).toBeLessThanOrEqual(1);
  await bo.react(thread, above - 1, "🎉");
  await expect(screen.log.getByRole("button", { name: /🎉/ })).toBeAttached();
  await still();
  await bo.edit(thread, above - 2, "many lines\n".repeat(6));
  await expect.poll(async () => (await screen.messages.allInnerTexts()).join()).toContain("many lines");
  await still();
  await bo.delete(thread, above - 2);
  await expect.poll(async () => (await screen.messages.allInnerTexts()).join()).toContain("Message deleted");
  await still();
});

test("T13 a selection over several messages copies name, time and text of each in order", async ({
  ann,
  bo,
  open,
}) => {
  const thread = await ann.direct(bo);
  await bo.sendMany(thread, 5);
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("message 5")).toBeVisible();
  const copied = await screen.log.evaluate((log) => {
    const texts = [...log.querySelectorAll(".text")];
    const range = document.createRange();
    range.setStart(texts[1] as Node, 0);
    range.setEnd(texts[3] as Node, 1);
    getSelection()?.removeAllRanges();
    getSelection()?.addRange(range);
    const data = new DataTransfer();
    log.dispatchEvent(new ClipboardEvent("copy", { clipboardData: data, bubbles: true, cancelable: true }));
    return data.getData("text/plain").split("\n");
  });
  expect(copied).toEqual([
    expect.stringMatching(/^Bo, .+, message 2$/),
    expect.stringMatching(/^Bo, .+, message 3$/),
    expect.stringMatching(/^Bo, .+, message 4$/),
  ]);
});

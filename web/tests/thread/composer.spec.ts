// Writing: what keys do, and what is never lost.

import { expect, test } from "../house/test";

test("C1 Enter sends and Shift+Enter breaks the line", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.box.pressSequentially("one");
  await screen.box.press("Shift+Enter");
  await screen.box.pressSequentially("two");
  await screen.box.press("Enter");
  await expect(screen.message("one")).toContainText("two");
  await expect(screen.box).toHaveValue("");
  await expect.poll(async () => (await bo.messages(thread)).map(({ text }) => text)).toEqual(["one\ntwo"]);
});

test("C2 Enter while composing keeps the text", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.box.focus();
  const client = await screen.page.context().newCDPSession(screen.page);
  await client.send("Input.imeSetComposition", { text: "nihao", selectionStart: 5, selectionEnd: 5 });
  await screen.box.press("Enter");
  await expect(screen.messages).toHaveCount(0);
  await client.send("Input.insertText", { text: "你好" });
  await screen.box.press("Enter");
  await expect(screen.message("你好")).toBeVisible();
});

test("C2 the Safari order, the end of a composition and then the key 229, does not send", async ({
  ann,
  bo,
  open,
}) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.box.fill("你好");
  await screen.box.evaluate((box) => {
    box.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true, data: "你好" }));
    box.dispatchEvent(
      new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true, cancelable: true }),
    );
  });
  await expect(screen.box).toHaveValue("你好");
  await expect(screen.messages).toHaveCount(0);
});

test("C3 ten fast presses of Enter send one message", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.box.fill("once");
  for (let press = 0; press < 10; press++) await screen.page.keyboard.press("Enter");
  await expect(screen.messages).toHaveCount(1);
  await expect.poll(async () => (await bo.messages(thread)).length).toBe(1);
});

test("C3 white space alone cannot be sent", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.write("   ");
  await expect(screen.box).toHaveValue("   ");
  await expect(screen.messages).toHaveCount(0);
});

test("C4 a draft survives a reload", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.box.fill("not finished");
  await screen.page.reload();
  await expect(screen.box).toHaveValue("not finished");
});

test("C5 drafts do not follow me to another thread", async ({ ann, bo, cleo, open }) => {
  const [first, second] = [await ann.direct(bo), await ann.direct(cleo)];
  await bo.send(first, "hello");
  await cleo.send(second, "hello");
  await ann.befriend(bo);
  await ann.befriend(cleo);
  const screen = await open(ann);
  await screen.goTo(first);
  await screen.box.fill("for Bo");
  await screen.choose(second);
  await expect(screen.box).toHaveValue("");
  await screen.choose(first);
  await expect(screen.box).toHaveValue("for Bo");
});

test("C8 Up in an empty box edits the last own message, and Escape keeps the draft from before", async ({
  ann,
  bo,
  open,
}) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.write("helo");
  await expect(screen.message("helo")).toHaveAccessibleName(/Sent|Delivered|Read/);
  await screen.box.press("ArrowUp");
  await expect(screen.box).toHaveValue("helo");
  await screen.write("hello");
  await expect(screen.message("hello")).toContainText("edited");
  await expect(screen.messages).toHaveCount(1);
});

test("C8 Escape closes the emoji grid before the reply, and never clears text", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await bo.send(thread, "which one?");
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.message("which one?").focus();
  await screen.page.keyboard.press("r");
  await expect(screen.page.getByText("Reply to Bo")).toBeVisible();
  await screen.box.fill("the linux one");
  await screen.page.getByRole("button", { name: "Emoji" }).click();
  await expect(screen.page.getByRole("searchbox", { name: "Search emoji" })).toBeFocused();
  await screen.page.keyboard.press("Escape");
  await expect(screen.page.getByRole("searchbox", { name: "Search emoji" })).toHaveCount(0);
  await expect(screen.page.getByText("Reply to Bo")).toBeVisible();
  await screen.page.keyboard.press("Escape");
  await expect(screen.page.getByText("Reply to Bo")).toHaveCount(0);
  await screen.page.keyboard.press("Escape");
  await expect(screen.box).toHaveValue("the linux one");
});

test("C9 a letter with nothing focused goes into the box and is no command", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await bo.send(thread, "hello");
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await screen.page.keyboard.press("r");
  await expect(screen.box).toBeFocused();
  await expect(screen.box).toHaveValue("r");
  await expect(screen.page.getByText("Reply to")).toHaveCount(0);
});

test("C11 a mention is chosen with the keys, sent as one, and removed by one Backspace", async ({
  ann,
  bo,
  cleo,
  open,
}) => {
  const thread = await ann.group("Team", bo, cleo);
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.box.pressSequentially("@cl");
  await expect(screen.page.getByRole("option", { name: /Cleo/ })).toHaveAttribute("aria-selected", "true");
  await screen.box.press("Enter");
  await expect(screen.box).toHaveValue("@Cleo ");
  await screen.box.press("Backspace");
  await expect(screen.box).toHaveValue("");
  await screen.box.pressSequentially("@cl");
  await screen.box.press("Tab");
  await screen.box.pressSequentially("look");
  await screen.box.press("Enter");
  await expect(screen.message("look")).toBeVisible();
  await expect.poll(async () => (await cleo.row(thread)).mine.mentions).toBe(1);
});

test("C1 Ctrl+Enter sends where that was chosen, and Enter breaks the line", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann, {
    prepare: async (page) => {
      await page.addInitScript(() =>
        localStorage.setItem("kith.preferences", JSON.stringify({ sendBy: "ctrl_enter" })),
      );
    },
  });
  await screen.goTo(thread);
  await screen.box.pressSequentially("one");
  await screen.box.press("Enter");
  await screen.box.pressSequentially("two");
  await expect(screen.messages).toHaveCount(0);
  await screen.box.press("Control+Enter");
  await expect(screen.message("one")).toContainText("two");
});

test("C1 on touch Enter breaks the line and the button sends", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann, { hasTouch: true, isMobile: true, viewport: { width: 390, height: 800 } });
  await screen.goTo(thread);
  await screen.box.pressSequentially("one");
  await screen.box.press("Enter");
  await expect(screen.messages).toHaveCount(0);
  await screen.box.pressSequentially("two");
  await screen.page.getByRole("button", { name: "Send" }).tap();
  await expect(screen.message("one")).toContainText("two");
});

test("C4 two devices' drafts are both kept", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann, { prepare: (page) => page.clock.install() });
  await screen.goTo(thread);
  await screen.box.fill("from the browser");
  await ann.mine(thread, { draft: { text: "from the phone", version: 0 } });
  await screen.page.clock.runFor(3_000);
  await expect(screen.box).toHaveValue(
    /from the phone[\s\S]*from the browser|from the browser[\s\S]*from the phone/,
  );
});

test("C10 the box grows to 40 % of the height, and its letters are large enough for phones", async ({
  ann,
  bo,
  open,
}) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  const low = (await screen.box.boundingBox())?.height ?? 0;
  await screen.box.fill("line\n".repeat(60));
  const high = (await screen.box.boundingBox())?.height ?? 0;
  expect(low).toBeLessThan(60);
  expect(high).toBeGreaterThan(200);
  expect(high).toBeLessThanOrEqual(0.4 * 800 + 1);
  await expect(screen.box).toHaveCSS("font-size", "16px");
});

// The list of conversations, and the people in them.

import { expect, test } from "./house/test";

test("L1 a new message lifts its thread, and a row under the pointer does not move", async ({
  ann,
  bo,
  cleo,
  open,
}) => {
  await ann.befriend(bo);
  await ann.befriend(cleo);
  const [old, recent] = [await ann.direct(bo), await ann.direct(cleo)];
  await bo.send(old, "earlier");
  await cleo.send(recent, "later");
  const screen = await open(ann);
  const names = () => screen.list.getByRole("listitem").allInnerTexts();
  await expect.poll(async () => (await names())[0]).toContain("Cleo");
  await bo.send(old, "up it goes");
  await expect.poll(async () => (await names())[0]).toContain("Bo");
  await screen.row(old).hover();
  await screen.page.mouse.down();
  const before = await screen.row(old).boundingBox();
  await cleo.send(recent, "pushing");
  await expect(screen.row(recent)).toContainText("pushing");
  expect((await screen.row(old).boundingBox())?.y).toBe(before?.y);
  await screen.page.mouse.up();
});

test("L2 a muted message does not count in the title, and its mention does", async ({ ann, bo, open }) => {
  const thread = await bo.group("Team", ann);
  await ann.mine(thread, { muted_until: "2099-01-01T00:00:00.000Z" });
  const screen = await open(ann);
  await expect(screen.row(thread)).toBeVisible();
  await bo.send(thread, "noise");
  await expect(screen.row(thread).getByRole("link")).toHaveAccessibleName(/1 unread/);
  await expect(screen.page).not.toHaveTitle(/\(/);
  await bo.send(thread, "@Ann look", { mentions: [ann.id] });
  await expect(screen.page).toHaveTitle(/\(1\)/);
  await expect(screen.row(thread).getByRole("link")).toHaveAccessibleName(/1 mention/);
});

test("L2 more than ninety-nine are 99+", async ({ ann, bo, open }) => {
  const thread = await bo.group("Loud", ann);
  await bo.sendMany(thread, 101);
  const screen = await open(ann);
  await expect(screen.row(thread)).toContainText("99+");
});

test("L4 the row menu opens by keyboard and by the right button, and pins", async ({ ann, bo, open }) => {
  const thread = await bo.group("Team", ann);
  await bo.send(thread, "hello");
  const screen = await open(ann);
  await screen.row(thread).getByRole("link").focus();
  await screen.page.keyboard.press("Shift+F10");
  await expect(screen.page.getByRole("menu")).toBeVisible();
  await screen.page.keyboard.press("Escape");
  await expect(screen.page.getByRole("menu")).toHaveCount(0);
  await screen.row(thread).click({ button: "right" });
  await screen.page.getByRole("menuitem", { name: "Pin" }).click();
  await expect.poll(async () => (await ann.row(thread)).mine.pinned).toBe(true);
  await expect(screen.row(thread).getByRole("link")).toHaveAccessibleName(/pinned/i);
});

test("L5 the filter finds by name, and by a part of a Chinese one", async ({ ann, bo, open }) => {
  const [team, friends] = [await bo.group("Team", ann), await bo.group("周末晚饭小组", ann)];
  await bo.send(team, "hello");
  await bo.send(friends, "你好");
  const screen = await open(ann);
  await expect(screen.row(team)).toBeVisible();
  await screen.page.getByRole("searchbox", { name: "Find a conversation" }).fill("晚饭");
  await expect(screen.row(friends)).toBeVisible();
  await expect(screen.row(team)).toHaveCount(0);
});

test("G1 the same people reopen their thread", async ({ ann, bo, open }) => {
  await ann.befriend(bo);
  const thread = await ann.direct(bo);
  await bo.send(thread, "we know each other");
  const screen = await open(ann, { path: "/new" });
  const picker = screen.page.getByRole("combobox").or(screen.page.getByRole("searchbox")).last();
  await picker.fill(bo.user.handle);
  await screen.page.getByRole("option", { name: /Bo/ }).first().click();
  await screen.page.getByRole("button", { name: "Open conversation" }).click();
  await expect(screen.page).toHaveURL(new RegExp(`/t/${thread.id}`));
  await expect(screen.message("we know each other")).toBeVisible();
});

test("G2 who may not manage sees no control for it", async ({ ann, bo, cleo, open }) => {
  const thread = await bo.group("Team", ann, cleo);
  const screen = await open(ann, { path: `/t/${thread.id}/info` });
  const info = screen.page.getByRole("complementary", { name: "Info" });
  await expect(info).toBeVisible();
  await expect(info.getByText("Cleo")).toBeVisible();
  await expect(info.getByRole("button", { name: /Add people|Rename|Remove/ })).toHaveCount(0);
  const owner = await open(bo, { path: `/t/${thread.id}/info` });
  const owned = owner.page.getByRole("complementary", { name: "Info" });
  await expect(owned.getByRole("button", { name: /Add/ })).toBeVisible();
});

test("G3 a stranger sees no receipt and no typing before Accept", async ({ ann, bo, open }) => {
  const thread = await bo.direct(ann);
  const seq = await bo.send(thread, "you do not know me");
  const screen = await open(ann);
  await screen.page.getByRole("link", { name: /Requests/ }).click();
  await expect(screen.page.getByText("you do not know me").first()).toBeVisible();
  await screen.page.goto(`/t/${thread.id}`);
  await expect(screen.message("you do not know me")).toBeVisible();
  await expect(screen.log).toBeVisible();
  const receipts = await bo.call<{ read: string[] }>("GET", `/v1/threads/${thread.id}/receipts?seq=${seq}`);
  expect(receipts.read).toEqual([]);
});

test("A4 the title and the icon return to plain", async ({ ann, bo, open }) => {
  await ann.befriend(bo);
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await expect(screen.list).toBeVisible();
  const plain = await screen.page.title();
  const seq = await bo.send(thread, "hello");
  await expect(screen.page).toHaveTitle(/^\(1\)/);
  await ann.read(thread, seq);
  await expect(screen.page).toHaveTitle(plain);
});

test("A1 nothing is asked on load", async ({ ann, bo, open }) => {
  await ann.direct(bo);
  const asked: string[] = [];
  const screen = await open(ann, {
    prepare: async (page) => {
      await page.exposeFunction("asked", (what: string) => asked.push(what));
      await page.addInitScript(() => {
        const { asked } = window as unknown as { asked: (what: string) => void };
        Notification.requestPermission = () => {
          asked("notifications");
          return Promise.resolve("denied");
        };
      });
    },
  });
  await expect(screen.list).toBeVisible();
  await screen.page.mouse.click(640, 400);
  await expect(screen.page.getByRole("dialog")).toHaveCount(0);
  expect(asked).toEqual([]);
});

test("Q1 Ctrl+K finds people and threads, and Enter opens the first", async ({ ann, bo, open }) => {
  const thread = await bo.group("今天晚上一起吃饭", ann);
  await bo.send(thread, "hello");
  const screen = await open(ann);
  await expect(screen.row(thread)).toBeVisible();
  await screen.page.keyboard.press("Control+k");
  await screen.page.getByRole("dialog").getByRole("combobox").fill("晚上");
  await expect(screen.page.getByRole("option").first()).toContainText("今天晚上一起吃饭");
  await screen.page.keyboard.press("Enter");
  await expect(screen.page).toHaveURL(new RegExp(`/t/${thread.id}`));
});

test("Q1 two Chinese characters are found inside a sentence of the thread", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await bo.send(thread, "今天晚上一起吃饭吗");
  await bo.sendMany(thread, 40);
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.messages.first()).toBeVisible();
  await screen.page.keyboard.press("Control+f");
  await screen.page.getByRole("search").getByRole("searchbox").fill("晚上");
  await expect(screen.message("今天晚上一起吃饭吗")).toBeInViewport();
});

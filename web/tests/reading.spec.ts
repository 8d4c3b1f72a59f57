// What counts as read, and who is typing.

import { expect, test } from "./house/test";

test("R1 a tab without the eyes of its reader reads nothing", async ({ ann, bo, open }) => {
  await ann.befriend(bo);
  const thread = await ann.direct(bo);
  const screen = await open(ann, { prepare: (page) => page.clock.install() });
  await screen.goTo(thread);
  await expect(screen.box).toBeVisible();
  await screen.look(false, true);
  await bo.send(thread, "are you there?");
  await expect(screen.message("are you there?")).toBeVisible();
  await screen.page.clock.runFor(10_000);
  expect((await ann.row(thread)).mine.unread).toBe(1);
  await screen.look(true);
  await screen.log.hover();
  await screen.page.clock.runFor(5_000);
  await expect.poll(async () => (await ann.row(thread)).mine.unread).toBe(0);
});

test("R1 nobody who did nothing for a minute has read what came", async ({ ann, bo, open }) => {
  await ann.befriend(bo);
  const thread = await ann.direct(bo);
  const screen = await open(ann, { prepare: (page) => page.clock.install() });
  await screen.goTo(thread);
  await expect(screen.box).toBeVisible();
  await screen.page.clock.runFor(90_000);
  await bo.send(thread, "still there?");
  await expect(screen.message("still there?")).toBeVisible();
  await screen.page.clock.runFor(5_000);
  expect((await ann.row(thread)).mine.unread).toBe(1);
});

test("R1 a message scrolled past in under a second is not read", async ({ ann, bo, open }) => {
  await ann.befriend(bo);
  const thread = await ann.direct(bo);
  await bo.sendMany(thread, 60, (n) => `line ${n}\nmore\nmore`);
  const screen = await open(ann, { prepare: (page) => page.clock.install() });
  await screen.goTo(thread);
  await expect(screen.newLine).toBeVisible();
  await screen.page.clock.runFor(300);
  await screen.log.evaluate((log) => (log.scrollTop = log.scrollHeight));
  await screen.page.clock.runFor(300);
  await screen.log.evaluate((log) => (log.scrollTop = 0));
  await screen.page.clock.runFor(3_000);
  await expect.poll(async () => (await ann.row(thread)).mine.read_seq).toBeGreaterThan(1);
  expect((await ann.row(thread)).mine.unread).toBeGreaterThan(30);
});

test("R2 reading on the phone clears the badge here", async ({ ann, bo, open }) => {
  await ann.befriend(bo);
  const thread = await ann.direct(bo);
  const seq = await bo.sendMany(thread, 3);
  const screen = await open(ann);
  await expect(screen.row(thread)).toContainText("3");
  await expect(screen.page).toHaveTitle(/\(3\)/);
  await ann.read(thread, seq);
  await expect(screen.page).not.toHaveTitle(/\(/);
  await expect(screen.row(thread).getByRole("link")).not.toHaveAccessibleName(/unread/);
});

test("L3 a deleted unread message leaves no badge", async ({ ann, bo, open }) => {
  await ann.befriend(bo);
  const thread = await ann.direct(bo);
  const seq = await bo.send(thread, "oops");
  const screen = await open(ann);
  await expect(screen.row(thread).getByRole("link")).toHaveAccessibleName(/1 unread/);
  await bo.delete(thread, seq);
  await expect(screen.row(thread).getByRole("link")).not.toHaveAccessibleName(/unread/);
  await expect(screen.page).not.toHaveTitle(/\(/);
});

test("R3 typing is sent at most once in three seconds", async ({ ann, bo, open }) => {
  await ann.befriend(bo);
  const thread = await ann.direct(bo);
  const screen = await open(ann, { prepare: (page) => page.clock.install() });
  await screen.goTo(thread);
  const said: string[] = [];
  screen.page.on("request", (request) => {
    if (request.url().endsWith("/typing")) said.push(request.postData() ?? "");
  });
  for (let second = 0; second < 6; second++) {
    await screen.box.pressSequentially("ab");
    await screen.page.clock.runFor(1_000);
  }
  const starts = said.filter((body) => body.includes("true"));
  expect(starts.length).toBeGreaterThanOrEqual(2);
  expect(starts.length).toBeLessThanOrEqual(3);
  await screen.box.press("Enter");
  await expect.poll(() => said.at(-1)).toContain("false");
});

test("R4 a typing mark ends after six seconds, and at once with the message", async ({ ann, bo, open }) => {
  await ann.befriend(bo);
  const thread = await ann.direct(bo);
  const screen = await open(ann, { prepare: (page) => page.clock.install() });
  await screen.goTo(thread);
  await expect(screen.box).toBeVisible();
  const typing = screen.page.getByText("Bo is typing…");
  await bo.types(thread);
  await expect(typing).toBeVisible();
  await screen.page.clock.runFor(6_500);
  await expect(typing).toHaveCount(0);
  await bo.types(thread);
  await expect(typing).toBeVisible();
  await bo.send(thread, "there");
  await expect(screen.message("there")).toBeVisible();
  await expect(typing).toHaveCount(0);
});

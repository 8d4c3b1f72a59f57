// A message on its way: shown at once, never doubled, never lost.

import { Link } from "./house/link";
import { expect, test } from "./house/test";

test("S1 a message is shown before any answer, and its row is replaced, not repeated", async ({
  ann,
  bo,
  open,
}) => {
  const thread = await ann.direct(bo);
  let link: Link | undefined;
  const screen = await open(ann, { prepare: async (page) => void (link = await Link.of(page)) });
  await screen.goTo(thread);
  await expect(screen.box).toBeFocused();
  // Neither answers nor pushes come.
  if (link) link.isLossy = true;
  await screen.write("hello");
  const row = screen.message("hello");
  await expect(row).toHaveAccessibleName(/Sending/);
  await row.evaluate((node) => node.setAttribute("data-same", "yes"));
  if (link) link.isLossy = false;
  await link?.cut();
  link?.mend();
  await expect(row).toHaveAccessibleName(/Sent|Delivered|Read/);
  await expect(row).toHaveAttribute("data-same", "yes");
  await expect(screen.messages).toHaveCount(1);
  expect(await bo.messages(thread)).toHaveLength(1);
});

test("S2 ticks go from sent to read and never back", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.write("one");
  const row = screen.message("one");
  await expect(row).toHaveAccessibleName(/Sent$/);
  await bo.call("PUT", `/v1/threads/${thread.id}/delivered`, { seq: 2 });
  await expect(row).toHaveAccessibleName(/Delivered$/);
  await bo.read(thread, 2);
  await expect(row).toHaveAccessibleName(/Read$/);
  await screen.write("two");
  await expect(screen.message("two")).toHaveAccessibleName(/Sent$/);
  await expect(row).toHaveAccessibleName(/Read$/);
});

test("S3 a lost answer does not make two messages", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  let link: Link | undefined;
  const screen = await open(ann, { prepare: async (page) => void (link = await Link.of(page)) });
  await screen.goTo(thread);
  await expect(screen.box).toBeFocused();
  if (link) link.isLossy = true;
  await screen.write("once");
  await expect.poll(async () => (await bo.messages(thread)).length).toBe(1);
  await link?.cut();
  if (link) link.isLossy = false;
  link?.mend();
  await expect(screen.message("once")).toHaveAccessibleName(/Sent|Delivered|Read/);
  await expect(screen.messages).toHaveCount(1);
  expect(await bo.messages(thread)).toHaveLength(1);
});

test("S3 a refusal says why, and can be taken back into the box", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  await bo.call("PUT", `/v1/blocks/${ann.id}`);
  await screen.write("are you there?");
  await expect(screen.log.getByText("Not sent: one of you has blocked the other.")).toBeVisible();
  await expect(screen.message("are you there?")).toHaveAccessibleName(/Not sent/);
  await bo.call("DELETE", `/v1/blocks/${ann.id}`);
  await screen.log.getByRole("button", { name: "Try again", exact: true }).click();
  await expect(screen.message("are you there?")).toHaveAccessibleName(/Sent|Delivered|Read/);
  expect(await bo.messages(thread)).toHaveLength(1);
});

test("S3 offline is Waiting, not Not sent, however long", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  let link: Link | undefined;
  const screen = await open(ann, {
    prepare: async (page) => {
      await page.clock.install();
      link = await Link.of(page);
    },
  });
  await screen.goTo(thread);
  await expect(screen.box).toBeVisible();
  await screen.page.context().setOffline(true);
  await link?.cut();
  await screen.write("later");
  await expect(screen.message("later")).toHaveAccessibleName(/Waiting for connection/);
  await screen.page.clock.runFor("01:00:00");
  await expect(screen.message("later")).toHaveAccessibleName(/Waiting for connection/);
  link?.mend();
  await screen.page.context().setOffline(false);
  await screen.page.clock.runFor(60_000);
  await expect(screen.message("later")).toHaveAccessibleName(/Sent|Delivered|Read/);
});

test("S4 ten messages written offline arrive once and in order after a reload", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  let link: Link | undefined;
  const screen = await open(ann, { prepare: async (page) => void (link = await Link.of(page)) });
  await screen.goTo(thread);
  await expect(screen.box).toBeVisible();
  await screen.page.context().setOffline(true);
  await link?.cut();
  const texts = Array.from({ length: 10 }, (_, n) => `offline ${n}`);
  for (const text of texts) await screen.write(text);
  await expect(screen.messages).toHaveCount(10);
  link?.mend();
  await screen.page.context().setOffline(false);
  await screen.page.reload();
  await expect.poll(async () => (await bo.messages(thread)).map(({ text }) => text)).toEqual(texts);
  await expect(screen.messages).toHaveCount(10);
});

test("S4 a second tab sends what a closed tab left", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  let link: Link | undefined;
  const first = await open(ann, { prepare: async (page) => void (link = await Link.of(page)) });
  await first.goTo(thread);
  await expect(first.box).toBeVisible();
  const second = await open(ann, { context: first.page.context(), path: `/t/${thread.id}` });
  await expect(second.box).toBeVisible();
  // The line of the first is dead: what it sends there goes nowhere.
  await first.page.route("**/messages", (route) => route.abort());
  await link?.cut();
  await first.write("left behind");
  await expect(second.message("left behind")).toBeVisible();
  await first.page.close();
  await expect.poll(async () => (await bo.messages(thread)).map(({ text }) => text)).toEqual(["left behind"]);
  await expect(second.messages).toHaveCount(1);
});

test("S5 a reply from history keeps the view, and the button says Sent", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await ann.read(thread, await bo.sendMany(thread, 90));
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("message 90")).toBeInViewport();
  await screen.scroll(-3000);
  await expect(screen.jump).toBeVisible();
  const eye = await screen.eye();
  await screen.log.getByRole("article", { name: eye.text, exact: true }).focus();
  await screen.page.keyboard.press("r");
  await screen.write("to that one");
  await expect(screen.jump).toContainText("Sent");
  expect(Math.abs((await screen.topOf(eye.text)) - eye.top)).toBeLessThanOrEqual(1);
});

test("S6 a refused edit rolls back and says why", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.write("first version");
  await expect(screen.message("first version")).toHaveAccessibleName(/Sent|Delivered|Read/);
  await screen.page.route(/messages\/\d+$/, (route) =>
    route.fulfill({
      status: 403,
      contentType: "application/problem+json",
      body: JSON.stringify({
        type: "about:blank",
        title: "not allowed",
        status: 403,
        code: "forbidden",
        retry: "never",
      }),
    }),
  );
  await screen.box.press("ArrowUp");
  await screen.write("second version");
  await expect(screen.page.getByRole("alert")).toBeVisible();
  await expect(screen.message("first version")).toBeVisible();
  await expect(screen.message("second version")).toHaveCount(0);
});

test("S6 a deletion leaves Message deleted on both sides", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const [left, right] = [await open(ann), await open(bo)];
  await left.goTo(thread);
  await left.write("a slip");
  await right.goTo({ id: thread.id, name: "Ann" });
  await expect(right.message("a slip")).toBeVisible();
  await left.message("a slip").focus();
  await left.page.keyboard.press("Delete");
  await left.page
    .getByRole("alertdialog")
    .or(left.page.getByRole("dialog"))
    .getByRole("button", { name: "Delete" })
    .click();
  await expect(left.message("Message deleted")).toBeVisible();
  await expect(right.message("Message deleted")).toBeVisible();
  await expect(right.message("a slip")).toHaveCount(0);
});

test("the server is killed and started again while two browsers write: nothing is lost, doubled or out of order", async ({
  ann,
  bo,
  server,
  open,
}) => {
  const thread = await ann.direct(bo);
  const [left, right] = [await open(ann), await open(bo)];
  await left.goTo(thread);
  await right.goTo({ id: thread.id, name: "Ann" });
  await expect(left.box).toBeVisible();
  await expect(right.box).toBeVisible();
  const texts = Array.from({ length: 12 }, (_, n) => n);
  for (const n of texts) {
    if (n === 4) await server.kill();
    await left.write(`ann ${n}`);
    await right.write(`bo ${n}`);
    if (n === 8) await server.run();
  }
  const of = async (who: string): Promise<string[]> =>
    (await bo.messages(thread)).map(({ text }) => text ?? "").filter((text) => text.startsWith(who));
  await expect.poll(() => of("ann"), { timeout: 35_000 }).toEqual(texts.map((n) => `ann ${n}`));
  await expect.poll(() => of("bo"), { timeout: 35_000 }).toEqual(texts.map((n) => `bo ${n}`));
  await expect(left.message("bo 11")).toBeVisible();
  await expect(right.message("ann 11")).toBeVisible();
});

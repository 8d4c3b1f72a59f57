// One socket for all tabs, and what happens when there is none.

import { type Locator } from "@playwright/test";
import { Link } from "./house/link";
import { type Screen, expect, test } from "./house/test";

/** What the state bar says to the eye; to the ear it says it once, in a status beside. */
function bar(screen: Screen, words: string | RegExp): Locator {
  return screen.page.locator("p").filter({ hasText: words });
}

test("N1 five tabs hold one socket, and closing the leader loses and repeats nothing", async ({
  ann,
  bo,
  open,
}) => {
  const thread = await ann.direct(bo);
  const sockets = new Set<unknown>();
  const count = (page: import("@playwright/test").Page) => {
    page.on("websocket", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    page.on("close", () => undefined);
    return Promise.resolve();
  };
  const first = await open(ann, { path: `/t/${thread.id}`, prepare: count });
  await expect(first.box).toBeVisible();
  const context = first.page.context();
  const others = [];
  for (let tab = 0; tab < 4; tab++) {
    others.push(await open(ann, { context, path: `/t/${thread.id}`, prepare: count }));
  }
  await bo.send(thread, "to all tabs");
  for (const tab of [first, ...others]) await expect(tab.message("to all tabs")).toHaveCount(1);
  expect(sockets.size).toBe(1);
  await first.page.close();
  await bo.send(thread, "after the leader");
  for (const tab of others) {
    await expect(tab.message("after the leader")).toHaveCount(1);
    await expect(tab.messages).toHaveCount(2);
  }
});

test("N1 two tabs stay usable together", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  const first = await open(ann, { path: `/t/${thread.id}` });
  const second = await open(ann, { context: first.page.context(), path: `/t/${thread.id}` });
  await expect(second.box).toBeVisible();
  await second.write("from the second");
  await expect(first.message("from the second")).toHaveCount(1);
  await first.write("from the first");
  await expect(second.message("from the first")).toHaveCount(1);
  await expect.poll(async () => (await bo.messages(thread)).length).toBe(2);
});

test("N2 a silent network change is noticed within 25 s", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  let link: Link | undefined;
  const screen = await open(ann, {
    path: `/t/${thread.id}`,
    prepare: async (page) => {
      await page.clock.install();
      link = await Link.of(page);
    },
  });
  await expect(screen.box).toBeVisible();
  await expect.poll(() => link?.openCount).toBe(1);
  if (link) link.isLossy = true;
  await bo.send(thread, "into the void");
  await expect.poll(() => link?.lostEntries).toBe(1);
  for (let second = 0; second < 31; second += 1) await screen.page.clock.runFor(1_000);
  if (link) link.isLossy = false;
  await screen.page.clock.runFor(35_000);
  await expect(screen.message("into the void")).toBeVisible();
  expect(link?.opened).toBeGreaterThanOrEqual(2);
});

test("N2 waking from sleep shows new messages without a reload", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  let link: Link | undefined;
  const screen = await open(ann, {
    path: `/t/${thread.id}`,
    prepare: async (page) => {
      await page.clock.install();
      link = await Link.of(page);
    },
  });
  await expect(screen.box).toBeVisible();
  await link?.cut();
  await bo.send(thread, "while you slept");
  link?.mend();
  await screen.page.clock.fastForward("02:00:00");
  await screen.page.clock.runFor(2_000);
  await expect(screen.message("while you slept")).toBeVisible();
});

test("N3 without sockets messages come by polling, and the bar says so", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  let link: Link | undefined;
  const screen = await open(ann, {
    path: `/t/${thread.id}`,
    prepare: async (page) => {
      await page.clock.install();
      link = await Link.of(page);
      link.isCut = true;
    },
  });
  for (let second = 0; second < 60; second += 1) await screen.page.clock.runFor(1_000);
  await expect(bar(screen, "Live updates are unavailable. Checking every 10 s.")).toBeVisible();
  await bo.send(thread, "by polling");
  await screen.page.clock.runFor(11_000);
  await expect(screen.message("by polling")).toBeVisible();
  expect(link?.openCount).toBe(0);
});

test("N3 the bar says that it reconnects, and Try now does", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  let link: Link | undefined;
  const screen = await open(ann, {
    path: `/t/${thread.id}`,
    prepare: async (page) => {
      await page.clock.install();
      await page.addInitScript(() => (Math.random = () => 0.99));
      link = await Link.of(page);
    },
  });
  await expect(screen.box).toBeVisible();
  await expect.poll(() => link?.openCount).toBe(1);
  await link?.cut();
  await screen.page.clock.runFor(8_000);
  await expect(bar(screen, /Reconnecting/)).toBeVisible();
  link?.mend();
  await screen.page.getByRole("button", { name: "Try now" }).click();
  await expect.poll(() => link?.openCount).toBe(1);
  await screen.page.clock.runFor(3_000);
  await expect(bar(screen, /Reconnecting/)).toHaveCount(0);
});

test("N4 a revoked session says why, does not reconnect, and keeps drafts for the next login", async ({
  ann,
  bo,
  open,
}) => {
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  await screen.box.fill("keep this");
  const web = (await ann.sessions()).find(({ kind }) => kind === "web");
  await ann.call("DELETE", `/v1/sessions/${web?.id}`);
  await expect(screen.page.getByText(/This session was ended from your device list/)).toBeVisible();
  const context = screen.page.context();
  await context.addCookies([
    {
      name: "kith_session",
      value: await ann.cookie(),
      httpOnly: true,
      sameSite: "Lax",
      url: ann.server.origin,
    },
  ]);
  await screen.page.goto(`/t/${thread.id}`);
  await expect(screen.box).toHaveValue("keep this");
});

test("N6 ending all others ends them within a second", async ({ ann, bo, open }) => {
  await ann.direct(bo);
  const here = await open(ann, { path: "/me/devices" });
  const there = await open(ann);
  await expect(there.list).toBeVisible();
  await here.page.reload();
  await here.page.getByRole("button", { name: /End all others/ }).click();
  await here.page
    .getByRole("alertdialog")
    .or(here.page.getByRole("dialog"))
    .getByRole("button", { name: /End/ })
    .click();
  await expect(there.page.getByText(/This session was ended from your device list/)).toBeVisible();
  await expect
    .poll(async () => (await here.page.request.get("/v1/sessions")).json())
    .toMatchObject({
      items: [{ current: true }],
    });
});

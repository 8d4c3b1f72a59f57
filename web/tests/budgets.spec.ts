// Bounds that no change may cross: what is loaded, how many nodes there are, what stays in memory. Times are in `make bench-web`.

import { expect, test } from "./house/test";

/** Bytes of scripts and styles that a page has loaded, as they travelled. */
async function loadedBytes(page: import("@playwright/test").Page): Promise<number> {
  return page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .filter(({ name }) => /\.(?:js|css)$/.test(name))
      .reduce((sum, entry) => sum + (entry as PerformanceResourceTiming).encodedBodySize, 0),
  );
}

const isFromFolder = process.env["KITH_DIST"] !== undefined;

test("the login page loads at most 60 KB, and the first view at most 140 KB", async ({
  ann,
  bo,
  open,
  visit,
}) => {
  test.skip(isFromFolder, "what travels is known only of what the binary serves");
  const thread = await ann.direct(bo);
  await bo.send(thread, "hello");
  const out = await visit();
  await expect(out.page.locator("input[type=password]")).toBeVisible();
  expect(await loadedBytes(out.page)).toBeLessThanOrEqual(60 * 1024);
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("hello")).toBeVisible();
  expect(await loadedBytes(screen.page)).toBeLessThanOrEqual(140 * 1024);
});

test("a thread of any length has at most 2,500 nodes", async ({ ann, bo, open }) => {
  const thread = await bo.group("Team", ann);
  const seq = await bo.sendMany(thread, 400, (n) => `message ${n} with https://example.org/${n}`);
  await ann.read(thread, seq);
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("message 400")).toBeInViewport();
  for (let page = 0; page < 12; page++) {
    await screen.log.evaluate((log) => (log.scrollTop = 0));
    await expect(screen.log).toHaveAttribute("aria-busy", "false");
    expect(await screen.page.evaluate(() => document.querySelectorAll("*").length)).toBeLessThanOrEqual(
      2_500,
    );
  }
});

test("T12 two hundred thread changes leave at most 3 MB behind", async ({ ann, bo, cleo, open }) => {
  test.setTimeout(90_000);
  await ann.befriend(bo);
  await ann.befriend(cleo);
  const [one, two] = [await ann.direct(bo), await ann.direct(cleo)];
  await bo.sendMany(one, 60);
  await cleo.sendMany(two, 60);
  const screen = await open(ann);
  const client = await screen.page.context().newCDPSession(screen.page);
  const heapMb = async (): Promise<number> => {
    await client.send("HeapProfiler.collectGarbage");
    const { usedSize } = await client.send("Runtime.getHeapUsage");
    return usedSize / 1_000_000;
  };
  const change = async (times: number) => {
    for (let n = 0; n < times; n++) {
      await screen.page.keyboard.press("Alt+ArrowDown");
      await screen.page.keyboard.press("Alt+ArrowUp");
    }
  };
  await screen.goTo(one);
  await change(10);
  const before = await heapMb();
  expect(before).toBeLessThanOrEqual(30);
  await change(100);
  expect((await heapMb()) - before).toBeLessThanOrEqual(3);
});

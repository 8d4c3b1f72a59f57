// Texts that mean harm, and people who cannot see, hear, or point.

import AxeBuilder from "@axe-core/playwright";
import { type Screen, expect, test } from "./house/test";

const SCRIPTS = [
  "<script>window.hurt = 1</script>",
  "<img src=x onerror='window.hurt = 1'>",
  "<svg onload='window.hurt = 1'>",
  "[click](javascript:window.hurt=1)",
  "<a href='javascript:window.hurt=1'>x</a>",
  "![x](javascript:window.hurt=1)",
  "<iframe srcdoc='<script>parent.hurt=1</script>'></iframe>",
  "<style>body{display:none}</style>",
  "`<img src=x onerror=window.hurt=1>`",
  "<math><mi//xlink:href='data:x,<script>window.hurt=1</script>'>",
  "data:text/html,<script>window.hurt=1</script>",
  "[x](data:text/html;base64,PHNjcmlwdD53aW5kb3cuaHVydD0xPC9zY3JpcHQ+)",
  "<details open ontoggle=window.hurt=1>",
  "{{constructor.constructor('window.hurt=1')()}}",
  "${window.hurt=1}",
  "</textarea><script>window.hurt=1</script>",
  "<base href='https://evil.example/'>",
  "<form action='https://evil.example'><button>x</button></form>",
  "<!--<img src='--><img src=x onerror=window.hurt=1//'>",
  "<object data='javascript:window.hurt=1'></object>",
];

test("B3 twenty known script payloads run nothing and are shown as text", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  for (const text of SCRIPTS) await bo.send(thread, text);
  await ann.read(thread, SCRIPTS.length + 1);
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("<object data=").first()).toBeVisible();
  await screen.log.evaluate((log) => (log.scrollTop = 0));
  await expect(screen.message("<script>window.hurt = 1</script>").first()).toBeVisible();
  expect(await screen.page.evaluate(() => "hurt" in window)).toBe(false);
  await expect(
    screen.log.locator("script, img, iframe, form, object, style, a[href^=javascript], a[href^=data]"),
  ).toHaveCount(0);
});

test("B3 a link keeps its host in sight and leaves nothing behind", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await bo.send(thread, "see https://example.org/path?q=1 there");
  const screen = await open(ann);
  await screen.goTo(thread);
  const link = screen.log.getByRole("link", { name: /example\.org/ });
  await expect(link).toHaveAttribute("rel", /noopener/);
  await expect(link).toHaveAttribute("target", "_blank");
});

test("B1 a name with U+202E does not turn its neighbours", async ({ ann, person, open }) => {
  const evil = await person("Eve\u202Elive");
  await ann.befriend(evil);
  const thread = await evil.direct(ann);
  await evil.send(thread, "hello");
  const screen = await open(ann);
  await expect(screen.list.getByRole("listitem").first()).toContainText("Evelive");
  expect(await screen.list.innerText()).not.toMatch(/[\u202A-\u202E\u2066-\u2069]/u);
});

test("B1 Arabic and English messages each keep their side", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await bo.send(thread, "مرحبا بالعالم");
  await bo.send(thread, "hello world");
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.log.locator(".text").filter({ hasText: "مرحبا" })).toHaveCSS("direction", "rtl");
  await expect(screen.log.locator(".text").filter({ hasText: "hello" })).toHaveCSS("direction", "ltr");
});

test("B2 a word of 5,000 letters does not widen the page, and folds", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await bo.send(thread, "w".repeat(5_000));
  const screen = await open(ann, { viewport: { width: 390, height: 800 } });
  await screen.goTo(thread);
  await expect(screen.messages).toHaveCount(1);
  expect(await screen.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await expect(screen.log.getByRole("button", { name: "Show more" })).toBeVisible();
});

test("B5 logout leaves no message in storage, and asks first if something was not sent", async ({
  ann,
  bo,
  open,
}) => {
  const thread = await ann.direct(bo);
  await bo.send(thread, "a secret");
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("a secret")).toBeVisible();
  await screen.page.goto("/me");
  await screen.page.getByRole("button", { name: /Log out/ }).click();
  const sure = screen.page
    .getByRole("alertdialog")
    .or(screen.page.getByRole("dialog"))
    .getByRole("button", { name: /Log out/ });
  if (await sure.isVisible()) await sure.click();
  await expect(screen.page.getByRole("button", { name: "Log in" })).toBeVisible();
  const kept = await screen.page.evaluate(async () => ({
    databases: (await indexedDB.databases()).map(({ name }) => name),
    caches: (await caches.keys()).filter((name) => !name.includes("precache")),
    storage: JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }),
  }));
  expect(kept.databases).toEqual([]);
  expect(kept.caches).toEqual([]);
  expect(kept.storage).not.toContain(ann.id);
  expect(kept.storage).not.toContain("secret");
});

test("without IndexedDB everything works, and a sentence says what is missing", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await bo.send(thread, "hello");
  const screen = await open(ann, {
    prepare: async (page) => {
      await page.addInitScript(() =>
        Object.defineProperty(window, "indexedDB", { value: undefined, configurable: true }),
      );
    },
  });
  await screen.goTo(thread);
  await screen.write("works all the same");
  await expect(screen.message("works all the same")).toHaveAccessibleName(/Sent|Delivered|Read/);
  await expect(screen.page.getByText("This browser will not keep messages offline.").first()).toBeVisible();
});

test("a clock that is wrong by a day changes no order", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await bo.send(thread, "first");
  const screen = await open(ann, {
    prepare: (page) => page.clock.install({ time: Date.now() + 86_400_000 }),
  });
  await screen.goTo(thread);
  await screen.write("second");
  await expect(screen.message("second")).toHaveAccessibleName(/Sent|Delivered|Read/);
  await bo.send(thread, "third");
  await expect(screen.message("third")).toBeVisible();
  expect(await screen.messages.allInnerTexts()).toEqual([
    expect.stringContaining("first"),
    expect.stringContaining("second"),
    expect.stringContaining("third"),
  ]);
});

const SCREENS = [
  "/",
  "/new",
  "/new/group",
  "/contacts",
  "/requests",
  "/me",
  "/me/profile",
  "/me/devices",
  "/me/appearance",
  "/me/keyboard",
];

for (const theme of ["light", "dark"] as const) {
  for (const locale of ["en-GB", "zh-CN"]) {
    test(`axe finds nothing on any screen, ${theme}, ${locale}`, async ({ ann, bo, cleo, open, visit }) => {
      test.setTimeout(150_000);
      await ann.befriend(bo);
      const thread = await bo.group("Team", ann, cleo);
      const seq = await bo.send(thread, "with **bold** and https://example.org");
      await bo.send(thread, "a reply", { reply_to: seq });
      await cleo.react(thread, seq, "👍");
      const options = { colorScheme: theme, locale };
      const out = await visit(options);
      await expect(out.page.locator("input[type=password]")).toBeVisible();
      await clean(out, "signed out");
      const screen = await open(ann, options);
      for (const path of [...SCREENS, `/t/${thread.id}`, `/t/${thread.id}/info`]) {
        await screen.page.goto(path);
        await expect(screen.page.locator("h1").first()).toBeAttached();
        if (path.startsWith("/t/")) await expect(screen.messages.first()).toBeVisible();
        await clean(screen, path);
      }
    });
  }
}

async function clean({ page }: Screen, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`,
  );
  expect(told, where).toEqual([]);
}

test("scrolling up announces nothing, and a new message is announced once", async ({ ann, bo, open }) => {
  const thread = await ann.direct(bo);
  await ann.read(thread, await bo.sendMany(thread, 120));
  const screen = await open(ann);
  await screen.goTo(thread);
  await expect(screen.message("message 120")).toBeInViewport();
  const said = screen.page.locator("[data-announcer]");
  await screen.scroll(-4_000);
  await expect(screen.jump).toBeVisible();
  await expect(said).toHaveText("");
  await bo.send(thread, "come down");
  await expect(said).toHaveText("Bo: come down");
});

test("320 px show no sideways scroll on any screen", async ({ ann, bo, open }) => {
  const thread = await bo.group("A group with a name that is much longer than any screen is wide", ann);
  await bo.send(thread, "hello");
  const screen = await open(ann, { viewport: { width: 320, height: 640 } });
  for (const path of [...SCREENS, `/t/${thread.id}`, `/t/${thread.id}/info`]) {
    await screen.page.goto(path);
    await expect(screen.page.locator("h1").first()).toBeAttached();
    const wide = await screen.page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide, path).toBeLessThanOrEqual(320);
  }
});

test("everything works by keyboard alone: log in, open, write, react", async ({ ann, bo, visit }) => {
  await ann.befriend(bo);
  const thread = await bo.direct(ann);
  await bo.send(thread, "use your keys");
  const screen = await visit();
  await expect(screen.page.locator("input[autocomplete=username]")).toBeVisible();
  await screen.page.locator("input[autocomplete=username]").focus();
  await screen.page.keyboard.type(ann.user.handle);
  await screen.page.keyboard.press("Tab");
  await screen.page.keyboard.type("correct horse");
  await screen.page.keyboard.press("Enter");
  await expect(screen.row({ id: thread.id, name: "Bo" })).toBeVisible();
  await screen.page.keyboard.press("Alt+ArrowDown");
  await expect(screen.box).toBeFocused();
  await screen.page.keyboard.type("with pleasure");
  await screen.page.keyboard.press("Enter");
  await expect(screen.message("with pleasure")).toHaveAccessibleName(/Sent|Delivered|Read/);
  await screen.page.keyboard.press("Control+Shift+F6");
  await screen.page.keyboard.press("ArrowUp");
  await expect(screen.message("use your keys")).toBeFocused();
  await screen.page.keyboard.press("+");
  await screen.page.keyboard.type("thumbs up");
  await screen.page.keyboard.press("Enter");
  await expect(screen.message("use your keys").getByRole("button", { name: /👍/ })).toBeVisible();
});

// Every nasty text is sent, shown and copied back: no script runs, no layout breaks, no character is lost.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "./house/test";

interface Case {
  name: string;
  expect: "accept_verbatim" | "reject";
  text?: string;
  /** The JSON string as it is written. */
  json?: string;
  /** UTF-8, in hexadecimal digits. */
  hex?: string;
  repeat?: { unit: string; count: number; prefix?: string; suffix?: string };
}

function textOf({ text, json, hex, repeat }: Case): string {
  if (text !== undefined) return text;
  if (json !== undefined) return JSON.parse(json) as string;
  if (hex !== undefined) return Buffer.from(hex, "hex").toString("utf8");
  if (!repeat) throw new Error("a case without a text");
  return (repeat.prefix ?? "") + repeat.unit.repeat(repeat.count) + (repeat.suffix ?? "");
}

const cases = readFileSync(join(import.meta.dirname, "data/nasty.jsonl"), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Case)
  .filter(({ expect }) => expect === "accept_verbatim")
  .map((one) => ({ name: one.name, text: textOf(one) }));

/** Typing more of them keeps the browser itself busy for a minute. */
const LINES_TYPED_MAX = 500;

/** What a text box makes of line ends, in every browser. */
const typed = (text: string) => text.replaceAll("\r\n", "\n").replaceAll("\r", "\n");

test("every nasty text is written in the browser and arrives as it is", async ({ ann, bo, open }) => {
  test.setTimeout(120_000);
  expect(cases.length).toBeGreaterThanOrEqual(200);
  const thread = await ann.direct(bo);
  const screen = await open(ann);
  await screen.goTo(thread);
  for (const { text } of cases) {
    if (text.split("\n").length < LINES_TYPED_MAX) await screen.write(text);
    else {
      await screen.box.evaluate((box, text) => {
        (box as HTMLTextAreaElement).value = text;
        box.dispatchEvent(new InputEvent("input", { bubbles: true }));
      }, text);
      await screen.box.press("Enter");
    }
  }
  const arrived = async () => {
    const pages: string[] = [];
    let after = 0;
    for (;;) {
      const page = await bo.call<{
        items: { seq: number; kind: string; text?: string }[];
        has_more_after: boolean;
      }>("GET", `/v1/threads/${thread.id}/messages?after=${after}&limit=200`);
      pages.push(...page.items.filter(({ kind }) => kind === "text").map(({ text }) => text ?? ""));
      after = page.items.at(-1)?.seq ?? after;
      if (!page.has_more_after) return pages;
    }
  };
  await expect.poll(async () => (await arrived()).length, { timeout: 60_000 }).toBe(cases.length);
  expect(await arrived()).toEqual(cases.map(({ text }) => typed(text)));
  expect(await screen.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1280);
});

test("every nasty text is shown with all its characters, and none widens a phone's page", async ({
  ann,
  bo,
  open,
}) => {
  test.setTimeout(120_000);
  const thread = await ann.direct(bo);
  for (const { text } of cases) await bo.send(thread, text);
  await ann.read(thread, cases.length + 1);
  const screen = await open(ann, { viewport: { width: 390, height: 2_000 } });
  await screen.goTo(thread);
  const shown = new Map<number, string>();
  const collect = async () => {
    const rows = await screen.log.evaluate((log) =>
      [...log.querySelectorAll<HTMLElement>('[role="article"]')].map((row) => ({
        seq: Number(row.getAttribute("aria-posinset")),
        // What is formatted has elements in it; its characters are compared by what formats.
        text: row.querySelector(".text > *") ? null : (row.querySelector(".text")?.textContent ?? null),
      })),
    );
    for (const { seq, text } of rows) if (text !== null) shown.set(seq, text);
    return rows[0]?.seq ?? 0;
  };
  await expect(screen.messages.last()).toBeVisible();
  await expect(async () => {
    await collect();
    const wide = await screen.page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(390);
    await screen.log.evaluate((log) => (log.scrollTop -= 1_200));
    await expect(screen.log.getByText("You made this conversation")).toBeInViewport({ timeout: 200 });
  }).toPass({ intervals: [50], timeout: 90_000 });
  await collect();
  for (const [seq, text] of shown) expect(text, cases[seq - 2]?.name ?? "").toBe(cases[seq - 2]?.text);
  expect(shown.size).toBeGreaterThan(cases.length / 2);
});

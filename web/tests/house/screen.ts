// What a person sees of the client: its parts by the roles and names that they have for everybody.

import { type Locator, type Page, expect } from "@playwright/test";
import type { Thread } from "./person";

export class Screen {
  readonly page: Page;
  /** What went wrong in the page so far: errors, and violations of its policy. */
  readonly troubles: string[] = [];

  constructor(page: Page) {
    this.page = page;
  }

  get list(): Locator {
    return this.page.getByRole("navigation", { name: "Conversations" });
  }

  row(thread: Thread): Locator {
    return this.list.getByRole("listitem").filter({ hasText: thread.name });
  }

  get log(): Locator {
    return this.page.getByRole("log");
  }

  get messages(): Locator {
    return this.log.getByRole("article");
  }

  message(text: string): Locator {
    return this.messages.filter({ hasText: text });
  }

  get newLine(): Locator {
    return this.log.getByRole("separator", { name: "New messages" });
  }

  get box(): Locator {
    return this.page.locator("#message-box");
  }

  get jump(): Locator {
    return this.page.getByRole("button", { name: /To the newest messages/ });
  }

  async goTo(thread: Thread): Promise<void> {
    await this.page.goto(`/t/${thread.id}`);
    await expect(this.page.getByRole("heading", { level: 1, name: thread.name })).toBeVisible();
    await expect(this.box.or(this.page.locator(".silence"))).toBeVisible();
  }

  /** By the list, as a person would. */
  async choose(thread: Thread): Promise<void> {
    await this.row(thread).getByRole("link").click();
    await expect(this.page.getByRole("heading", { level: 1, name: thread.name })).toBeVisible();
  }

  async write(text: string): Promise<void> {
    await this.box.fill(text);
    await this.box.press("Enter");
  }

  /** Where a message begins, in pixels from the top of the window. */
  async top(message: Locator): Promise<number> {
    const box = await message.boundingBox();
    if (!box) throw new Error("the message is not drawn");
    return box.y;
  }

  /** The message under the reader's eye: the first one that begins inside the view. */
  async eye(): Promise<{ text: string; top: number }> {
    return this.log.evaluate((log) => {
      const edge = log.getBoundingClientRect().top;
      const rows = [...log.querySelectorAll<HTMLElement>('[role="article"]')];
      const first = rows
        .map((row) => ({ text: row.getAttribute("aria-label") ?? "", top: row.getBoundingClientRect().top }))
        .filter(({ top }) => top >= edge)
        .sort((a, b) => a.top - b.top)[0];
      if (!first) throw new Error("no message begins inside the view");
      return first;
    });
  }

  /** Where that message is now. */
  async topOf(label: string): Promise<number> {
    return this.log.evaluate((log, label) => {
      const row = [...log.querySelectorAll<HTMLElement>('[role="article"]')].find(
        (row) => row.getAttribute("aria-label") === label,
      );
      if (!row) throw new Error(`not on the screen: ${label}`);
      return row.getBoundingClientRect().top;
    }, label);
  }

  /** Turns the wheel over the messages; again, as long as the list is still finding its first place. */
  async scroll(byPx: number): Promise<void> {
    const place = () => this.log.evaluate((log) => log.scrollTop);
    await this.log.hover();
    await expect(async () => {
      const before = await place();
      await this.page.mouse.wheel(0, byPx);
      await expect.poll(async () => Math.abs((await place()) - before), { timeout: 500 }).toBeGreaterThan(50);
      const after = await place();
      await this.page.evaluate(
        () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
      );
      expect(Math.abs((await place()) - after)).toBeLessThan(Math.abs(byPx));
    }).toPass();
  }

  /** How far the end is below what is seen. */
  belowPx(): Promise<number> {
    return this.log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
  }

  /** Whether the window has the eyes of its reader: a headless one always thinks so. */
  async look(isFocused: boolean, isVisible = isFocused): Promise<void> {
    await this.page.evaluate(
      ([isFocused, isVisible]) => {
        Object.defineProperty(document, "hasFocus", { value: () => isFocused, configurable: true });
        Object.defineProperty(document, "hidden", { value: !isVisible, configurable: true });
        const state = isVisible ? "visible" : "hidden";
        Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
        window.dispatchEvent(new Event(isFocused ? "focus" : "blur"));
      },
      [isFocused, isVisible] as const,
    );
  }
}

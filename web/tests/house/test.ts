// The house of the browser tests: a server for each worker, people, and pages in which they are signed in.

import {
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
  expect,
  test as base,
} from "@playwright/test";
import { serveFolder } from "./dist";
import { Person } from "./person";
import { Screen } from "./screen";
import { Server } from "./server";

export { expect };
export { Person } from "./person";
export type { Thread } from "./person";
export type { Screen } from "./screen";

interface Opening extends BrowserContextOptions {
  /** Another tab of a browser that is open already. */
  context?: BrowserContext;
  path?: string;
  /** Before anything of the page runs. */
  prepare?: (page: Page) => Promise<void>;
}

interface House {
  /** Somebody new. */
  person: (name: string) => Promise<Person>;
  ann: Person;
  bo: Person;
  cleo: Person;
  /** A page in which this person is signed in. */
  open: (person: Person, opening?: Opening) => Promise<Screen>;
  browsers: (person: Person | null, opening: Opening) => Promise<Screen>;
  /** A page in which nobody is. */
  visit: (opening?: Opening) => Promise<Screen>;
}

/** What a page may complain of: requests that a test refuses or cuts on purpose. */
const EXPECTED =
  /Failed to load resource|WebSocket connection to|net::ERR|Failed to fetch|The network connection was lost/;

export const test = base.extend<House, { server: Server }>({
  server: [
    // eslint-disable-next-line no-empty-pattern -- Playwright wants the pattern.
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  person: async ({ server }, use) => {
    await use((name) => Person.register(server, name));
  },
  ann: async ({ person }, use) => {
    await use(await person("Ann"));
  },
  bo: async ({ person }, use) => {
    await use(await person("Bo"));
  },
  cleo: async ({ person }, use) => {
    await use(await person("Cleo"));
  },
  browsers: async ({ browser, server, contextOptions, locale, timezoneId, viewport }, use) => {
    const contexts: BrowserContext[] = [];
    const screens: Screen[] = [];
    // What a service worker answers, no test can hold back; those about it allow it.
    const serviceWorkers = "block" as const;
    const defaults = { ...contextOptions, viewport, serviceWorkers, baseURL: server.origin };
    await use(async (person, { context: known, path = "/", prepare, ...options }) => {
      const zone = { locale: locale ?? "en-GB", timezoneId: timezoneId ?? "UTC" };
      const context = known ?? (await browser.newContext({ ...defaults, ...zone, ...options }));
      if (!known) {
        contexts.push(context);
        await serveFolder(context, server);
      }
      if (person && !known) {
        const cookie = { name: "kith_session", value: await person.cookie(), httpOnly: true };
        await context.addCookies([{ ...cookie, sameSite: "Lax", url: server.origin }]);
      }
      const screen = await listened(context);
      screens.push(screen);
      await prepare?.(screen.page);
      await screen.page.goto(path);
      return screen;
    });
    for (const context of contexts) await context.close();
    const troubles = screens.flatMap(({ troubles }) => troubles);
    expect(troubles, "what the pages complained of").toEqual([]);
  },
  visit: async ({ browsers }, use) => {
    await use((opening = {}) => browsers(null, opening));
  },
  open: async ({ browsers }, use) => {
    await use((person, opening = {}) => browsers(person, opening));
  },
});

async function listened(context: BrowserContext): Promise<Screen> {
  const page = await context.newPage();
  const screen = new Screen(page);
  page.on("pageerror", (error) => screen.troubles.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !EXPECTED.test(message.text())) screen.troubles.push(message.text());
  });
  await page.exposeFunction("tellViolation", (told: string) => screen.troubles.push(`policy: ${told}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      const { tellViolation } = window as unknown as { tellViolation: (told: string) => void };
      tellViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
  return screen;
}

// Browser tests: the real server with the page in its binary, in Debian's Chromium. Time is handed in by Playwright's clock
// where it matters; nothing sleeps.

import { defineConfig } from "@playwright/test";

const chromium = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

// A page that a test fulfils itself comes from nowhere, and such pages may not speak to loopback addresses.
const fromFolder =
  process.env["KITH_DIST"] === undefined ? [] : ["--disable-features=LocalNetworkAccessChecks"];

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  fullyParallel: true,
  workers: 2,
  retries: 0,
  timeout: 40_000,
  expect: { timeout: 10_000 },
  forbidOnly: process.env["CI"] !== undefined,
  reporter: [["list"]],
  use: {
    actionTimeout: 10_000,
    navigationTimeout: 15_000,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    viewport: { width: 1280, height: 800 },
    trace: "retain-on-failure",
    launchOptions: { executablePath: chromium, args: ["--no-sandbox", ...fromFolder] },
  },
});

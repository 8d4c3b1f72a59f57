// While the page is being written: KITH_DIST=dist takes it from a folder instead of the binary, under the same policy.

import { readFile } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import type { BrowserContext } from "@playwright/test";
import type { Server } from "./server";

const FOLDER = process.env["KITH_DIST"];

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};

export async function serveFolder(context: BrowserContext, server: Server): Promise<void> {
  if (FOLDER === undefined) return;
  const folder = resolve(FOLDER);
  const page = await fetch(server.origin, { headers: { Accept: "text/html" } });
  const policy = page.headers.get("content-security-policy") ?? "";
  await context.route(
    (url) => url.origin === server.origin && !url.pathname.startsWith("/v1/"),
    async (route) => {
      const { pathname } = new URL(route.request().url());
      const name = extname(pathname) === "" ? "index.html" : pathname;
      try {
        const body = await readFile(join(folder, name));
        const headers = { "content-type": TYPES[extname(name)] ?? "", "content-security-policy": policy };
        await route.fulfill({ body, headers });
      } catch {
        await route.fulfill({ status: 404 });
      }
    },
  );
}

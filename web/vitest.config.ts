import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// The browser's conditions and its compiled modules, so that Svelte's runes run as they do in the page.
export default defineConfig({
  plugins: [svelte()],
  resolve: { conditions: ["browser"] },
  // Some tests read what the server's tests read.
  server: { fs: { allow: [".."] } },
  // A busy machine takes its time to compile what a test imports.
  test: { include: ["src/**/*.test.ts"], environment: "./tests/page-environment.ts", testTimeout: 60_000 },
});

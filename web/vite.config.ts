import { paraglideVitePlugin } from "@inlang/paraglide-js";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// A server that runs elsewhere, for `npm run dev`: the page and the server must seem to be of one origin.
const server = process.env["KITH_SERVER"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [
    paraglideVitePlugin({
      project: "./project.inlang",
      outdir: "./src/words",
      strategy: ["custom-choice", "preferredLanguage", "baseLocale"],
    }),
    svelte(),
  ],
  // No inline data: a picture is a file of its own, as the policy of the page asks.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { "/v1": { target: server, ws: true, changeOrigin: false } } },
});

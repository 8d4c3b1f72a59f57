import { paraglideVitePlugin } from "@inlang/paraglide-js";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { VitePWA } from "vite-plugin-pwa";

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
    // Puts the list of all files into src/sw.ts. The manifest and the registration are our own: no inline script.
    VitePWA({
      strategies: "injectManifest",
      srcDir: "src",
      filename: "sw.ts",
      injectRegister: false,
      manifest: false,
      // The emoji, by far the largest, are fetched when they are first looked at.
      injectManifest: {
        globPatterns: ["**/*.{html,js,css,svg,png,webmanifest}"],
        globIgnores: ["assets/compact-*.js"],
      },
    }),
  ],
  // No inline data: a picture is a file of its own, as the policy of the page asks.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { "/v1": { target: server, ws: true, changeOrigin: false } } },
});

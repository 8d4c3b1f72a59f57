// Unit tests run in Node, but on modules that are compiled for the page: else runes are plain variables, and effects are nothing.

import type { Environment } from "vitest/runtime";

export default {
  name: "page",
  viteEnvironment: "client",
  setup: () => ({ teardown: () => undefined }),
} satisfies Environment;

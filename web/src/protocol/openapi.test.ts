// The committed types of the wire are those of the committed document: docs/openapi.json is tested against
// the server's code, and this closes the chain.
// @vitest-environment node

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const web = fileURLToPath(new URL("../..", import.meta.url));

// Starting npm and the generator on a busy machine.
const timeoutMs = 60_000;

it(
  "openapi.ts is what docs/openapi.json gives",
  () => {
    // The same command as `make types`, so that its options stand in one place.
    const check = spawnSync("npm", ["run", "--silent", "types", "--", "--check"], {
      cwd: web,
      encoding: "utf8",
    });
    expect(check.status, `stale: make types\n${check.stdout}${check.stderr}`).toBe(0);
  },
  timeoutMs,
);

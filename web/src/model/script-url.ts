// Addresses of scripts. The policy of the page asks that whoever starts a worker says where its script comes from; here
// it is always this origin.

/** Named in the policy that the server sends with the page. */
const POLICY = "kith-script-url";

interface PolicyFactory {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): unknown };
}

let policy: { createScriptURL(url: string): unknown } | null = null;

/** To be given to `new Worker` and `register`; its type is that of a string, as they have it. */
export function scriptUrl(path: string): string {
  const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;
  // Where there are no such policies, nobody asks.
  if (!factory) return ownUrl(path);
  policy ??= factory.createPolicy(POLICY, { createScriptURL: ownUrl });
  return policy.createScriptURL(path) as string;
}

function ownUrl(path: string): string {
  const url = new URL(path, location.href);
  if (url.origin !== location.origin) throw new TypeError(`a script of another origin: ${url.origin}`);
  return url.href;
}

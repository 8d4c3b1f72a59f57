// Links in a message: which texts are some, where they end, and that they lead where they say (B3).

import type { MarkdownIt, StateCore, Token } from "markdown-it";

/** Without a scheme only names with these ends are links: `readme.md` and `main.rs` are files. */
const ENDS =
  "com org net edu gov info biz io dev app ai co cn hk tw jp kr sg in us uk eu de fr nl ch at it es pl cz ru ua br au ca xyz";
/** Chinese and full-width punctuation is never part of a link; there is no space before it. */
const ENDS_LINK =
  /[\u2014\u2018-\u201f\u2026\u3000-\u303f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]/u;
const BIDI_CONTROL = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const SCHEMES: ReadonlySet<string> = new Set(["http:", "https:", "mailto:", "tel:"]);
/** Letters that look like none of the Latin ones. */
const UNLIKE_LATIN =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Devanagari}\p{M}0-9-]+$/u;

type Found = NonNullable<ReturnType<MarkdownIt["linkify"]["matchAtStart"]>>;

/** What is a link. The text of one is never changed. */
export function findLinks(markdown: MarkdownIt): void {
  const { linkify } = markdown;
  linkify.add("ftp:", null).add("//", null);
  linkify.add("tel:", {
    validate: (text, at) => /^\+?[0-9][0-9().-]{2,24}/.exec(text.slice(at))?.[0].length ?? 0,
  });
  linkify.tlds(ENDS.split(" "), false).set({ fuzzyLink: true, fuzzyEmail: true, fuzzyIP: false });
  const [match, matchAtStart] = [linkify.match.bind(linkify), linkify.matchAtStart.bind(linkify)];
  linkify.match = (text) => match(text)?.map(ended) ?? null;
  linkify.matchAtStart = (text) => {
    const found = matchAtStart(text);
    return found && ended(found);
  };
  markdown.normalizeLinkText = (text) => text;
}

function ended(found: Found): Found {
  const length = found.text.search(ENDS_LINK);
  if (length === -1) return found;
  const over = found.text.length - length;
  found.text = found.text.slice(0, length);
  found.raw = found.raw.slice(0, -over);
  found.url = found.url.slice(0, -over);
  found.lastIndex -= over;
  return found;
}

/** Links that lead nowhere else, and open without telling whence. What is refused is text. */
export function checkedLinks(state: StateCore): void {
  for (const token of state.tokens) {
    if (token.children) token.children = checked(state, token.children);
  }
}

function checked(state: StateCore, children: readonly Token[]): Token[] {
  const tokens: Token[] = [];
  for (let place = 0; place < children.length; place++) {
    const open = children[place];
    const text = children[place + 1];
    const close = children[place + 2];
    if (open?.type !== "link_open" || !text || close?.type !== "link_close") {
      if (open) tokens.push(open);
      continue;
    }
    place += 2;
    const url = target(open.attrGet("href"), text.content);
    if (!url) {
      tokens.push(text);
      continue;
    }
    open.attrSet("rel", "noopener noreferrer nofollow");
    open.attrSet("target", "_blank");
    tokens.push(open, text, close);
    if (!showsHost(text.content, url)) tokens.push(...host(state, url.host));
  }
  return tokens;
}

/** Null: this is no link. A name before the host is what `https://bank.com@evil.com` lives on. */
function target(href: string | number | null, text: string): URL | null {
  if (typeof href !== "string" || BIDI_CONTROL.test(text) || !URL.canParse(href)) return null;
  const url = new URL(href);
  return SCHEMES.has(url.protocol) && url.username === "" && url.password === "" ? url : null;
}

/** Whether the text shows where the link leads, and no look-alike of it. */
function showsHost(text: string, url: URL): boolean {
  if (url.host === "") return true;
  const shown =
    text
      .replace(/^[a-z]+:\/\//iu, "")
      .split(/[/?#\\]/u)[0]
      ?.toLowerCase() ?? "";
  const name = shown.replace(/:[0-9]+$/u, "");
  if (name === url.hostname) return true;
  const isPlain = (label: string): boolean => /^[a-z0-9-]*$/u.test(label) || UNLIKE_LATIN.test(label);
  return name.normalize("NFKC") === name && name.split(".").every(isPlain);
}

function host(state: StateCore, name: string): Token[] {
  const open = new state.Token("host_open", "span", 1);
  open.attrSet("class", "host");
  const text = new state.Token("text", "", 0);
  text.content = ` (${name})`;
  return [open, text, new state.Token("host_close", "span", -1)];
}

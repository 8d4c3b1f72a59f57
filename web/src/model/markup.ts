// A message's text as HTML: emphasis, code, quotes, links, mentions (B3). Whatever is no markup stays as it was typed, to the
// space: no entities, no escapes, no headings and lists, and a quarter of a face is not the beginning of italics. The rest of
// what makes it safe is done by `rich-text.ts`. Kept out of the first load: it is needed by few messages.

import MarkdownIt, { type StateCore, type Token } from "markdown-it";
import { withDelimiters } from "./markup-delimiters";
import { checkedLinks, findLinks } from "./markup-links";

/** Somebody whom a message names, as the text has it after the `@`. */
export interface Mentioned {
  readonly name: string;
  readonly userId: string;
  readonly isMe: boolean;
}

const markdown = new MarkdownIt("zero", { html: false, linkify: true })
  .enable(["backticks", "emphasis", "strikethrough", "linkify"])
  .use(findLinks);
markdown.inline.State = withDelimiters(markdown.inline.State);
markdown.core.ruler.at("block", blocks);
markdown.core.ruler.push("links", checkedLinks);
markdown.core.ruler.push("mentions", mentions);
markdown.renderer.rules["fence"] = (tokens, place) => {
  const code = markdown.utils.escapeHtml(tokens[place]?.content ?? "");
  return `<pre><code>${code}</code></pre>`;
};

/** Line breaks stay line breaks: it is shown with `white-space: pre-wrap`. */
export function markup(text: string, mentioned: readonly Mentioned[]): string {
  return markdown.render(text, { mentioned });
}

type Environment = { readonly mentioned: readonly Mentioned[] };

/** Fenced code, quotes, and texts between them. */
function blocks(state: StateCore): void {
  const lines = state.src.split("\n");
  let text: string[] = [];
  const flush = (): void => {
    // A line that only keeps two blocks apart shows nothing.
    const isOnly = state.tokens.length === 0;
    if (text.length > 0 && (isOnly || text.some((line) => line.trim() !== ""))) paragraph(state, text);
    text = [];
  };
  for (let place = 0; place < lines.length;) {
    const line = lines[place] ?? "";
    const fenceEnd = endOfFence(lines, place);
    if (fenceEnd !== null) {
      flush();
      const fence = pushed(state, "fence", "code", 0);
      fence.content = lines.slice(place + 1, fenceEnd).join("\n");
      place = fenceEnd + 1;
    } else if (isQuote(line)) {
      flush();
      const from = place;
      while (isQuote(lines[place] ?? "")) place++;
      pushed(state, "blockquote_open", "blockquote", 1);
      paragraph(
        state,
        lines.slice(from, place).map((quoted) => quoted.slice(2)),
      );
      pushed(state, "blockquote_close", "blockquote", -1);
    } else {
      text.push(line);
      place++;
    }
  }
  flush();
}

function isQuote(line: string): boolean {
  return line.startsWith("> ");
}

/** The line that closes the fence which begins here; null: none begins, or it is not closed. */
function endOfFence(lines: readonly string[], from: number): number | null {
  const opening = /^(`{3,}|~{3,})[\w+#-]*\s*$/.exec(lines[from] ?? "")?.[1];
  if (opening === undefined) return null;
  const end = lines.findIndex((line, place) => place > from && line.trimEnd() === opening);
  return end === -1 ? null : end;
}

function paragraph(state: StateCore, lines: readonly string[]): void {
  pushed(state, "paragraph_open", "p", 1);
  const inline = pushed(state, "inline", "", 0);
  inline.content = lines.join("\n");
  inline.children = [];
  pushed(state, "paragraph_close", "p", -1);
}

function pushed(state: StateCore, type: string, tag: string, nesting: -1 | 0 | 1): Token {
  // No block in the sense of markdown-it, which puts line breaks around them: they would show.
  const token = new state.Token(type, tag, nesting);
  state.tokens.push(token);
  return token;
}

/** `@name` of somebody whom the message names becomes one unit. */
function mentions(state: StateCore): void {
  const { mentioned } = state.env as Environment;
  if (mentioned.length === 0) return;
  // Ann Lee before Ann.
  const names = [...mentioned].sort((a, b) => b.name.length - a.name.length);
  for (const token of state.tokens) {
    if (token.children) token.children = token.children.flatMap((child) => named(state, child, names));
  }
}

function named(state: StateCore, token: Token, names: readonly Mentioned[]): Token[] {
  if (token.type !== "text") return [token];
  const tokens: Token[] = [];
  let plain = "";
  for (let rest = token.content; rest !== "";) {
    const one = rest.startsWith("@") ? names.find(({ name }) => rest.startsWith(name, 1)) : undefined;
    if (one) {
      if (plain !== "") tokens.push(textOf(state, plain));
      tokens.push(...mention(state, one));
      plain = "";
      rest = rest.slice(one.name.length + 1);
    } else {
      const next = rest.indexOf("@", 1);
      plain += next === -1 ? rest : rest.slice(0, next);
      rest = next === -1 ? "" : rest.slice(next);
    }
  }
  if (plain !== "") tokens.push(textOf(state, plain));
  return tokens;
}

function mention(state: StateCore, one: Mentioned): Token[] {
  const open = new state.Token("mention_open", "span", 1);
  open.attrSet("class", one.isMe ? "mention me" : "mention");
  open.attrSet("data-user", one.userId);
  return [open, textOf(state, `@${one.name}`), new state.Token("mention_close", "span", -1)];
}

function textOf(state: StateCore, content: string): Token {
  const text = new state.Token("text", "", 0);
  text.content = content;
  return text;
}

// What is markup in a message and what is not, and where links lead.

import { describe, expect, it } from "vitest";
import nasty from "../../../crates/kith/tests/data/nasty.jsonl?raw";
import { emojiAlone } from "./emoji";
import { isFolded } from "./folding";
import { markup } from "./markup";

const html = (text: string): string => markup(text, []).replace(/^<p>(.*)<\/p>$/su, "$1");

/** What a reader sees, without what is only drawn. */
function seen(text: string): string {
  return markup(text, [])
    .replace(/<span class="host">.*?<\/span>/gu, "")
    .replace(/<[^>]*>/gu, "")
    .replace(
      /&(lt|gt|quot|amp);/gu,
      (_, name: string) => ({ lt: "<", gt: ">", quot: '"', amp: "&" })[name] ?? "",
    );
}

const link = (href: string, text: string): string =>
  `<a href="${href}" rel="noopener noreferrer nofollow" target="_blank">${text}</a>`;

describe("emphasis", () => {
  it.each([
    [
      "**bold** and *it* _it_ ~~gone~~ `code`",
      "<strong>bold</strong> and <em>it</em> <em>it</em> <s>gone</s> <code>code</code>",
    ],
    ["***both***", "<em><strong>both</strong></em>"],
    ["这是**重点**内容", "这是<strong>重点</strong>内容"],
    ["这是**“重点”**内容", "这是<strong>“重点”</strong>内容"],
    ["**a _b_ c**", "<strong>a <em>b</em> c</strong>"],
    ["`**x**`", "<code>**x**</code>"],
  ])("%s", (text, expected) => {
    expect(html(text)).toBe(expected);
  });

  it.each([
    "2*3*4 = 24",
    "2 * 3 * 4",
    "snake_case_name",
    "他*的*，什么*玩意*儿",
    "好~~谢谢~~",
    "¯\\_(ツ)_/¯",
    "*_* (*^_^*) ^_^ T_T",
    "_(:з」∠)_",
    "**** ****",
    "xxxx********",
    "* one\n* two",
    "__init__.py",
    "f*ck this sh*t",
    "\\*not escaped\\*",
    "# no heading",
    "1. no list\n2. at all",
    "---",
    "[no](link)",
    "![no](picture)",
  ])("is not in %s", (text) => {
    expect(seen(text)).toBe(text);
    expect(html(text)).not.toContain("<");
  });
});

describe("blocks", () => {
  it("keep line breaks, blank lines and spaces", () => {
    expect(html("a\n\n   b  \n")).toBe("a\n\n   b  \n");
  });

  it("show code as it was typed", () => {
    expect(markup("see\n```js\nlet a = `<b>`;\n\n  **x**\n```\nend", [])).toBe(
      "<p>see</p><pre><code>let a = `&lt;b&gt;`;\n\n  **x**</code></pre><p>end</p>",
    );
  });

  it("show a fence that is not closed as text", () => {
    expect(seen("```\nhello")).toBe("```\nhello");
  });

  it("show quotes, but no faces", () => {
    expect(markup("> one\n> *two*\nthree", [])).toBe(
      "<blockquote><p>one\n<em>two</em></p></blockquote><p>three</p>",
    );
    expect(seen(">_< >:(\n>> x")).toBe(">_< >:(\n>> x");
  });
});

describe("HTML", () => {
  it.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp; &copy; &#65;",
    '"><svg onload=alert(1)>',
    "<!-- -->",
    "<a href='javascript:alert(1)'>x</a>",
  ])("is text: %s", (text) => {
    expect(seen(text)).toBe(text);
    expect(html(text)).not.toMatch(/<(?!\/?(a|span)\b)/u);
  });
});

describe("a link", () => {
  it.each([
    ["https://ex.com/a_b_c(d)?e=f#g", "https://ex.com/a_b_c(d)?e=f#g", "https://ex.com/a_b_c(d)?e=f#g"],
    ["HTTP://EX.com", "HTTP://EX.com", "HTTP://EX.com"],
    ["www.ex.com", "http://www.ex.com", "www.ex.com"],
    ["ex.com/path", "http://ex.com/path", "ex.com/path"],
    ["ann@ex.com", "mailto:ann@ex.com", "ann@ex.com"],
    ["mailto:ann@ex.com", "mailto:ann@ex.com", "mailto:ann@ex.com"],
    ["tel:+49-30-1234567", "tel:+49-30-1234567", "tel:+49-30-1234567"],
    ["http://例子.中国/路", "http://xn--fsqu00a.xn--fiqs8s/%E8%B7%AF", "http://例子.中国/路"],
  ])("%s", (text, href, shown) => {
    expect(html(text)).toBe(link(href, shown));
  });

  it("ends before a full stop and before Chinese punctuation", () => {
    expect(html("See https://ex.com/a.")).toBe(`See ${link("https://ex.com/a", "https://ex.com/a")}.`);
    expect(html("看https://ex.com/a，很好")).toBe(`看${link("https://ex.com/a", "https://ex.com/a")}，很好`);
    expect(html("（https://ex.com/）")).toBe(`（${link("https://ex.com/", "https://ex.com/")}）`);
  });

  it("may be bold", () => {
    expect(html("**https://ex.com**")).toBe(`<strong>${link("https://ex.com", "https://ex.com")}</strong>`);
  });

  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt://ex.com/%0aalert(1)",
    "data:text/html,<b>x</b>",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://ex.com/",
    "//ex.com",
    "readme.md main.rs e.g. 3.14 1.2.3.4 v1.0.io2",
    "https://ex.com/\u202egpj.exe",
  ])("is not %s", (text) => {
    expect(html(text)).not.toContain("<a");
    expect(seen(text)).toBe(text);
  });

  it("shows where it leads if it looks like another place", () => {
    const cyrillic = "http://аррӏе.com/x";
    expect(html(cyrillic)).toContain('</a><span class="host"> (xn--80ak6aa92e.com)</span>');
    expect(html("https://google.comノevil.cn/")).toContain('<span class="host"> (google.xn--');
    expect(html("http://müller.de")).toContain('<span class="host"> (xn--mller-kva.de)</span>');
    expect(html("https://ex.com:443/x")).not.toContain("host");
    expect(seen(cyrillic)).toBe(cyrillic);
  });

  it("does not lead to what stands after a name", () => {
    expect(html("https://bank.com@evil.com/")).not.toContain('href="https://bank.com@');
    expect(html("https://bank.com:x@evil.com/")).not.toContain("evil.com/</a>");
  });
});

describe("a mention", () => {
  const people = [
    { name: "Ann", userId: "a", isMe: false },
    { name: "Ann Lee", userId: "b", isMe: true },
    { name: "Bo_B_", userId: "c", isMe: false },
  ];

  it("is one unit, the longest name first", () => {
    expect(markup("hi @Ann Lee and @Ann, not @Cy or ann@Ann", people)).toBe(
      '<p>hi <span class="mention me" data-user="b">@Ann Lee</span> and ' +
        '<span class="mention" data-user="a">@Ann</span>, not @Cy or ann' +
        '<span class="mention" data-user="a">@Ann</span></p>',
    );
  });

  it("is found in emphasis, and with lines in the name, but not in code", () => {
    expect(markup("**@Ann** @Bo_B_ `@Ann`", people)).toBe(
      '<p><strong><span class="mention" data-user="a">@Ann</span></strong> ' +
        '<span class="mention" data-user="c">@Bo_B_</span> <code>@Ann</code></p>',
    );
  });

  it("has a name that is no HTML", () => {
    const evil = [{ name: "<b>", userId: '"x', isMe: false }];
    expect(markup("@<b>", evil)).toBe('<p><span class="mention" data-user="&quot;x">@&lt;b&gt;</span></p>');
  });
});

describe("the nasty texts", () => {
  interface Case {
    name: string;
    text?: string;
    repeat?: { unit: string; count: number; prefix?: string; suffix?: string };
  }
  const cases = nasty.split("\n").filter((line) => line !== "");
  const texts = cases.map((line) => {
    const { name, text, repeat } = JSON.parse(line) as Case;
    const whole = repeat && (repeat.prefix ?? "") + repeat.unit.repeat(repeat.count) + (repeat.suffix ?? "");
    // More cannot be sent.
    return [name, (text ?? whole ?? "").slice(0, 65_536)] as const;
  });

  it("are all shown, without losing more than what marks them up", () => {
    const marks = /[*_~`>]|\s+/gu;
    for (const [name, text] of texts) {
      const shown = text.replace(/\r\n?/gu, "\n").replaceAll("\0", "\ufffd");
      expect(seen(text).replace(marks, ""), name).toBe(shown.replace(marks, ""));
      expect(() => [emojiAlone(text), isFolded(text)], name).not.toThrow();
    }
  });

  it("stay as they are if nothing in them is markup", () => {
    for (const [name, text] of texts) {
      if (/[*_~`>\r\0]/u.test(text)) continue;
      expect(seen(text), name).toBe(text);
    }
  });
});

it("takes a moment for the longest message that can be sent", () => {
  for (const part of [
    "*a ",
    "_a",
    "**",
    "~~a",
    "`",
    "[",
    "http://",
    "a@b.",
    "> ",
    "```\n",
    "@Ann",
    "((((",
    "<",
  ]) {
    const text = part.repeat(Math.floor(65_536 / part.length));
    const from = performance.now();
    markup(text, [{ name: "Ann", userId: "a", isMe: false }]);
    expect(performance.now() - from).toBeLessThan(1_500);
  }
});

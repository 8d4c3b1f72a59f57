// What markup makes of a text, clean enough to be put into the page: DOMPurify gives TrustedHTML under the policy that the page
// allows (B4), from a short list of what may be in a message.

import DOMPurify from "dompurify";
import { type Mentioned, markup } from "./markup";

/** Where the browser knows no trusted types, it is a string. */
export type CleanHtml = ReturnType<typeof richText>;

export function richText(text: string, mentioned: readonly Mentioned[]) {
  return DOMPurify.sanitize(markup(text, mentioned), {
    ALLOWED_TAGS: ["p", "strong", "em", "s", "code", "pre", "blockquote", "a", "span"],
    ALLOWED_ATTR: ["href", "rel", "target", "class", "data-user"],
    // All but `href` are no addresses.
    ADD_URI_SAFE_ATTR: ["rel", "target", "data-user"],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?|mailto|tel):/i,
    RETURN_TRUSTED_TYPE: true,
  });
}

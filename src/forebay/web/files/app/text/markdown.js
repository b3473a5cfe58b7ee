// A model's Markdown as elements that are harmless: no HTML of its own, no scripts, no images, no addresses but the web's.

import DOMPurify from "../../vendor/dompurify.js";
import MarkdownIt from "../../vendor/markdown-it.js";

const HARMLESS = /^(?:https?:\/\/|mailto:)/i;
const PURE = {
  ALLOWED_TAGS: [
    ...["a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"],
    ...["s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"],
  ],
  ALLOWED_ATTR: ["href", "rel", "target", "class", "start"],
  ALLOWED_URI_REGEXP: HARMLESS,
  ADD_URI_SAFE_ATTR: ["rel", "target", "start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const md = new MarkdownIt({ html: false, linkify: false, breaks: false });
md.validateLink = (url) => HARMLESS.test(url.trim());

const rules = md.renderer.rules;
rules.link_open = (tokens, at, options, _env, self) => {
  tokens[at].attrSet("target", "_blank");
  tokens[at].attrSet("rel", "noopener noreferrer nofollow");
  return self.renderToken(tokens, at, options);
};
// What a model calls an image may tell somebody that it was looked at: it stays a link.
rules.image = (tokens, at) => {
  const { escapeHtml } = md.utils;
  const source = tokens[at].attrGet("src") ?? "";
  return `<a class="image" target="_blank" rel="noopener noreferrer nofollow" href="${escapeHtml(source)}">Image: ${escapeHtml(tokens[at].content || source)}</a>`;
};
for (const name of ["th_open", "td_open"]) {
  rules[name] = (tokens, at, options, _env, self) => {
    const align = /text-align:(\w+)/.exec(tokens[at].attrGet("style") ?? "")?.[1];
    tokens[at].attrs = align ? [["class", `to-${align}`]] : [];
    return self.renderToken(tokens, at, options);
  };
}

/** `html` without whatever could do something. @returns {DocumentFragment} */
export const pure = (html) => DOMPurify.sanitize(html, PURE);

/** What `text` says, with a head above each piece of code. @returns {DocumentFragment} */
export function rendered(text) {
  const found = pure(md.render(text));
  for (const pre of found.querySelectorAll("pre")) frame(pre);
  for (const table of found.querySelectorAll("table")) wrapTable(table);
  level(found.querySelectorAll("h1, h2, h3, h4, h5, h6"));
  return found;
}

/** Headings in a message stand below the page's own, and none skips a level, whatever the model has written. */
function level(headings) {
  let before = 1;
  for (const heading of headings) {
    before = Math.min(Number(heading.localName[1]) + 1, before + 1);
    heading.setAttribute("aria-level", before);
  }
}

/** Where the last of the blocks of `text` begins; 0 if there is but one. */
export function lastBlock(text) {
  const tokens = [];
  md.block.parse(text, md, {}, tokens);
  const starts = tokens.filter((token) => token.level === 0 && token.map).map((token) => token.map[0]);
  if (starts.length < 2) return 0;
  let at = 0;
  for (let line = 0; line < starts.at(-1); line += 1) at = text.indexOf("\n", at) + 1;
  return at;
}

/** A piece of code with its language and a button above it. @returns {HTMLElement} */
function frame(pre) {
  const code = pre.querySelector("code") ?? pre;
  const language = /language-([\w+#.-]{1,30})/.exec(code.className)?.[1] ?? "";
  const box = document.createElement("div");
  const head = document.createElement("div");
  const name = document.createElement("span");
  const copy = document.createElement("button");
  box.className = "code";
  head.className = "code-head";
  name.textContent = language || "text";
  copy.type = "button";
  copy.className = "copy-code";
  copy.textContent = "Copy";
  copy.setAttribute("aria-label", "Copy code");
  // Long lines are scrolled to, also with the keyboard.
  pre.tabIndex = 0;
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", `Code, ${language || "text"}`);
  head.append(name, copy);
  pre.replaceWith(box);
  box.append(head, pre);
  return box;
}

function wrapTable(table) {
  const box = document.createElement("div");
  box.className = "table";
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", "Table");
  table.replaceWith(box);
  box.append(table);
}

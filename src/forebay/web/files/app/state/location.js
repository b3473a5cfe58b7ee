// Which page is shown: #/chat, #/chat/ID, #/compare, #/watermark, #/guards, #/reviews.

import { signal } from "../html.js";

const PAGES = new Set(["chat", "compare", "watermark", "guards", "reviews"]);

/** @type {import("../html.js").signal<{page: string, id: string}>} */
export const place = signal(read());

addEventListener("hashchange", () => {
  place.value = read();
});

export function go(page, id = "") {
  const hash = `#/${page}${id ? `/${encodeURIComponent(id)}` : ""}`;
  if (location.hash !== hash) location.hash = hash;
}

/** The address of what is shown changes, and nothing else: a new conversation has got its id. */
export function rename(page, id) {
  history.replaceState(null, "", `#/${page}/${encodeURIComponent(id)}`);
  place.value = { page, id };
}

function read() {
  const [, page = "", id = ""] = location.hash.split("/");
  if (!PAGES.has(page)) return { page: "chat", id: "" };
  try {
    return { page, id: decodeURIComponent(id) };
  } catch {
    return { page, id: "" };
  }
}

// Short messages at the edge of the page, and what is said to screen readers alone.

import { signal } from "../html.js";

const SHOWN_MS = 5000;
const MOST = 4;
let names = 0;

/** @type {import("../html.js").signal<{id: number, text: string, error: boolean, retry: (() => void) | null, of: string}[]>} */
export const toasts = signal([]);
/** What a screen reader says next. */
export const spoken = signal("");
/** How many dialogs are open: what is outside of them can neither be pressed nor heard. */
export const dialogs = signal(0);

export function dismiss(id) {
  toasts.value = toasts.value.filter((each) => each.id !== id);
}

/** Says that something was done. */
export function tell(text, of = "") {
  show({ text, error: false, retry: null, of });
}

/** Says that something failed, with what whoever runs the server needs to know; stays until it is dismissed, or until the
 * next word `of` the same. */
export function fail(error, retry = null, of = "") {
  if (error.name === "AbortError") return;
  if (error.name !== "ApiError") console.error(error);
  show({ text: `${error.message}${error.about ?? ""}`, error: true, retry, of });
}

export function say(text) {
  spoken.value = text;
}

function show(toast) {
  names += 1;
  const id = names;
  const others = toasts.value.filter((each) => each.text !== toast.text && (!toast.of || each.of !== toast.of));
  toasts.value = [...others, { id, ...toast }].slice(-MOST);
  if (!toast.error) setTimeout(() => dismiss(id), SHOWN_MS);
}

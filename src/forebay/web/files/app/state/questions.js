// Questions to whoever sits before the page; the view draws them one at a time.

import { signal } from "../html.js";

/** @type {import("../html.js").signal<{title: string, text: string, action: string, field: string | null,
 *   done: (answer: string | null) => void} | null>} */
export const question = signal(null);

/** Asks before something is done that cannot be undone. @returns {Promise<boolean>} */
export async function confirmed(title, text, action) {
  return (await asked({ title, text, action, field: null })) !== null;
}

/** Asks for a line of text. @returns {Promise<string | null>} */
export const prompted = (title, field, action) => asked({ title, text: "", field, action });

function asked(which) {
  return new Promise((resolve) => {
    question.value = { ...which, done: resolve };
  });
}

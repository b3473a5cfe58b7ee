// The messages of a conversation: what is known of each, and how one that was just made becomes one that is kept.

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {"user" | "assistant"} role
 * @property {string} text
 * @property {string | null} parent
 * @property {string} place the id that stands in `siblings`
 * @property {string[]} siblings itself too
 * @property {string} [end] the id of what a next message follows; there is none until the book has told
 * @property {number} created milliseconds since 1970
 * @property {"running" | "done" | "cut" | "stopped" | "failed" | "elsewhere"} state
 * @property {import("../api/figures.js").Figures} figures
 * @property {string} responseId
 * @property {import("./live.js").Live} [live] what comes while it runs
 * @property {Error} [error] why it failed
 * @property {boolean} [waiting] the server will be asked what it has kept of it
 */

let names = 0;

/** What the book says, and what only this page has seen; the element on the screen stays the same one. */
export function settled(shown, kept) {
  const figures = { ...shown.figures, ...kept.figures };
  const state = shown.state === "stopped" ? "stopped" : shown.state === "failed" ? "failed" : kept.state;
  const { error, key, reasoning } = shown;
  return { ...kept, text: kept.text || shown.text, figures, state, error, key, reasoning };
}

/** A message that only this page knows yet. */
export function made(role, text, siblings) {
  names += 1;
  const place = `new_${names}`;
  return { id: place, key: place, role, text, parent: null, place, siblings: [...siblings, place], created: Date.now(), state: "done", figures: {}, responseId: "" };
}

/** A question whose answer has not even begun has failed, too. */
export const failed = (each, done) => (each.again && done.state === "failed" && !done.text ? { ...each, state: "failed" } : each);

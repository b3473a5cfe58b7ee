// What becomes of an answer whose connection was lost: when to look for it, and which of the server's messages it is.

/** The network may be back at any time; a server that starts takes longer. */
const PAUSES_MS = [300, 1000, 2000, 4000, 8000];

/** Waits a little, the longer the more `tries` there were, or until the browser is online again. @returns {Promise<void>} */
export function pause(tries) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]);
    addEventListener("online", done);
  });
}

/**
 * The question and the answer among the server's `messages` that are those of `lost`, as far as there are any.
 * @param {import("./messages.js").Message[]} messages @param {import("./messages.js").Message} lost
 * @param {import("./messages.js").Message | undefined} asked its question @param {import("./messages.js").Message[]} shown
 * @returns {{question?: import("./messages.js").Message, answer?: import("./messages.js").Message}}
 */
export function keptOf(messages, lost, asked, shown) {
  const same = messages.find((each) => each.id === lost.id);
  if (same) return { answer: same };
  const known = new Set(shown.map((each) => each.id));
  const fresh = messages.filter((each) => !known.has(each.id) && !lost.siblings.includes(each.place));
  const ours = lost.responseId ? fresh.filter((each) => each.responseId === lost.responseId) : fresh;
  if (!asked?.again) {
    return { question: messages.find((each) => each.id === asked?.id), answer: ours.findLast((each) => each.role === "assistant") };
  }
  // Without a response's name the words must do.
  const question = ours.findLast((each) => each.role === "user" && each.text === asked.again.text);
  return { question, answer: question && messages.slice(messages.indexOf(question) + 1).find((each) => each.role === "assistant") };
}

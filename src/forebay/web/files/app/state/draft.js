// The question that a login elsewhere has interrupted: kept in this tab until its writer is back.

const KEPT = "forebay.question";

/** @param {string} text */
export function keepQuestion(text) {
  if (text) sessionStorage.setItem(KEPT, text);
}

/** What was kept, once. @returns {string} */
export function takeQuestion() {
  const text = sessionStorage.getItem(KEPT) ?? "";
  sessionStorage.removeItem(KEPT);
  return text;
}

// Where the keyboard goes on when what had the focus is no longer on the page.

/** A field that gets the focus opens the keyboard of a phone, which nobody has asked for. */
const touched = matchMedia("(hover: none)");

/** The browser takes the focus from what became inert a little later. */
const isLost = () => document.activeElement === document.body || Boolean(document.activeElement?.closest("[inert]"));

/** To the field for questions, or, on a phone, to the page, unless something has the focus. */
export function goOn() {
  if (!isLost() || document.querySelector("dialog[open]")) return;
  const field = touched.matches ? null : document.getElementById("question");
  (field ?? document.querySelector("main"))?.focus({ preventScroll: true });
}

/** The same once the page has been drawn anew; `find` names what comes before the field for questions. */
export function goOnTo(find) {
  requestAnimationFrame(() => {
    if (isLost()) find()?.focus();
    goOn();
  });
}

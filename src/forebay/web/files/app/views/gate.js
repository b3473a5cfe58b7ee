// The login: whatever the server offers of a provider, a password and an API key.

import { html, useEffect, useRef, useSignal } from "../html.js";
import { gate, useKey, usePassword } from "../state/session.js";

/**
 * @param {{enter: () => Promise<void>, leave?: () => void}} props `enter` goes on with whatever somebody has logged in for,
 *   `leave` keeps what would be lost with the page
 */
export function Gate({ enter, leave }) {
  const { why, methods } = gate.value;
  const has = (type) => methods.some((each) => each.type === type);
  const single = methods.length === 1 && has("key");
  return html`<section class="gate" aria-labelledby="gate-title">
    <h2 id="gate-title">${single ? "This server asks for an API key" : "Log in"}</h2>
    ${why && html`<p class="error-text" role="alert">${why}</p>`}
    ${methods
      .filter((each) => each.type === "provider")
      .map((each) => html`<a class="button primary" href=${loginAddress(each.url)} onClick=${leave}>Log in with ${each.name}</a>`)}
    ${has("password") && html`<${Secret} label="Admin password" action="Log in" use=${usePassword} enter=${enter} first=${!has("provider")} />`}
    ${has("key") && html`<${Secret} label="API key" action="Use key" use=${useKey} enter=${enter} first=${methods[0].type === "key"} />
      <p class="hint">The key is kept in this tab only, until the tab is closed.</p>`}
  </section>`;
}

/** Back to here, with what is shown. */
const loginAddress = (url) => `${url}?return_to=${encodeURIComponent(`${location.pathname}${location.search}${location.hash}`)}`;

function Secret({ label, action, use, enter, first }) {
  const field = useRef(null);
  const problem = useSignal("");
  useEffect(() => {
    if (first) field.current.focus();
  }, []);
  const submit = async (event) => {
    event.preventDefault();
    problem.value = "";
    try {
      await use(field.current.value.trim());
    } catch (error) {
      problem.value = `${error.message}${error.about ?? ""}`;
      return;
    }
    await enter();
    if (!gate.value) document.getElementById("question")?.focus();
  };
  return html`<form class="secret" onSubmit=${submit}>
    <label>${label}<input ref=${field} type="password" autocomplete=${label === "API key" ? "off" : "current-password"} spellcheck=${false} required /></label>
    <button type="submit">${action}</button>
    ${problem.value && html`<p class="error-text" role="alert">${problem}</p>`}
  </form>`;
}

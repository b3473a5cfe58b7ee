// The field for questions: Enter sends, what is too large is said to be so before it makes the page slow.

import { html, useEffect, useRef, useSignal } from "../html.js";
import { mayAsk } from "../state/session.js";
import { fail } from "../state/toasts.js";
import { ApiError } from "../api/http.js";
import { Icon } from "./icons.js";

/** The most that a question may have: more makes fields slow, and no model reads it. */
export const LONGEST = 1_000_000;

/**
 * @param {{send: (text: string) => void, stop: () => void, running: boolean, ready: boolean, label?: string,
 *   last?: () => void, draft?: () => string}} props `last` is called by the arrow up in an empty field, `draft` for what
 *   stands in it first, once something can be asked
 */
export function Composer(props) {
  return mayAsk.value
    ? html`<${Field} ...${props} />`
    : html`<p class="notice">With the role “viewer” you may read, but not ask. An admin of the login can give you another.</p>`;
}

function Field({ send, stop, running, ready, label = "Message", last, draft }) {
  const field = useRef(null);
  const empty = useSignal(true);
  useEffect(() => {
    const text = ready && draft?.();
    if (!text || field.current.value) return;
    field.current.value = text;
    empty.value = false;
  }, [ready]);
  const submit = (event) => {
    event.preventDefault();
    const text = field.current.value.trim();
    if (!text || running || !ready) return;
    field.current.value = "";
    empty.value = true;
    send(text);
    field.current.focus();
  };
  const key = (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    else if (event.key === "ArrowUp" && !field.current.value) last?.();
  };
  return html`<form class="composer" onSubmit=${submit}>
    <label for="question" class="unseen">${label}</label>
    <textarea id="question" ref=${field} rows="1" placeholder=${label} aria-describedby="keys" onKeyDown=${key} onPaste=${bounded} onDrop=${bounded}
      onInput=${() => (empty.value = !field.current.value.trim())}></textarea>
    ${running
      ? html`<button type="button" class="round" aria-label="Stop" title="Stop (Esc)" onClick=${stop}><${Icon} name="stop" filled /></button>`
      : html`<button type="submit" class="round primary" aria-label="Send" title="Send (Enter)" disabled=${!ready || empty.value}><${Icon} name="send" /></button>`}
  </form>
  <p id="keys" class="hint keys">Enter sends, Shift + Enter starts a new line, Esc stops the answer.</p>`;
}

/** Keeps a text out of a field that would be too long with it, and says why. */
export function bounded(event, longest = LONGEST) {
  const text = (event.clipboardData ?? event.dataTransfer)?.getData("text/plain") ?? "";
  const { length } = event.currentTarget.value;
  if (length + text.length <= longest) return;
  event.preventDefault();
  const size = (text.length / 1e6).toLocaleString("en", { maximumFractionDigits: 1 });
  fail(new ApiError(`The text is too long: it has ${size} million characters, and ${longest.toLocaleString("en")} fit in here. Take a part of it.`));
}

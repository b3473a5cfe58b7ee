// Dialogs over the page: the browser keeps the focus in them, and gives it back.

import { html, useEffect, useId, useRef } from "../html.js";
import { question } from "../state/questions.js";
import { dialogs } from "../state/toasts.js";
import { IconButton } from "./icons.js";
import { Messages } from "./toasts.js";

/** A modal dialog that is open as long as it is drawn. */
export function Dialog({ title, close, children, class: kind = "" }) {
  const ref = useRef(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog.showModal();
    dialogs.value += 1;
    return () => {
      dialogs.value -= 1;
      dialog.close();
      if (before?.isConnected) before.focus();
    };
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    close();
  };
  // A click beside the dialog's box hits the dialog element itself.
  const aside = (event) => event.target === ref.current && close();
  return html`<dialog ref=${ref} class=${kind} aria-labelledby=${id} onCancel=${cancel} onMouseDown=${aside}>
    <div class="dialog-box">
      <header><h2 id=${id}>${title}</h2><${IconButton} name="close" label="Close" onClick=${close} /></header>
      ${children}
    </div>
    <${Messages} />
  </dialog>`;
}

/** Draws what `confirmed` and `prompted` ask. */
export function Questions() {
  const now = question.value;
  const field = useRef(null);
  if (!now) return null;
  const end = (answer) => {
    question.value = null;
    now.done(answer);
  };
  const submit = (event) => {
    event.preventDefault();
    const answer = now.field === null ? "yes" : field.current.value.trim();
    if (answer) end(answer);
  };
  return html`<${Dialog} title=${now.title} close=${() => end(null)} class="small" key=${now.title}>
    <form onSubmit=${submit}>
      ${now.text && html`<p>${now.text}</p>`}
      ${now.field !== null && html`<input ref=${(element) => (field.current = element)?.select()} aria-label=${now.title} value=${now.field} maxlength="200" required autofocus />`}
      <div class="row end">
        <button type="button" onClick=${() => end(null)}>Cancel</button>
        <button type="submit" class="primary">${now.action}</button>
      </div>
    </form>
  <//>`;
}

// Shows short messages, and speaks to screen readers.

import { html } from "../html.js";
import { dialogs, dismiss, spoken, toasts } from "../state/toasts.js";
import { goOnTo } from "../state/focus.js";
import { IconButton } from "./icons.js";

/** Those of the page; a dialog that is open shows them instead. */
export const Toasts = () => dialogs.value === 0 && html`<${Messages} />`;

export function Messages() {
  const again = ({ id, retry }) => {
    dismiss(id);
    retry();
  };
  const leave = (id) => {
    dismiss(id);
    goOnTo(() => document.querySelector(".toast .icon-button"));
  };
  const shown = toasts.value.length > 0;
  return html`<div class="toasts" role=${shown ? "region" : null} aria-label=${shown ? "Notices" : null}>
      ${toasts.value.map(
        (each) => html`<div class=${`toast ${each.error ? "error" : ""}`} role=${each.error ? "alert" : null} key=${each.id}>
          <p>${each.text}</p>
          ${each.retry && html`<button type="button" onClick=${() => again(each)}>Try again</button>`}
          <${IconButton} name="close" label="Dismiss" onClick=${() => leave(each.id)} />
        </div>`,
      )}
    </div>
    <div class="unseen" role="status" aria-live="polite">${spoken.value}${toasts.value.filter((each) => !each.error).map((each) => ` ${each.text}`)}</div>`;
}

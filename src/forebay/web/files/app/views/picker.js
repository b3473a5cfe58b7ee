// Chooses a model, or an adapter of one.

import { html } from "../html.js";

/**
 * @param {{models: {id: string, parent: string}[] | null, chosen: string, choose: (id: string) => void, label?: string}} props
 */
export function Picker({ models, chosen, choose, label = "Model" }) {
  const none = models === null ? "Loading models…" : "No models";
  const plain = (models ?? []).filter((each) => !each.parent);
  const adapters = (models ?? []).filter((each) => each.parent);
  const option = (each) => html`<option key=${each.id} value=${each.id} selected=${each.id === chosen}>${each.id}</option>`;
  return html`<label class="picker"><span class="unseen">${label}</span>
    <select disabled=${!models?.length} onChange=${(event) => choose(event.currentTarget.value)}>
      ${models?.length ? plain.map(option) : html`<option value="">${none}</option>`}
      ${adapters.length > 0 && html`<optgroup label="Adapters">${adapters.map(option)}</optgroup>`}
    </select>
  </label>`;
}

/** The rest of a name that ends in a star: it stands for all that begin like it. */
export function Rest({ chosen, rest }) {
  if (!chosen.endsWith("*")) return null;
  const prefix = chosen.slice(0, -1);
  return html`<label class="notice">Which model of ${prefix.replace(/\/$/, "")}?
    <input id="rest" autocomplete="off" autocapitalize="none" spellcheck=${false} value=${rest.value} onInput=${(event) => (rest.value = event.currentTarget.value)} />
  </label>`;
}

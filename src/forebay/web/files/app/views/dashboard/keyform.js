// What a new key is to be.

import { html, useSignal } from "../../html.js";
import { refused } from "../../state/session.js";
import { Dialog } from "../dialog.js";

const DAY = 86_400;
const NUMBERS = { rpm: "Requests a minute", tpm: "Tokens a minute", parallel: "At once", budget_day: "Dollars a day", budget_month: "Dollars a month" };
const list = (text) => text.split(",").map((each) => each.trim()).filter(Boolean);

/** @param {{make: (wish: object) => Promise<void>, close: () => void}} props */
export function KeyForm({ make, close }) {
  const problem = useSignal("");
  const busy = useSignal(false);
  const submit = async (event) => {
    event.preventDefault();
    busy.value = true;
    problem.value = "";
    try {
      await make(wishOf(new FormData(event.currentTarget)));
    } catch (error) {
      if (!(await refused(error))) problem.value = `${error.message}${error.about ?? ""}`;
      busy.value = false;
    }
  };
  return html`<${Dialog} title="New key" close=${close}>
    <form class="form" onSubmit=${submit}>
      <label>Name<input name="name" required maxlength="128" autofocus autocomplete="off" /></label>
      <div class="parameters">
        <label>Tenant<input name="tenant" placeholder="default" maxlength="128" autocomplete="off" /></label>
        <label>Days until it ends<input name="days" type="number" min="0.01" max="36500" step="any" placeholder="never" /></label>
        <label>Scopes<input name="scopes" placeholder="all; or chat, embeddings" autocomplete="off" /></label>
        <label>Models<input name="models" placeholder="all; or fast, openai/*" autocomplete="off" /></label>
        ${Object.entries(NUMBERS).map(([name, label]) => html`<label key=${name}>${label}<input name=${name} type="number" min=${name.startsWith("budget") ? 0 : 1} step=${name.startsWith("budget") ? "any" : 1} placeholder="any" /></label>`)}
      </div>
      ${problem.value && html`<p class="error-text" role="alert">${problem}</p>`}
      <div class="row end"><button type="button" onClick=${close}>Cancel</button><button type="submit" class="primary" disabled=${busy.value}>Make key</button></div>
    </form>
  <//>`;
}

function wishOf(data) {
  const given = Object.fromEntries([...data].filter(([, value]) => value.trim()));
  const wish = { name: given.name.trim() };
  if (given.tenant) wish.tenant = given.tenant.trim();
  if (given.days) wish.expires_in = Number(given.days) * DAY;
  for (const name of ["scopes", "models"]) if (given[name]) wish[name] = list(given[name]);
  for (const name of Object.keys(NUMBERS)) if (given[name]) wish[name] = Number(given[name]);
  return wish;
}

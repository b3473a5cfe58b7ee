// Keys and budgets: who may ask, how much, and what is left of it; for admins also making and ending keys.

import * as api from "../../api/operations.js";
import { html, useSignal } from "../../html.js";
import { useAsked } from "../../state/asked.js";
import { confirmed } from "../../state/questions.js";
import { refused } from "../../state/session.js";
import { fail, tell } from "../../state/toasts.js";
import { dollars, duration, moment, short } from "../../text/numbers.js";
import { Dialog } from "../dialog.js";
import { State } from "./card.js";
import { KeyForm } from "./keyform.js";

/** So long a rotated key goes on. */
const GRACE = 3600;
const NAMES = { rpm: "requests a minute", tpm: "tokens a minute", parallel: "at once", budget_day: "dollars a day", budget_month: "dollars a month" };

export function Keys() {
  const asked = useAsked(api.listKeys, "keys");
  const made = useSignal(null);
  const making = useSignal(false);
  const attempt = async (act) => {
    try {
      await act();
      asked.again();
    } catch (error) {
      if (!(await refused(error))) fail(error);
    }
  };
  const rotate = (key) => attempt(async () => {
    if (await confirmed("Rotate this key?", `“${key.name}” gets another key; the old one goes on for an hour.`, "Rotate")) made.value = await api.rotateKey(key.id, GRACE);
  });
  const revoke = (key) => attempt(async () => {
    if (!(await confirmed("Revoke this key?", `Whoever uses “${key.name}” is refused from now on.`, "Revoke"))) return;
    await api.revokeKey(key.id);
    tell("The key was revoked.");
  });
  const make = async (wish) => {
    made.value = await api.makeKey(wish);
    making.value = false;
    asked.again();
  };
  return html`<${Limits} />
    <section aria-labelledby="keys-title"><header class="row between"><h2 id="keys-title">Keys</h2>
      ${asked.data && html`<button type="button" class="primary" onClick=${() => (making.value = true)}>New key</button>`}</header>
      <${State} asked=${asked} without="This server issues no keys: it has no store, or nothing in auth.issued_keys." />
      ${asked.data && html`<${List} keys=${asked.data} rotate=${rotate} revoke=${revoke} />`}
    </section>
    ${making.value && html`<${KeyForm} make=${make} close=${() => (making.value = false)} />`}
    ${made.value && html`<${Once} made=${made.value} close=${() => (made.value = null)} />`}`;
}

function List({ keys, rotate, revoke }) {
  if (!keys.length) return html`<p class="nothing">No key has been made here yet. Those of the configuration are not listed: they are changed there.</p>`;
  return html`<div class="scroll" role="region" aria-label="List of keys" tabindex="0"><table>
    <thead><tr>${["Name", "State", "Tenant", "Scopes", "Models", "Limits", "Made", "Ends"].map((name) => html`<th scope="col" key=${name}>${name}</th>`)}<th scope="col" class="acts">Actions</th></tr></thead>
    <tbody>${keys.map((key) => html`<tr key=${key.id}>
      <th scope="row">${key.name}<br /><span class="hint">${key.id}</span></th>
      <td><span class=${`state ${stateOf(key) === "active" ? "good" : "bad"}`}>${stateOf(key)}</span></td>
      <td>${key.tenant}</td><td>${key.scopes?.join(", ") ?? "all"}</td><td>${key.models?.join(", ") ?? "all"}</td>
      <td class="long">${limitsOf(key) || "none"}</td><td>${moment(key.created)}</td><td>${key.expires ? moment(key.expires) : "never"}</td>
      <td class="acts">${stateOf(key) === "active" && html`<span class="row">
        <${Spent} id=${key.id} name=${key.name} />
        <button type="button" class="plain-button" aria-label=${`Rotate ${key.name}`} onClick=${() => rotate(key)}>Rotate</button>
        <button type="button" class="plain-button danger" aria-label=${`Revoke ${key.name}`} onClick=${() => revoke(key)}>Revoke</button></span>`}</td>
    </tr>`)}</tbody>
  </table></div>`;
}

/** What was spent takes a question for each key, so it is asked for. */
function Spent({ id, name }) {
  const spent = useSignal(null);
  const show = () => api.showKey(id).then((key) => (spent.value = key), fail);
  if (!spent.value) return html`<button type="button" class="plain-button" aria-label=${`What ${name} spent`} onClick=${show}>Spent</button>`;
  return html`<span class="hint">${dollars(spent.value.spent_day)} today, ${dollars(spent.value.spent_month)} this month</span>`;
}

const stateOf = ({ revoked, expires }) => (revoked && revoked * 1000 <= Date.now() ? "revoked" : expires && expires * 1000 <= Date.now() ? "expired" : "active");
const limitsOf = (key) => Object.keys(NAMES).filter((name) => key[name] !== null).map((name) => `${short(key[name])} ${NAMES[name]}`).join(", ");

function Once({ made, close }) {
  const copied = useSignal(false);
  const kept = () => {
    copied.value = true;
    tell("The key was copied.");
  };
  // Whoever presses Esc without having copied it would have to make another one.
  const leave = async () => {
    if (copied.value || (await confirmed("Has the key been kept?", "It cannot be shown again.", "Close"))) close();
  };
  const copy = () => navigator.clipboard.writeText(made.key).then(kept, () => fail(new Error("The browser does not let this page copy: mark the key and copy it.")));
  return html`<${Dialog} title=${`The key of ${made.name}`} close=${leave}>
    <p>This is the only time it is shown: whoever loses it needs another one.</p>
    <p class="secret-text"><code>${made.key}</code></p>
    <div class="row end"><button type="button" class="primary" onClick=${copy}>Copy</button><button type="button" onClick=${close}>Done</button></div>
  <//>`;
}

function Limits() {
  const asked = useAsked(api.limits, "limits");
  return html`<section aria-labelledby="limits-title"><h2 id="limits-title">Your limits</h2>
    <${State} asked=${asked} without="This server has no limits." />
    ${asked.data?.length === 0 && html`<p class="nothing">You have no limits.</p>`}
    <div class="cards small">${asked.data?.map((each) => html`<section class="card" key=${`${each.of} ${each.name}`}>
      <h3>${each.of} ${each.name}</h3>
      ${Object.keys(NAMES).filter((name) => each[name]).map((name) => html`<${Level} key=${name} what=${NAMES[name]} level=${each[name]} />`)}
    </section>`)}</div>
  </section>`;
}

function Level({ what, level }) {
  const said = `${short(level.remaining)} of ${short(level.limit)} ${what} left`;
  const when = level.begins_anew ? `, anew ${moment(Date.parse(level.begins_anew) / 1000)}` : level.full_in ? `, full in ${duration(level.full_in)}` : "";
  return html`<label class="level">${said}<span class="hint">${when}</span><meter min="0" max=${level.limit || 1} low=${level.limit * 0.2} optimum=${level.limit} value=${level.remaining}></meter></label>`;
}

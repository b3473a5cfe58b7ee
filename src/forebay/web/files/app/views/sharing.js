// Links to a conversation: made, copied, listed, revoked.

import { linksTo, makeLink, revokeLink } from "../api/shares.js";
import { html, useEffect, useRef, useSignal } from "../html.js";
import { attempt, attemptOn, copy, shared } from "../state/actions.js";
import { tell } from "../state/toasts.js";
import { Dialog } from "./dialog.js";

const DAY = 86_400;
const LASTING = [
  { days: 1, name: "1 day" },
  { days: 7, name: "7 days" },
  { days: 30, name: "30 days" },
  { days: 365, name: "1 year" },
];

/** The dialog of the conversation that is being shared, if one is. */
export function Sharing() {
  const entry = shared.value;
  return entry && html`<${Links} key=${entry.id} entry=${entry} />`;
}

function Links({ entry }) {
  const days = useSignal(7);
  const links = useSignal(null);
  const address = useSignal("");
  const busy = useSignal(false);
  const head = useRef(null);
  const look = async () => (links.value = await linksTo(entry.id));
  useEffect(() => void attempt(look), []);
  const make = async (event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    await attemptOn(entry, async () => {
      address.value = await makeLink(entry.id, days.value * DAY);
      tell("The link was made.");
      await look();
    });
    busy.value = false;
  };
  const revoke = (link) =>
    attempt(async () => {
      await revokeLink(link.id);
      head.current?.focus();
      address.value = "";
      tell("The link shows nothing any more.");
      await look();
    });
  return html`<${Dialog} title="Share conversation" close=${() => (shared.value = null)}>
    <p>Whoever has a link reads “${entry.title || "New conversation"}” as far as it has come by now, without a login.</p>
    <form class="row wrap" onSubmit=${make}>
      <label>It ends after
        <select value=${days.value} onChange=${(event) => (days.value = Number(event.currentTarget.value))}>
          ${LASTING.map((each) => html`<option key=${each.days} value=${each.days}>${each.name}</option>`)}
        </select>
      </label>
      <button type="submit" class="primary" disabled=${busy.value}>Make a link</button>
    </form>
    ${address.value && html`<${Address} address=${address.value} key=${address.value} />`}
    <h3 ref=${head} tabindex="-1">Links that show it</h3>
    ${links.value?.length === 0 && html`<p class="hint">There is none.</p>`}
    <ul class="links">${links.value?.map((each) => html`<${Link} key=${each.id} link=${each} revoke=${revoke} />`)}</ul>
  <//>`;
}

/** Told once, so that it should be copied now. */
function Address({ address }) {
  const field = useRef(null);
  useEffect(() => field.current.select(), []);
  return html`<div class="address">
    <label>Link<input ref=${field} readonly value=${address} aria-describedby="told-once" /></label>
    <button type="button" onClick=${() => copy(address)}>Copy link</button>
    <p class="hint" id="told-once">It is shown this once; nobody can look it up later.</p>
  </div>`;
}

function Link({ link, revoke }) {
  const made = when(link.created_at);
  return html`<li><span>made ${made}, ends ${when(link.expires_at)}</span>
    <button type="button" class="danger" aria-label=${`Revoke the link of ${made}`} onClick=${() => revoke(link)}>Revoke</button></li>`;
}

const when = (seconds) => new Date(seconds * 1000).toLocaleString(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });

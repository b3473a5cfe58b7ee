// The filters above charts and requests; every one of them stands in the address.

import { html } from "../../html.js";
import { RANGES, again, go, live, models, query } from "../../state/dashboard.js";
import { mayRun } from "../../state/session.js";
import { moment } from "../../text/numbers.js";
import { IconButton } from "../icons.js";

// In a list: an object would put the numbers first.
const STATUSES = [["", "any status"], ["2xx", "2xx answered"], ["4xx", "4xx refused"], ["429", "429 too many"], ["499", "499 left"], ["5xx", "5xx failed"]];
const NAMES = { "15m": "15 minutes", "1h": "1 hour", "6h": "6 hours", "24h": "24 hours", "7d": "7 days", "30d": "30 days" };

/** @param {{status?: boolean}} props whether the status can be chosen */
export function Filters({ status = true }) {
  const now = query.value;
  const window = now.since && now.until;
  const ranged = (event) => go({ range: event.currentTarget.value, since: "", until: "" });
  const chosen = (name) => (event) => go({ [name]: event.currentTarget.value.trim() });
  const statuses = STATUSES.some(([value]) => value === now.status) ? STATUSES : [...STATUSES, [now.status, now.status]];
  return html`<form class="filters" onSubmit=${(event) => event.preventDefault()} aria-label="Filters">
    <label>Range
      <select value=${window ? "window" : now.range} onChange=${ranged}>
        ${window && html`<option value="window">${moment(now.since)} – ${moment(now.until)}</option>`}
        ${Object.keys(RANGES).map((each) => html`<option key=${each} value=${each}>${NAMES[each]}</option>`)}
      </select>
    </label>
    <label>Model<input list="models" value=${now.model} placeholder="all" onChange=${chosen("model")} spellcheck=${false} autocomplete="off" /></label>
    <datalist id="models">${(models.value ?? []).map((each) => html`<option key=${each.id} value=${each.id}></option>`)}</datalist>
    ${mayRun.value && html`<label>Tenant<input value=${now.tenant} placeholder="all" onChange=${chosen("tenant")} spellcheck=${false} autocomplete="off" /></label>`}
    <label>Key or user<input value=${now.principal} placeholder="all" onChange=${chosen("principal")} spellcheck=${false} autocomplete="off" /></label>
    ${status && html`<label>Status
      <select value=${now.status} onChange=${chosen("status")}>${statuses.map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}</select>
    </label>`}
    <div class="refresh">
      <button type="button" class="chip" aria-pressed=${live.value ? "true" : "false"} onClick=${() => (live.value = !live.value)}>Auto-refresh</button>
      <${IconButton} name="redo" label="Refresh now" onClick=${again} />
    </div>
  </form>`;
}

// The log of requests, newest first; a row opens its story.

import * as api from "../../api/operations.js";
import { html, useSignal } from "../../html.js";
import { useAsked } from "../../state/asked.js";
import { filters, go, query } from "../../state/dashboard.js";
import { fail } from "../../state/toasts.js";
import { dollars, duration, moment } from "../../text/numbers.js";
import { Go, State } from "./card.js";
import { Filters } from "./filters.js";
import { Story } from "./story.js";

const PAGE = 50;
const PICO = 1e12;

export function Requests() {
  const { model, tenant, principal, status, range, since, until, request } = query.value;
  const about = [model, tenant, principal, status, range, since, until].join("\n");
  const asked = useAsked((stop) => api.listRequests({ ...filters(), limit: PAGE }, stop), about);
  return html`<${Filters} />
    <${State} asked=${asked} />
    ${asked.data && html`<${Log} key=${about} first=${asked.data} />`}
    ${request && html`<${Story} id=${request} close=${() => go({ request: "" })} />`}`;
}

function Log({ first }) {
  const older = useSignal({ rows: [], last: null, more: false });
  const busy = useSignal(false);
  const rows = [...first.data, ...older.value.rows];
  const ends = older.value.last ? older.value : { last: first.last, more: first.has_more };
  const next = async () => {
    busy.value = true;
    try {
      const page = await api.listRequests({ ...filters(), limit: PAGE, before: ends.last });
      // What has come in since then has pushed nothing away: the cursor is a moment, not a number of rows.
      const known = new Set(rows.map(keyOf));
      older.value = { rows: [...older.value.rows, ...page.data.filter((each) => !known.has(keyOf(each)))], last: page.last, more: page.has_more };
    } catch (error) {
      fail(error, next);
    } finally {
      busy.value = false;
    }
  };
  if (!rows.length) return html`<p class="nothing">No request matches these filters.</p>`;
  return html`<div class="scroll tall" role="region" aria-label="Requests" tabindex="0">
      <table class="log">
        <thead><tr>${["Time", "Status", "Model", "Answered by", "Key or user", "Tenant", "Tokens", "TTFT", "Latency", "Cost", "Cache"].map((name) => html`<th scope="col" key=${name}>${name}</th>`)}</tr></thead>
        <tbody>${rows.map((each) => html`<${Row} key=${keyOf(each)} row=${each} />`)}</tbody>
      </table>
    </div>
    ${ends.more && html`<p class="row end"><button type="button" disabled=${busy.value} onClick=${next}>Older requests</button></p>`}`;
}

const keyOf = (row) => `${row.id} ${row.at} ${row.model}`;

export const kindOf = ({ status, outcome }) => (status >= 500 || outcome === "broken" ? "bad" : status >= 400 ? "warn" : "good");

function Row({ row }) {
  const open = { view: "requests", request: row.id };
  return html`<tr onClick=${(event) => event.target.closest("a") || go(open)}>
    <th scope="row"><${Go} to=${open} aria-label=${`Request of ${moment(row.at)}`}>${moment(row.at)}<//></th>
    <td><span class=${`state ${kindOf(row)}`}>${row.status}${row.outcome === "ok" ? "" : ` ${row.error ?? row.outcome}`}</span></td>
    <td>${row.model || "–"}</td><td>${row.deployment || "–"}</td><td>${row.principal}</td><td>${row.tenant}</td>
    <td>${row.prompt_tokens} → ${row.completion_tokens}</td>
    <td>${row.ttft === null ? "–" : duration(row.ttft)}</td><td>${duration(row.latency)}</td>
    <td>${row.cost === null ? "?" : dollars(row.cost / PICO)}</td><td>${row.cache ?? "–"}</td>
  </tr>`;
}

// One chart with its heading, the way to the requests behind it, and the same in words.

import { html, useSignal } from "../../html.js";
import { addressOf, go } from "../../state/dashboard.js";
import { moment } from "../../text/numbers.js";
import { Plot } from "./plot.js";

/** A link within the dashboard. */
export function Go({ to, children, ...props }) {
  const follow = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(to);
  };
  return html`<a href=${addressOf(to)} onClick=${follow} ...${props}>${children}</a>`;
}

/**
 * @param {{title: string, hint: string, headline?: string, times: number[], step: number, most?: number,
 *   lines: {label: string, values: (number | null)[]}[], format: (value: number) => string, to?: object | null,
 *   empty?: string, children?: any}} props `to` is what the link to the requests changes
 */
export function Card({ title, hint, headline, times, step, lines, format, most, to = {}, empty = "Nothing in this range.", children }) {
  const table = useSignal(false);
  const some = lines.some((each) => each.values.some((value) => value !== null && value !== undefined));
  const requests = to && { view: "requests", ...to };
  const pick = requests && ((at) => go({ ...requests, since: String(at), until: String(at + step) }));
  const id = `card-${title.replace(/\W+/g, "-").toLowerCase()}`;
  return html`<section class="card" aria-labelledby=${id}>
    <header><h2 id=${id}>${title}</h2>${headline && some && html`<b>${headline}</b>`}</header>
    <p class="hint">${hint}</p>
    ${children}
    ${some
      ? html`<${Plot} label=${`${title}: ${told(lines, format)}`} times=${times} lines=${lines} format=${format} pick=${pick} most=${most} />`
      : html`<p class="nothing">${empty}</p>`}
    <footer>
      ${some && html`<button type="button" class="plain-button" aria-expanded=${table.value ? "true" : "false"} aria-label=${`${title} as a table`} onClick=${() => (table.value = !table.value)}>Table</button>`}
      ${requests && html`<${Go} to=${requests} aria-label=${`Requests behind ${title}`}>Requests →<//>`}
    </footer>
    ${some && table.value && html`<${Table} title=${title} times=${times} lines=${lines} format=${format} />`}
  </section>`;
}

const last = (values) => values.findLast((value) => value !== null && value !== undefined);
const told = (lines, format) => lines.filter((each) => last(each.values) !== undefined).map((each) => `${each.label} ${format(last(each.values))}`).join(", ");

function Table({ title, times, lines, format }) {
  const rows = times.map((time, at) => ({ time, at })).reverse();
  return html`<div class="scroll" role="region" aria-label=${`${title}, table`} tabindex="0">
    <table>
      <thead><tr><th scope="col">Time</th>${lines.map((each) => html`<th scope="col" key=${each.label}>${each.label}</th>`)}</tr></thead>
      <tbody>${rows.map(({ time, at }) => html`<tr key=${time}><th scope="row">${moment(time)}</th>${lines.map((each) => html`<td key=${each.label}>${each.values[at] === null || each.values[at] === undefined ? "–" : format(each.values[at])}</td>`)}</tr>`)}</tbody>
    </table>
  </div>`;
}

/** What a view shows while it asks, when it failed, and when there is nothing to be had. */
export function State({ asked, without = "" }) {
  const { data, error, busy, again } = asked;
  if (error?.status === 403) return html`<p class="notice-box">This takes an admin: a login with that role, or a key with the scope “admin”.</p>`;
  if (error?.status === 404 && without) return html`<p class="notice-box">${without}</p>`;
  if (error) {
    return html`<div class="failure notice-box" role="alert"><p>${error.message}${error.about ?? ""}</p><button type="button" onClick=${again}>Try again</button></div>`;
  }
  return data === null && busy ? html`<p class="hint" role="status">Loading…</p>` : null;
}

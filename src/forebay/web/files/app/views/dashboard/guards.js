// What guards said, and how often.

import { series } from "../../api/operations.js";
import { html, useMemo } from "../../html.js";
import { useAsked } from "../../state/asked.js";
import { filters, query } from "../../state/dashboard.js";
import { short } from "../../text/numbers.js";
import { verdictTotals, verdicts } from "../../text/series.js";
import { Card, State } from "./card.js";
import { Filters } from "./filters.js";

export function Guards() {
  const { model, tenant, principal, range, since, until } = query.value;
  const about = [model, tenant, principal, range, since, until].join("\n");
  const asked = useAsked((stop) => series({ ...filters(), status: "", metrics: "verdicts" }, stop), about);
  const told = asked.data;
  const lines = useMemo(() => (told ? verdicts(told) : []), [told]);
  const totals = told ? verdictTotals(told) : [];
  return html`<${Filters} status=${false} />
    <${State} asked=${asked} />
    ${told && html`<div class="cards one"><${Card} title="Verdicts" hint="for each step" times=${told.times} step=${told.step} lines=${lines} format=${short} empty="No guard said anything in this range." /></div>
      ${totals.length > 0 && html`<div class="scroll" role="region" aria-label="Verdicts by guard" tabindex="0"><table>
        <thead><tr><th scope="col">Guard</th><th scope="col">Outcome</th><th scope="col">Verdicts</th></tr></thead>
        <tbody>${totals.map((each) => html`<tr key=${`${each.guard} ${each.outcome}`}><th scope="row">${each.guard}</th><td>${each.outcome}</td><td>${short(each.count)}</td></tr>`)}</tbody>
      </table></div>`}`}
    <p class="hint">Texts can be tried on the guards in the <a href="./#/guards">playground</a>.</p>`;
}

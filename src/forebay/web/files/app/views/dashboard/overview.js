// The charts: what was asked, how it went, how long it took, what it cost.

import * as api from "../../api/operations.js";
import { html, useMemo } from "../../html.js";
import { useAsked } from "../../state/asked.js";
import { filters, go, query } from "../../state/dashboard.js";
import { mayRun } from "../../state/session.js";
import { dollars, duration, short } from "../../text/numbers.js";
import * as lines from "../../text/series.js";
import { Card, Go, State } from "./card.js";
import { Engine } from "./engine.js";
import { Filters } from "./filters.js";

const percent = (value) => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
const EVERYTHING = "usage,ttft,tpot,latency,verdicts";
const PAYERS = { model: "model", principal: "key or user", tenant: "tenant" };

/** What is not known is never told as nothing. */
const known = ({ cost, unpriced }) => (unpriced ? (cost ? `over ${dollars(cost)}` : "unknown") : dollars(cost));

/** Everything that the charts need, of one window. */
async function ask(by, stop) {
  const what = filters();
  const [all, models, statuses, costs] = await Promise.all([
    api.series({ ...what, metrics: EVERYTHING }, stop),
    api.series({ ...what, group_by: "model" }, stop),
    api.series({ ...what, group_by: "status", groups: 20 }, stop),
    api.series({ ...what, group_by: by, order: "cost" }, stop),
  ]);
  return { all, models, statuses, costs };
}

export function Overview() {
  const { model, tenant, principal, status, range, since, until, cost } = query.value;
  const asked = useAsked((stop) => ask(cost, stop), [model, tenant, principal, status, range, since, until, cost].join("\n"));
  return html`<${Filters} />
    <${State} asked=${asked} />
    ${asked.data && html`<${Charts} told=${asked.data} />`}`;
}

function Charts({ told }) {
  const { all, statuses } = told;
  const sums = useMemo(() => lines.totals(all), [all]);
  const drawn = useMemo(() => draw(told), [told]);
  const { times, step } = all;
  const common = { times, step };
  const errors = useMemo(() => lines.errorsOf(statuses), [statuses]);
  return html`${all.source === "recent" && html`<p class="notice-box">This server has no store: the charts are of the latest few thousand requests that it remembers. With a store they reach back for as long as it keeps rows.</p>`}
    <${Totals} sums=${sums} />
    <div class="cards">
      <${Card} ...${common} title="Requests" hint=${`a second, by model${drawn.requests.some((each) => each.label === "none") ? "; none: refused before there was one" : ""}`} headline=${`${short(sums.requests / sums.seconds)}/s`} lines=${drawn.requests} format=${(value) => `${short(value)}/s`} />
      <${Card} ...${common} title="Errors" hint="of all requests, by status; who left (499) is none" headline=${sums.errors === null ? "" : percent(sums.errors)} lines=${drawn.errors} format=${percent} to=${{ status: lines.statusOf(errors) }} empty="No errors in this range.">
        <${ErrorLinks} statuses=${errors} />
      <//>
      <${Card} ...${common} title="Time to first token" hint="TTFT: accepted to first content sent" lines=${drawn.ttft} format=${duration} />
      <${Card} ...${common} title="Time per output token" hint="TPOT: of streams, after the first token" lines=${drawn.tpot} format=${duration} />
      <${Card} ...${common} title="Latency" hint="accepted to end" lines=${drawn.latency} format=${duration} />
      <${Card} ...${common} title="Throughput" hint="tokens a second over all users" headline=${`${short(sums.tokens / sums.seconds)}/s`} lines=${drawn.throughput} format=${(value) => `${short(value)}/s`} />
      <${Card} ...${common} title="Cache hit rate" hint="of the requests that asked the cache" headline=${sums.hits === null ? "" : percent(sums.hits)} lines=${drawn.hits} format=${percent} most=${100} empty="The cache was not asked in this range." />
      <${Card} ...${common} title="Tokens saved" hint="output tokens out of the cache, for each step" headline=${short(sums.saved)} lines=${sums.saved ? drawn.saved : []} format=${short} empty="Nothing came out of the cache in this range." />
      <${Card} ...${common} title="Cost" hint=${`dollars for each step, by ${PAYERS[query.value.cost] ?? "model"}${sums.unpriced ? `; of ${short(sums.unpriced)} requests it is not known` : ""}`} headline=${known(sums)} lines=${sums.cost ? drawn.costs : []} format=${dollars} empty="Nothing with a known price in this range.">
        <${Payer} />
      <//>
      <${Card} ...${common} title="Guard verdicts" hint="for each step, whatever the status" lines=${drawn.verdicts} format=${short} empty="No guard said anything in this range." />
      <${Engine} />
    </div>`;
}

/** All lines, once for each answer: equal ones need not be drawn again. */
function draw({ all, models, statuses, costs }) {
  return {
    requests: lines.requestRates(models),
    errors: lines.errorShares(statuses),
    ttft: lines.percentiles(all, "ttft"),
    tpot: lines.percentiles(all, "tpot"),
    latency: lines.percentiles(all, "latency"),
    throughput: all.data[0].requests.some(Boolean) ? lines.throughput(all) : [],
    hits: lines.hitRate(all),
    saved: lines.savedTokens(all),
    costs: lines.costs(costs),
    verdicts: lines.verdicts(all),
  };
}

function Totals({ sums }) {
  const tiles = [
    ["Requests", short(sums.requests)],
    ["Errors", sums.errors === null ? "–" : percent(sums.errors)],
    ["Output tokens", short(sums.tokens)],
    ["Prompt tokens", short(sums.prompt)],
    ["Cache hits", sums.hits === null ? "–" : percent(sums.hits)],
    ["Cost", known(sums)],
  ];
  return html`<dl class="totals" aria-label="Totals">${tiles.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const ErrorLinks = ({ statuses }) =>
  statuses.length > 0 &&
  html`<p class="statuses">${statuses.map((each) => html`<${Go} key=${each.status} class="chip" to=${{ view: "requests", status: each.status }}>${each.status} × ${short(each.count)}<//>`)}</p>`;

function Payer() {
  return html`<p class="payer">By
    <select aria-label="Cost by" value=${query.value.cost} onChange=${(event) => go({ cost: event.currentTarget.value })}>
      ${Object.entries(PAYERS).map(([value, name]) => (value !== "tenant" || mayRun.value) && html`<option key=${value} value=${value}>${name}</option>`)}
    </select></p>`;
}

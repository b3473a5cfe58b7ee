// Turns what the server tells of usage over time into lines of charts.

const PICO = 1e12;
export const SHARES = ["p50", "p90", "p99"];

/** A second of each step; the last one has only begun. */
const rates = (values, { times, step, now }) => values.map((value, at) => value / Math.max(1, Math.min(step, now - times[at])));
const total = (values) => values.reduce((all, each) => all + each, 0);
const percent = (part, whole) => (whole > 0 ? (100 * part) / whole : null);

export const nameOf = (group, others = "others") => (group === null ? others : group === "" ? "none" : group);

/** The places of what stands alone, between steps of which nothing is known. */
export const lone = (values) => values.map((value, at) => ({ value, at })).filter(({ value, at }) => isKnown(value) && !isKnown(values[at - 1]) && !isKnown(values[at + 1])).map(({ at }) => at);
const isKnown = (value) => value !== null && value !== undefined;

/** Requests a second of each group. */
export const requestRates = (told) => told.data.map((each) => ({ label: nameOf(each.group), rest: each.group === null, values: rates(each.requests, told) }));

/** Who left has not been refused, and nothing has failed: the server counts those as aborted. */
const LEFT = 499;
const isError = ({ group }) => Number(group) >= 400 && Number(group) !== LEFT;

/** The share of all requests, in percent, that ended with each status that is an error, and of those that broke. */
export function errorShares(told) {
  const all = told.times.map((_, at) => total(told.data.map((each) => each.requests[at])));
  const lines = told.data
    .filter((each) => each.group === null || isError(each))
    .map((each) => ({ label: nameOf(each.group), rest: each.group === null, values: each.requests.map((value, at) => percent(value, all[at])) }));
  const fine = told.data.filter((each) => each.group !== null && Number(each.group) < 400);
  const broken = told.times.map((_, at) => total(fine.map((each) => each.errors[at])));
  if (total(broken)) lines.push({ label: "broken", values: broken.map((value, at) => percent(value, all[at])) });
  return lines;
}

/** The statuses of errors that there were, and how often, the most frequent first. */
export const errorsOf = (told) =>
  told.data
    .filter(isError)
    .map((each) => ({ status: each.group, count: total(each.requests) }))
    .sort((a, b) => b.count - a.count);

/** The narrowest filter that keeps all of `errors`: one status, one hundred of them, or none. */
export function statusOf(errors) {
  const kinds = new Set(errors.map((each) => `${each.status[0]}xx`));
  if (errors.length === 1) return errors[0].status;
  return kinds.size === 1 ? [...kinds][0] : "";
}

/** The percentiles of a time of all requests. */
export const percentiles = (told, time) => SHARES.map((share) => ({ label: share, values: told.data[0]?.[time][share] ?? [] }));

export function throughput(told) {
  const [all] = told.data;
  return [
    { label: "output", values: rates(all.completion_tokens, told) },
    { label: "prompt", values: rates(all.prompt_tokens, told) },
  ];
}

export const hitRate = (told) => {
  const [all] = told.data;
  return [{ label: "hits", values: all.cache_hits.map((hits, at) => percent(hits, hits + all.cache_misses[at])) }];
};

export const savedTokens = (told) => [{ label: "tokens", values: told.data[0].saved_tokens }];
export const verdicts = (told) => told.verdicts.map((each) => ({ label: `${each.guard}: ${each.outcome}`, values: each.count }));
export const costs = (told) => told.data.map((each) => ({ label: nameOf(each.group), rest: each.group === null, values: each.cost.map((value) => value / PICO) }));

/** What the whole window came to. */
export function totals(told) {
  const [all] = told.data;
  const asked = total(all.cache_hits) + total(all.cache_misses);
  return {
    requests: total(all.requests),
    errors: percent(total(all.errors), total(all.requests)),
    tokens: total(all.completion_tokens),
    prompt: total(all.prompt_tokens),
    cost: total(all.cost) / PICO,
    unpriced: total(all.unpriced),
    hits: percent(total(all.cache_hits), asked),
    saved: total(all.saved_tokens),
    seconds: Math.max(1, Math.min(told.until, told.now) - told.since),
  };
}

/** The verdicts of each guard in the whole window. */
export const verdictTotals = (told) =>
  told.verdicts.map((each) => ({ guard: each.guard, outcome: each.outcome, count: total(each.count) })).sort((a, b) => b.count - a.count);

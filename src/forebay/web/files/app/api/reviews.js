// The queue of answers that somebody should look at.

import { ask, withQuery } from "./http.js";

/**
 * One page, the latest answers first.
 * @param {{state?: string, reason?: string, before?: string}} filter
 * @returns {Promise<{data: object[], has_more: boolean, last: string | null}>}
 */
export const listReviews = (filter) => ask(withQuery("v1/reviews", filter));

/** @param {{labels: string[], comment?: string, correction?: string}} verdict */
export const labelReview = (id, verdict) => ask(`v1/reviews/${encodeURIComponent(id)}`, { json: verdict });

// What is known of one answer, from wherever it is told: headers, usage, the stored item, the clock of this page.

/**
 * @typedef {object} Figures
 * @property {string} [requestId]
 * @property {string} [model] as asked for
 * @property {string} [deployment] who answered
 * @property {string} [finish] why it ended
 * @property {number} [inputTokens]
 * @property {number} [outputTokens]
 * @property {number} [cachedTokens] of the prompt
 * @property {boolean} [counted] the tokens are pieces that this page has counted
 * @property {number} [ttft] seconds
 * @property {number} [seconds] of the whole
 * @property {number} [rate] tokens a second
 * @property {string} [cost] dollars, as the server writes them
 * @property {string} [cache] hit, semantic-hit, miss, refresh, bypass
 * @property {string} [watermark] the key's id
 * @property {number} [attempts]
 * @property {{guard: string, side: string, action: string, outcome: string, kinds: string[]}[]} [guards] that objected
 * @property {{name: string, milliseconds: number}[]} [timing]
 */

/** @returns {Figures} */
export function ofHeaders(headers) {
  return given({
    requestId: headers.get("x-request-id"),
    model: headers.get("x-forebay-model"),
    deployment: headers.get("x-forebay-deployment"),
    cost: headers.get("x-forebay-cost"),
    cache: headers.get("x-cache")?.toLowerCase(),
    watermark: headers.get("x-watermark"),
    attempts: Number(headers.get("x-forebay-attempts")) || null,
    timing: timing(headers.get("server-timing")),
  });
}

/** The field `forebay` of a response or of an item. @returns {Figures} */
export function ofFacts(facts) {
  if (!facts) return {};
  return given({
    requestId: facts.request_id,
    model: facts.model,
    deployment: facts.deployment,
    finish: facts.finish_reason,
    inputTokens: facts.input_tokens,
    outputTokens: facts.output_tokens,
    cachedTokens: facts.cached_tokens,
    ttft: facts.ttft,
    seconds: facts.seconds,
    rate: facts.tokens_per_second,
    cost: facts.cost_dollars,
    cache: facts.cache,
    attempts: facts.attempts,
    watermark: typeof facts.watermark === "string" ? facts.watermark : null,
    guards: objecting(facts.guards),
  });
}

/** The story of a request. @returns {Figures} */
export function ofStory(story) {
  return given({
    cost: story.cost_dollars,
    cache: story.cache?.result,
    watermark: story.watermark,
    attempts: story.attempts?.length,
    guards: objecting(story.guards),
  });
}

function objecting(guards) {
  const found = (guards ?? []).filter((each) => each.guard && each.action !== "pass");
  return found.length ? found : null;
}

/** OpenAI's usage, of a chat or of a response. @returns {Figures} */
export function ofUsage(usage) {
  if (!usage) return {};
  return given({
    inputTokens: usage.prompt_tokens ?? usage.input_tokens,
    outputTokens: usage.completion_tokens ?? usage.output_tokens,
    cachedTokens: (usage.prompt_tokens_details ?? usage.input_tokens_details)?.cached_tokens,
  });
}

/** In less than these seconds nobody can say how fast an answer came. */
const SHORTEST = 0.05;

/** The clock of one answer, as somebody sees it who waits before the screen. */
export class Clock {
  #asked = performance.now();
  #first = 0;
  #last = 0;
  #pieces = 0;

  tick() {
    this.#last = performance.now();
    this.#first ||= this.#last;
    this.#pieces += 1;
  }

  /** @param {number} [tokens] that the server has told @returns {Figures} */
  figures(tokens) {
    if (!this.#first) return {};
    const count = tokens ?? this.#pieces;
    const spent = (this.#last - this.#first) / 1000;
    return {
      ttft: (this.#first - this.#asked) / 1000,
      seconds: (this.#last - this.#asked) / 1000,
      ...(spent >= SHORTEST && count > 1 ? { rate: (count - 1) / spent } : {}),
      ...(tokens === undefined ? { outputTokens: count, counted: true } : {}),
    };
  }
}

function timing(header) {
  const parts = (header ?? "").split(",").map((part) => /^\s*([^;\s]+)\s*;.*\bdur=([\d.]+)/.exec(part));
  const found = parts.filter(Boolean).map(([, name, duration]) => ({ name, milliseconds: Number(duration) }));
  return found.length ? found : null;
}

function given(figures) {
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== null && value !== undefined && value !== ""));
}

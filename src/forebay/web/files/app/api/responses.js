// Streams one answer from /v1/responses into a conversation that the server keeps.

import { joined, stream } from "./events.js";
import { Clock, ofFacts, ofHeaders, ofUsage } from "./figures.js";
import { ApiError } from "./http.js";

const DELTAS = {
  "response.output_text.delta": "text",
  "response.refusal.delta": "text",
  "response.reasoning_text.delta": "reasoning",
};
const ENDS = new Set(["response.completed", "response.incomplete"]);

/**
 * The pieces of an answer, as `streamChat` gives them, the `id` that its message has at the server, and `begun` as soon
 * as the server keeps it, by the name of `responseId`.
 * @param {{model: string, conversation: string, parent: string | null | undefined, input: string | null,
 *   instructions: string, parameters: object, signal: AbortSignal, headers?: Record<string, string>}} wanted `parent`: undefined goes on where it is
 * @returns {AsyncGenerator<import("./chat.js").Piece>}
 */
export async function* streamResponse({ model, conversation, parent, input, instructions, parameters, signal, headers: asked }) {
  const { max_tokens: limit, ...others } = parameters;
  const body = {
    model,
    conversation: parent === undefined ? conversation : { id: conversation, parent },
    input: input === null ? [] : [{ type: "message", role: "user", content: [{ type: "input_text", text: input }] }],
    ...(instructions ? { instructions } : {}),
    ...(limit ? { max_output_tokens: limit } : {}),
    ...others,
    store: true,
    stream: true,
  };
  const clock = new Clock();
  const { headers, requestId, payloads } = await stream("v1/responses", body, signal, asked);
  const figures = ofHeaders(headers);
  yield { figures };
  for await (const events of payloads) {
    for (const piece of joined(piecesOf(events, figures, clock, requestId))) {
      yield piece;
      if (piece.whole) return;
    }
  }
  throw new ApiError("The answer broke off before its end.", { requestId, lost: true });
}

function* piecesOf(events, figures, clock, requestId) {
  for (const event of events) {
    const kind = DELTAS[event?.type];
    if (kind) {
      clock.tick();
      yield { [kind]: event.delta };
    } else if (event?.type === "response.created") {
      yield { begun: true, responseId: event.response?.id ?? "" };
    } else if (event?.type === "response.output_item.added" && event.item?.type === "message") {
      yield { id: event.item.id };
    } else if (event?.type === "response.failed" || event?.type === "error") {
      const error = event.response?.error ?? event.error ?? event;
      throw new ApiError(error.message ?? "The answer failed.", { code: error.code ?? "", requestId });
    } else if (ENDS.has(event?.type)) {
      yield { figures: ended(event.response, figures, clock), whole: true };
    }
  }
}

function ended(response, figures, clock) {
  const told = { ...figures, ...ofUsage(response.usage), ...ofFacts(response.forebay) };
  if (figures.watermark) told.watermark = figures.watermark;
  told.finish ??= response.incomplete_details?.reason === "max_output_tokens" ? "length" : response.incomplete_details?.reason ?? "stop";
  return { ...clock.figures(told.outputTokens), ...told };
}

// Streams one answer from /v1/chat/completions: for conversations that this page alone remembers.

import { joined, stream } from "./events.js";
import { Clock, ofHeaders, ofUsage } from "./figures.js";
import { ApiError } from "./http.js";

/**
 * @typedef {{text?: string, reasoning?: string, figures?: import("./figures.js").Figures, id?: string,
 *   begun?: boolean, responseId?: string, whole?: boolean}} Piece `whole`: nothing comes after it
 */

/**
 * The pieces of an answer; the last one has all figures.
 * @param {{model: string, messages: object[], parameters: object, signal: AbortSignal, headers?: Record<string, string>}} wanted
 * @returns {AsyncGenerator<Piece>}
 */
export async function* streamChat({ model, messages, parameters, signal, headers: asked }) {
  const clock = new Clock();
  const body = { model, messages, ...parameters, stream: true, stream_options: { include_usage: true } };
  const { headers, requestId, payloads } = await stream("v1/chat/completions", body, signal, asked);
  const figures = ofHeaders(headers);
  yield { figures };
  let whole = false;
  try {
    for await (const chunks of payloads) {
      for (const piece of joined(piecesOf(chunks, figures, clock))) {
        whole = piece.whole;
        yield piece;
        if (whole) return;
      }
    }
  } finally {
    // Of what was stopped or cut off this page has counted what came.
    if (!whole) yield { figures: { ...clock.figures(figures.outputTokens), ...figures } };
  }
  throw new ApiError("The answer broke off before its end.", { requestId, lost: true });
}

function* piecesOf(chunks, figures, clock) {
  for (const chunk of chunks) {
    if (chunk === null) {
      yield { figures: { ...clock.figures(figures.outputTokens), ...figures }, whole: true };
      return;
    }
    Object.assign(figures, ofUsage(chunk.usage));
    const choice = chunk.choices?.[0];
    if (choice?.finish_reason) figures.finish = choice.finish_reason;
    const piece = pieceOf(choice?.delta);
    if (piece) {
      clock.tick();
      yield piece;
    }
  }
}

function pieceOf(delta) {
  const text = delta?.content || delta?.refusal;
  if (text) return { text };
  const reasoning = delta?.reasoning_content || delta?.reasoning;
  return typeof reasoning === "string" && reasoning ? { reasoning } : null;
}

// Reads server-sent events (WHATWG HTML, 9.2), however the bytes are cut.

import { ApiError, call, idOf } from "./http.js";

/** Longest event: what is larger is no answer, and memory is bounded. */
const LONGEST = 32 * 1024 * 1024;
/** Of a long answer that comes faster than this, more is read at once: a reading costs the same however little it brings. */
const REST_MS = 90;
const LONG_MS = 1000;
const NOTHING = Promise.resolve(null);

/**
 * Asks for a stream; its events' payloads come parsed, those together that have come together.
 * @returns {Promise<{headers: Headers, requestId: string, payloads: AsyncGenerator<any[]>}>}
 */
export async function stream(path, json, signal, headers) {
  const response = await call(path, { json, signal, endless: true, headers });
  const requestId = idOf(response);
  if (!response.body || !response.headers.get("content-type")?.startsWith("text/event-stream")) {
    throw new ApiError("The server did not answer with a stream.", { status: response.status, requestId });
  }
  return { headers: response.headers, requestId, payloads: payloads(response.body.getReader(), requestId) };
}

async function* payloads(reader, requestId) {
  const decoder = new TextDecoder();
  const lines = new Lines(requestId);
  const began = performance.now();
  let next = reader.read();
  try {
    for (;;) {
      let piece = await next;
      if (performance.now() - began > LONG_MS) await new Promise((go) => setTimeout(go, REST_MS));
      const texts = [];
      // A piece that lies ready is read at once; what is still to come loses against nothing.
      while (piece && !piece.done) {
        texts.push(decoder.decode(piece.value, { stream: true }));
        next = reader.read();
        piece = await Promise.race([next, NOTHING]);
      }
      yield* whole(lines.events(texts.join("")), requestId);
      if (piece) return;
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof ApiError) throw error;
    throw new ApiError("The connection was lost.", { requestId, lost: true });
  } finally {
    next.catch(() => {}); // it may have failed where nobody waits for it
    reader.cancel().catch(() => {});
  }
}

/** All payloads in one list; an error among them comes after what came before it. */
function* whole(events, requestId) {
  const found = [];
  try {
    for (const data of events) found.push(data === "[DONE]" ? null : payloadOf(data, requestId));
  } finally {
    if (found.length) yield found;
  }
}

function payloadOf(data, requestId) {
  let payload;
  try {
    payload = JSON.parse(data);
  } catch {
    throw new ApiError("The server sent something that is not an answer.", { requestId });
  }
  if (payload?.error && !payload.response) {
    throw new ApiError(payload.error.message ?? "The answer failed.", { code: payload.error.code ?? "", requestId });
  }
  return payload;
}

/** Cuts text into events. */
class Lines {
  #held = "";
  #data = [];
  #requestId;

  constructor(requestId) {
    this.#requestId = requestId;
  }

  /** The data of each event that is whole with `more`. */
  *events(more) {
    // A carriage return at the end may be half of a line end: it waits for the next piece.
    const text = this.#held + more;
    if (text.length > LONGEST) throw new ApiError("The server sent too much at once.", { requestId: this.#requestId });
    const whole = text.endsWith("\r") ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|\n|\r/);
    this.#held = lines.pop() + text.slice(whole.length);
    for (const line of lines) {
      if (line === "" && this.#data.length) {
        yield this.#data.join("\n");
        this.#data = [];
      } else if (line.startsWith("data:")) {
        this.#data.push(line.slice(5).replace(/^ /, ""));
      }
    }
  }
}

/**
 * Neighbours of one kind as one: whoever draws need not know in how many pieces a text came.
 * @param {Iterable<import("./chat.js").Piece>} pieces
 */
export function* joined(pieces) {
  let held = null;
  try {
    for (const piece of pieces) {
      const kind = ["text", "reasoning"].find((each) => held?.[each] && piece[each]);
      if (kind) {
        held[kind] += piece[kind];
        continue;
      }
      if (held) yield held;
      held = { ...piece };
    }
  } finally {
    if (held) yield held; // an error comes after what came before it
  }
}

// Reads server-sent events (WHATWG HTML, 9.2), however the bytes are cut.

import { ApiError, call, idOf } from "./http.js";

/** Longest event: what is larger is no answer, and memory is bounded. */
const LONGEST = 32 * 1024 * 1024;

/**
 * Asks for a stream; its events' payloads come parsed.
 * @returns {Promise<{headers: Headers, requestId: string, payloads: AsyncGenerator<any>}>}
 */
export async function stream(path, json, signal, headers) {
  const response = await call(path, { json, signal, endless: true, headers });
  const requestId = idOf(response);
  if (!response.body || !response.headers.get("content-type")?.startsWith("text/event-stream")) {
    throw new ApiError("The server did not answer with a stream.", { status: response.status, requestId });
  }
  return { headers: response.headers, requestId, payloads: payloads(response.body, requestId) };
}

async function* payloads(body, requestId) {
  for await (const data of events(body, requestId)) {
    if (data === "[DONE]") {
      yield null;
      continue;
    }
    let payload;
    try {
      payload = JSON.parse(data);
    } catch {
      throw new ApiError("The server sent something that is not an answer.", { requestId });
    }
    if (payload?.error && !payload.response) {
      throw new ApiError(payload.error.message ?? "The answer failed.", { code: payload.error.code ?? "", requestId });
    }
    yield payload;
  }
}

async function* events(body, requestId) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  let data = [];
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error) => {
        if (error.name === "AbortError") throw error;
        throw new ApiError("The connection was lost.", { requestId, lost: true });
      });
      if (done) return;
      // A carriage return at the end may be half of a line end: it waits for the next piece.
      const text = held + value;
      if (text.length > LONGEST) throw new ApiError("The server sent too much at once.", { requestId });
      const whole = text.endsWith("\r") ? text.slice(0, -1) : text;
      const lines = whole.split(/\r\n|\n|\r/);
      held = lines.pop() + text.slice(whole.length);
      for (const line of lines) {
        if (line === "" && data.length) {
          yield data.join("\n");
          data = [];
        } else if (line.startsWith("data:")) {
          data.push(line.slice(5).replace(/^ /, ""));
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// Talks to the public API beside this page, and to nothing else: which models there are, and one streamed answer.

/** A request that failed, with what the server said about it. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = "", requestId = "" } = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.requestId = requestId;
  }
}

/** The names of all models that `key` may use. */
export async function listModels(key) {
  const response = await call("v1/models", { key });
  const { data } = await response.json();
  return data.map((model) => model.id);
}

/**
 * Streams one answer: yields `{ text }` pieces and, where the server tells it, `{ tokens }` at the end.
 * Throws an ApiError when the server refuses, fails or stops before the end.
 */
export async function* streamAnswer({ model, messages, key, signal }) {
  const body = JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } });
  const response = await call("v1/chat/completions", { key, body, signal });
  const requestId = response.headers.get("x-request-id") ?? "";
  if (!response.body || !response.headers.get("content-type")?.startsWith("text/event-stream")) {
    throw new ApiError("The server did not answer with a stream.", { status: response.status, requestId });
  }
  for await (const data of events(response.body, requestId)) {
    if (data === "[DONE]") return;
    yield* pieces(data, requestId);
  }
  throw new ApiError("The answer broke off before its end.", { requestId });
}

async function call(path, { key, body, signal }) {
  const headers = {};
  if (key) headers.authorization = `Bearer ${key}`;
  if (body) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", headers, body, signal, cache: "no-store" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("The server cannot be reached.");
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response) {
  const requestId = response.headers.get("x-request-id") ?? "";
  const body = await response.json().catch(() => null);
  const message = body?.error?.message ?? `The server answered ${response.status} ${response.statusText}`.trim();
  return new ApiError(message, { status: response.status, code: body?.error?.code ?? "", requestId });
}

function* pieces(data, requestId) {
  let chunk;
  try {
    chunk = JSON.parse(data);
  } catch {
    throw new ApiError("The server sent something that is not an answer.", { requestId });
  }
  if (chunk.error) {
    throw new ApiError(chunk.error.message ?? "The answer failed.", { code: chunk.error.code ?? "", requestId });
  }
  const delta = chunk.choices?.[0]?.delta;
  const text = delta?.content || delta?.refusal;
  if (text) yield { text };
  if (chunk.usage) yield { tokens: chunk.usage.completion_tokens };
}

/** The data of each server-sent event (WHATWG HTML, 9.2), however the bytes are cut. */
async function* events(body, requestId) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  let data = [];
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error) => {
        if (error.name === "AbortError") throw error;
        throw new ApiError("The connection was lost.", { requestId });
      });
      if (done) return;
      // A carriage return at the end may be half of a line end: it waits for the next piece.
      const text = held + value;
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

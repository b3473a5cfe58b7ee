// Asks the server that this page came from, and nobody else: with the key or the session that there is.

import { patience } from "../text/numbers.js";

const KEY = "forebay.key";
/** Longest wait for the head of an answer that is not a model's. */
const PATIENCE_MS = 30_000;
/** How a server says itself how long to wait. */
const TOLD = /again in \d/i;

/** A request that failed, with what the server said about it; `lost`: nobody knows what it has done. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = "", param = "", requestId = "", retryAfter = 0, lost = false } = {}) {
    super(message);
    this.name = "ApiError";
    Object.assign(this, { status, code, param, requestId, retryAfter, lost });
  }

  /** What somebody needs who asks the server's owner about it. */
  get about() {
    const parts = [this.code, this.requestId && `request ${this.requestId}`].filter(Boolean);
    return parts.length ? ` (${parts.join(", ")})` : "";
  }
}

let csrfToken = null;

/** The API key of this tab, or null. It is kept until the tab is closed. */
export const savedKey = () => sessionStorage.getItem(KEY);

export function saveKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** What a session's requests must carry if they change something. */
export function useCsrfToken(token) {
  csrfToken = token;
}

/**
 * One request; the answer's head is there, its body is not.
 * @param {string} path relative to the page
 * @param {{method?: string, json?: unknown, body?: BodyInit, type?: string, signal?: AbortSignal, endless?: boolean,
 *   headers?: Record<string, string>}} options `endless`: as long as it takes
 * @returns {Promise<Response>}
 */
export async function call(path, { method, json, body, type, signal, endless = false, headers = {} } = {}) {
  const sent = json === undefined ? body : JSON.stringify(json);
  const verb = method ?? (sent === undefined ? "GET" : "POST");
  const head = { ...headers, ...credentials(verb) };
  if (sent !== undefined) head["content-type"] = type ?? "application/json";
  const signals = [signal, endless ? null : AbortSignal.timeout(PATIENCE_MS)].filter(Boolean);
  let response;
  try {
    response = await fetch(path, {
      method: verb,
      headers: head,
      body: sent,
      signal: signals.length ? AbortSignal.any(signals) : undefined,
      // With it a browser asks every cache on the way for a fresh answer, Forebay's own, too; what is posted it never keeps.
      cache: verb === "GET" ? "no-store" : "default",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable(error);
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/** One request whose answer is JSON. */
export async function ask(path, options) {
  const response = await call(path, options);
  try {
    return await response.json();
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new ApiError("The server sent something that is not JSON.", { requestId: idOf(response) });
  }
}

/** `query` behind a `?`, without what is empty. */
export function withQuery(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

export const idOf = (response) => response.headers.get("x-request-id") ?? "";

function credentials(verb) {
  const key = savedKey();
  if (key) return { authorization: `Bearer ${key}` };
  return csrfToken && verb !== "GET" && verb !== "HEAD" ? { "x-csrf-token": csrfToken } : {};
}

function unreachable(error) {
  if (error instanceof TypeError && /header|Latin|ByteString/i.test(error.message)) {
    return new ApiError("The API key has characters that no key has.", { status: 401 });
  }
  return new ApiError(
    error.name === "TimeoutError" ? "The server did not answer in time." : "The server cannot be reached.",
    { lost: true },
  );
}

async function refusal(response) {
  const body = await response.json().catch(() => null);
  const error = body?.error ?? {};
  const retryAfter = Number(response.headers.get("retry-after")) || 0;
  const message = error.message ?? `The server answered ${response.status} ${response.statusText}`.trim();
  return new ApiError(retryAfter > 1 && !TOLD.test(message) ? `${message} It can be tried again in ${patience(retryAfter)}.` : message, {
    status: response.status,
    code: error.code ?? "",
    param: error.param ?? "",
    requestId: idOf(response),
    retryAfter,
  });
}

// The chat page: what is on the screen and what the keys do. `api.js` talks to the server.

import { ApiError, listModels, streamAnswer } from "./api.js";

const KEY = "forebay.key";
const $ = (id) => document.getElementById(id);
const [model, system, conversation, question, send, stop] = ["model", "system", "conversation", "question", "send", "stop"].map($);

/** The finished turns, as the API wants them; a failed turn is on the screen, but not in here. */
let turns = [];
/** Ends the running answer; null while there is none. */
let running = null;

// --- Models and the key ---------------------------------------------------------------------------------------------

async function loadModels() {
  $("alerts").replaceChildren();
  try {
    showModels(await listModels(sessionStorage.getItem(KEY)));
  } catch (error) {
    showModels([]);
    if (!askForKey(error)) $("alerts").replaceChildren(errorBox(error, loadModels));
  }
}

function showModels(names) {
  const before = model.value;
  model.replaceChildren(...names.map((name) => new Option(name, name)));
  if (names.includes(before)) model.value = before;
  if (!names.length) model.replaceChildren(new Option("No models", ""));
  model.disabled = !names.length;
  showRest();
  ready();
}

/** A name that ends in a star stands for all that begin like it: the rest has to be written. */
function showRest() {
  const prefix = model.value.endsWith("*") ? model.value.slice(0, -1) : "";
  $("rest-label").hidden = !prefix;
  $("rest-text").textContent = `Which model of ${prefix.replace(/\/$/, "")}?`;
  $("rest").value = "";
}

function chosen() {
  return model.value.replace(/\*$/, () => $("rest").value.trim());
}

/** Shows the key's field if that is what `error` is about. */
function askForKey(error) {
  if (error.status !== 401) return false;
  const refused = sessionStorage.getItem(KEY) !== null;
  sessionStorage.removeItem(KEY);
  $("key-form").hidden = false;
  $("key").value = "";
  $("key").focus();
  say(refused ? "The API key was refused." : "This server asks for an API key.");
  $("key-hint").textContent = refused
    ? `${error.message}${about(error)}`
    : "It is kept in this tab only, until the tab is closed.";
  return true;
}

async function useKey(event) {
  event.preventDefault();
  sessionStorage.setItem(KEY, $("key").value.trim());
  $("key").value = "";
  $("key-form").hidden = true;
  await loadModels();
  if ($("key-form").hidden) question.focus();
}

// --- Asking and answering -------------------------------------------------------------------------------------------

async function submit(event) {
  event.preventDefault();
  const text = question.value.trim();
  if (!text || running || model.disabled) return;
  if (!$("rest-label").hidden && !$("rest").value.trim()) {
    $("rest").focus();
    return;
  }
  question.value = "";
  $("welcome").hidden = true;
  const asked = turn("user", "You");
  asked.body.data = text;
  conversation.append(asked.item);
  question.focus();
  document.documentElement.scrollTop = document.documentElement.scrollHeight;
  await answer(text, asked);
}

async function answer(text, asked) {
  const shown = turn("assistant", chosen());
  asked.item.classList.remove("failed");
  asked.item.after(shown.item);
  running = new AbortController();
  ready();
  say("Answering…");
  const time = { asked: performance.now(), first: 0, last: 0, pieces: 0, tokens: 0 };
  let note = "";
  try {
    await receive(shown, time, request(text));
  } catch (error) {
    if (error.name !== "AbortError") {
      fail(error, text, asked, shown);
      return;
    }
    note = "stopped";
  } finally {
    running = null;
    ready();
  }
  // A new chat has begun meanwhile: this answer belongs to nothing on the screen.
  if (shown.item.isConnected) finish(text, shown, time, note);
}

function request(text) {
  const instructions = system.value.trim();
  const first = instructions ? [{ role: "system", content: instructions }] : [];
  const messages = [...first, ...turns, { role: "user", content: text }];
  return { model: chosen(), messages, key: sessionStorage.getItem(KEY), signal: running.signal };
}

async function receive(shown, time, wanted) {
  shown.item.setAttribute("aria-busy", "true");
  try {
    for await (const piece of streamAnswer(wanted)) {
      if (piece.tokens !== undefined) time.tokens = piece.tokens;
      if (!piece.text) continue;
      time.last = performance.now();
      time.first ||= time.last;
      time.pieces += 1;
      keepInView(() => shown.body.appendData(piece.text));
    }
  } finally {
    shown.item.removeAttribute("aria-busy");
  }
}

function finish(text, shown, time, note) {
  const content = shown.body.data;
  if (content) turns.push({ role: "user", content: text }, { role: "assistant", content });
  else note ||= "empty answer";
  keepInView(() => {
    shown.foot.textContent = [note, ...figures(time)].filter(Boolean).join(" · ");
  });
  say(`${content || "No answer."} ${note}`);
}

/** Time to first token, and tokens a second from the first to the last. */
function figures({ asked, first, last, pieces, tokens }) {
  if (!first) return [];
  const count = tokens || pieces;
  const rate = last > first ? ((count - 1) * 1000) / (last - first) : 0;
  const shown = [`TTFT ${duration(first - asked)}`];
  if (rate > 0) shown.push(`${tokens ? "" : "≈ "}${rate.toFixed(rate < 10 ? 1 : 0)} tokens/s`);
  shown.push(`${tokens ? "" : "≈ "}${count} ${count === 1 ? "token" : "tokens"}`);
  return shown;
}

function duration(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

function fail(error, text, asked, shown) {
  asked.item.classList.add("failed");
  const again = () => {
    if (running) return;
    shown.item.remove();
    question.focus();
    answer(text, asked);
  };
  askForKey(error);
  const box = errorBox(error, again);
  box.setAttribute("role", "alert");
  keepInView(() => shown.item.append(box));
  say("");
}

// --- What is on the screen ------------------------------------------------------------------------------------------

/** One turn's list item; `body` is the text node to write to. */
function turn(role, name) {
  const item = element("li", role);
  const body = document.createTextNode("");
  const text = element("div", "text");
  const foot = element("p", "figures");
  text.append(body);
  item.append(element("p", "who", name), text, foot);
  return { item, body, foot };
}

function errorBox(error, again) {
  if (!(error instanceof ApiError)) console.error(error);
  const box = element("div", "error");
  const retry = element("button", "", "Try again");
  retry.type = "button";
  retry.addEventListener("click", again);
  box.append(element("p", "", `${error.message}${about(error)}`), retry);
  return box;
}

function about({ code, requestId }) {
  const parts = [code, requestId && `request ${requestId}`].filter(Boolean);
  return parts.length ? ` (${parts.join(", ")})` : "";
}

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

/** Changes the page and follows its end, unless the reader has scrolled away from it. */
function keepInView(change) {
  const page = document.documentElement;
  const atEnd = page.scrollHeight - page.scrollTop - page.clientHeight < 80;
  change();
  if (atEnd) page.scrollTop = page.scrollHeight;
}

/** For screen readers: an answer is read once it is whole, not piece by piece. */
function say(text) {
  $("status").textContent = text;
}

function ready() {
  stop.hidden = !running;
  send.hidden = Boolean(running);
  send.disabled = model.disabled;
}

function newChat() {
  running?.abort();
  turns = [];
  conversation.replaceChildren();
  $("welcome").hidden = false;
  say("New chat.");
  question.focus();
}

// --- Keys and clicks ------------------------------------------------------------------------------------------------

model.addEventListener("change", showRest);
$("composer").addEventListener("submit", submit);
$("key-form").addEventListener("submit", useKey);
$("new-chat").addEventListener("click", newChat);
stop.addEventListener("click", () => {
  running?.abort();
  question.focus();
});
question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("composer").requestSubmit();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") running?.abort();
});

loadModels();

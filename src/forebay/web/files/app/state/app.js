// What the whole page shares: the models, the book of conversations and the one that is open.

import { isGone } from "../api/conversations.js";
import { listModels } from "../api/others.js";
import { computed, signal } from "../html.js";
import { findBook } from "./books.js";
import * as place from "./location.js";
import { begin, gate, refused } from "./session.js";
import { parameters, set, settings } from "./settings.js";
import { Shelf } from "./shelf.js";
import { Thread } from "./thread.js";
import { fail, say } from "./toasts.js";

/** Above this many characters an answer is not read aloud by itself. */
const READ_ALOUD = 600;

/** @type {import("../html.js").signal<{id: string, parent: string, owner: string, chats: boolean}[] | null>} Those that can chat. */
export const models = signal(null);
export const book = signal(null);
export const shelf = new Shelf(book);
/** The rest of a model's name behind a wildcard. */
export const rest = signal("");

/** The name that is sent. */
export const model = computed(() => settings.value.model.replace(/\*$/, () => rest.value.trim()));
export const isWildcard = computed(() => settings.value.model.endsWith("*"));
/** Whether a question can be asked. */
export const ready = computed(() => Boolean(models.value?.length && book.value && !gate.value));

export const choices = () => ({
  model: model.value,
  instructions: settings.value.instructions.trim(),
  parameters: parameters.value,
});

/** The open conversation; a new one for each book. @type {import("../html.js").signal<Thread | null>} */
export const thread = signal(null);

/** Asks who is there, which models, and for the conversations; again after a login. */
export async function start() {
  try {
    await begin();
    if (gate.value) return;
    const [found] = await Promise.all([listModels(), openBook()]);
    showModels(found);
  } catch (error) {
    models.value ??= [];
    if (!(await refused(error))) fail(error, start);
  }
}

export async function refreshModels() {
  try {
    showModels(await listModels());
  } catch (error) {
    if (!(await refused(error))) fail(error);
  }
}

export function ended(which, message) {
  if (message.error) {
    refused(message.error);
    if (message.error.status === 404 && message.error.code === "model_not_found") refreshModels();
    if (isGone(message.error)) shelf.drop(which.id.value);
    say("");
  } else {
    say(message.text.length <= READ_ALOUD ? message.text || "No answer." : "The answer is complete.");
  }
  // Of a first question that was refused nothing is kept that could be opened.
  if (which.messages.value.length > 2 || !message.error || message.text) show(which);
}

/** A conversation that the server keeps has its address and its place in the list, whatever becomes of the answer. */
function show(which) {
  if (which !== thread.value || !which.id.value) return;
  if (place.place.value.page === "chat") place.rename("chat", which.id.value);
  shelf.refresh();
}

async function openBook() {
  if (book.value) return;
  const found = await findBook();
  book.value = found;
  thread.value = new Thread(found, choices, ended, show);
  await shelf.refresh();
}

function showModels(all) {
  const found = all.filter((each) => each.chats);
  models.value = found;
  const chosen = settings.value.model;
  if (!found.some((each) => each.id === chosen)) set({ model: found[0]?.id ?? "" });
}

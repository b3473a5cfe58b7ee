// What can be done with conversations, from a menu or by a key.

import { isGone } from "../api/conversations.js";
import { ApiError } from "../api/http.js";
import { book, shelf, thread } from "./app.js";
import { goOnTo } from "./focus.js";
import { go, place } from "./location.js";
import { signal } from "../html.js";
import { confirmed, prompted } from "./questions.js";
import { refused } from "./session.js";
import { fail, tell } from "./toasts.js";

/** The conversation whose links are shown. @type {import("../html.js").signal<{id: string, title: string} | null>} */
export const shared = signal(null);

/** What is told of one import ends what was told of the one before. */
const IMPORT = "import";
/** The largest file that is read. */
const LARGEST = 64 * 1024 * 1024;

/** An empty conversation, ready for the first question. */
export function startNew() {
  thread.value?.clear();
  go("chat");
  if (place.value.page === "chat") requestAnimationFrame(() => document.getElementById("question")?.focus());
}

export async function rename(entry) {
  const title = await prompted("Rename conversation", entry.title, "Rename");
  if (title === null) return;
  await attemptOn(entry, async () => {
    await book.value.rename(entry.id, title);
    shelf.retitle(entry.id, title);
  });
}

export async function remove(entry) {
  const name = entry.title || "New conversation";
  if (!(await confirmed("Delete conversation?", `“${name}” will be gone for good.`, "Delete"))) return;
  await attemptOn(entry, async () => {
    await book.value.remove(entry.id);
    const at = shelf.found.value.findIndex((each) => each.id === entry.id);
    shelf.drop(entry.id);
    if (thread.value.id.value === entry.id) startNew();
    else goOnTo(() => [...document.querySelectorAll(".entry > a")].slice(0, at + 1).at(-1));
    tell("The conversation was deleted.");
  });
}

export function share(entry) {
  shared.value = entry;
}

export function save(entry, format) {
  return attemptOn(entry, async () => {
    const text = await book.value.exportFile(entry.id, format);
    const [type, ending] = format === "json" ? ["application/json", "json"] : ["text/markdown", "md"];
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = `${fileName(entry.title)}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}

/** @param {File} file */
export function load(file) {
  return attempt(async () => {
    if (file.size > LARGEST) throw new ApiError(`${file.name} is larger than 64 MiB.`);
    const markdown = ["md", "markdown"].includes(file.name.split(".").at(-1).toLowerCase());
    const made = await imported(file, markdown ? "text/markdown" : "application/json");
    await shelf.refresh();
    go("chat", made.id);
    tell("The conversation was imported.", IMPORT);
  }, IMPORT);
}

/** The conversation of `file`; what is wrong with it is told by the file's name. */
async function imported(file, type) {
  try {
    return await book.value.importFile(await file.text(), type);
  } catch (error) {
    if (error.lost) throw error;
    const what = error.status === 413 ? `${file.name} is too large to be imported` : file.name;
    throw new ApiError(`${what}: ${error.message}`, error);
  }
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    tell("Copied.");
  } catch {
    fail(new ApiError("The browser does not let this page copy."));
  }
}

/** Asks what `message` was the answer to in a new conversation: its own is gone. @param {import("./thread.js").Thread} which */
export function askAnew(which, message) {
  const text = which.question(message);
  which.clear();
  go("chat");
  return which.send(text);
}

/** Does something to a conversation, which another tab may have deleted. */
export const attemptOn = (entry, action) =>
  attempt(async () => {
    try {
      await action();
    } catch (error) {
      if (isGone(error)) shelf.drop(entry.id);
      throw error;
    }
  });

/** Does `action`; a failure is told, with a way to try again. */
export async function attempt(action, of = "") {
  try {
    await action();
  } catch (error) {
    if (await refused(error)) return;
    fail(error, error.lost || error.status >= 500 ? () => attempt(action, of) : null, of);
  }
}

const fileName = (title) => title.replace(/[^\p{L}\p{N} _-]+/gu, "").trim().slice(0, 60) || "conversation";

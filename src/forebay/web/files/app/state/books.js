// Where conversations are kept: by the server, or, where it has no store, by this page until it is closed.

import * as api from "../api/conversations.js";
import { streamResponse } from "../api/responses.js";
import { MemoryBook } from "./memory.js";

/** Conversations that the server keeps. `MemoryBook` has the same methods, but none for what others do. */
export class ServerBook {
  lasting = true;
  list = api.list;
  open = api.messages;
  latest = api.latest;
  show = api.show;
  stateOf = api.stateOf;
  remove = api.remove;
  exportFile = api.exportFile;

  async create() {
    return (await api.create()).id;
  }

  rename(id, title) {
    return api.change(id, { title });
  }

  choose(id, message) {
    return api.change(id, { current_item: message });
  }

  importFile(text, type) {
    return api.importFile(text, type);
  }

  answer(wanted) {
    return streamResponse(wanted);
  }
}

/**
 * The book that this server offers.
 * @returns {Promise<ServerBook | MemoryBook>}
 */
export async function findBook() {
  try {
    await api.list();
    return new ServerBook();
  } catch (error) {
    if (error.status === 404 || error.status === 405) return new MemoryBook();
    throw error;
  }
}

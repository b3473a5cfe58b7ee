// An answer while it comes: it grows, and whoever shows it is told.

export class Live {
  text = "";
  reasoning = "";
  /** The id of its message, once the server has told it. */
  id = "";
  /** Called for every piece; whoever draws does so once in a frame. */
  onGrow = () => {};
  onEnd = () => {};

  /** @param {import("../api/chat.js").Piece} piece */
  grow(piece) {
    if (piece.id) this.id = piece.id;
    if (piece.text) this.text += piece.text;
    if (piece.reasoning) this.reasoning += piece.reasoning;
    if (piece.text || piece.reasoning) this.onGrow();
  }

  end() {
    this.onEnd();
  }
}

"""What an engine's prefix cache still has of a conversation: whole blocks, the least recently used forgotten first."""

from collections import OrderedDict


class Prefixes:
    """Counts tokens in place of blocks. ``shared`` tokens begin every prompt, and are kept once they were computed."""

    def __init__(self, kv_tokens: int, block: int, shared: int = 0) -> None:
        self._room = kv_tokens
        self._block = block
        self._shared = shared
        self._kept: OrderedDict[int, int] = OrderedDict()
        self._kept_tokens = 0
        self._reserved = 0
        self._warm = 0
        self.asked = self.found = 0

    def has_room(self, tokens: int) -> bool:
        """Whether a request of so many tokens, its answer included, fits beside those that run; alone it always may."""
        return not self._reserved or self._reserved + tokens <= self._room

    def enter(self, session: int, prompt: int, total: int) -> int:
        """Reserve ``total`` tokens; how many of ``prompt`` need not be computed. The last token always is."""
        kept = self._kept.pop(session, 0)
        self._kept_tokens -= kept
        found = min(max(kept, self._warm), prompt - 1) // self._block * self._block
        self._warm = self._shared
        self._reserved += total
        self._evict()
        self.asked += prompt
        self.found += found
        return found

    def leave(self, session: int, total: int) -> None:
        """Keep the ``total`` tokens that were reserved, for as long as there is room."""
        self._reserved -= total
        self.keep(session, total)

    def keep(self, session: int, tokens: int) -> None:
        """Have ``tokens`` of ``session``, as after an earlier turn."""
        self._kept_tokens += tokens - self._kept.pop(session, 0)
        self._kept[session] = tokens
        self._evict()

    @property
    def used(self) -> int:
        """Tokens that are reserved or kept."""
        return self._reserved + self._kept_tokens

    def _evict(self) -> None:
        while self._kept and self.used > self._room:
            _, tokens = self._kept.popitem(last=False)
            self._kept_tokens -= tokens

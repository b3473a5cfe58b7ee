"""The semantic index in the vector sets of a Redis 8, beside the entries: all processes have one index.

A vector set a scope, so nothing of another scope is ever looked at. Elements do not expire by themselves; three things
see to it. Each set, as a whole, ends with the last of its elements. Each addition removes what is due, and looks at a
few others. And no question is found whose entry the server does not have any more, whoever deleted it: that is asked in
the same script as the search.

    …:in:SCOPE    vector set   key of the entry → vector, {"text", "expires"}
    …:due         sorted set   key · scope → when it expires
    …:of:KEY      string       scope · hash of the text
    …:same:HASH   string       key

Source: Redis' documentation, "Vector sets" and "Redis Lua API": a script is atomic. A score is (1 + cosine) / 2.
"""

import hashlib
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from forebay.cache.connection import PATIENCE, Connection
from forebay.cache.semantic.holding import Candidate, Row

_ROUNDS: Final = 4
"""How often a search is repeated because what it found was gone."""

_LIBRARY: Final = """
local base, entries = KEYS[1], KEYS[2]
local due = base .. ':due'
local function drop(key, scope)
    local of = redis.call('GET', base .. ':of:' .. key)
    if of then
        scope = of:sub(1, 32)
        local same = base .. ':same:' .. of:sub(33)
        if redis.call('GET', same) == key then redis.call('DEL', same) end
        redis.call('DEL', base .. ':of:' .. key)
    end
    if scope then
        redis.call('VREM', base .. ':in:' .. scope, key)
        redis.call('ZREM', due, key .. scope)
    end
end
local function lives(key) return redis.call('EXISTS', entries .. key) == 1 end
local function last(name, at)
    redis.call('PEXPIREAT', name, at, 'NX')
    redis.call('PEXPIREAT', name, at, 'GT')
end
"""

_ADD: Final = (
    _LIBRARY
    + """
local key, scope, hash, vector, attributes = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local expires, now, most = ARGV[6], ARGV[7], tonumber(ARGV[8])
if not lives(key) or redis.call('ZSCORE', due, key .. scope) == expires then return 0 end
drop(key)
for _, each in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, 4)) do
    drop(each:sub(1, 32), each:sub(33))
end
for _, each in ipairs(redis.call('ZRANDMEMBER', due, 2)) do
    if not lives(each:sub(1, 32)) then drop(each:sub(1, 32), each:sub(33)) end
end
for _ = 1, 16 do
    if redis.call('ZCARD', due) < most then break end
    local first = redis.call('ZRANGE', due, 0, 0)[1]
    drop(first:sub(1, 32), first:sub(33))
end
local set = base .. ':in:' .. scope
redis.call('VADD', set, 'FP32', vector, key, 'SETATTR', attributes)
last(set, expires)
redis.call('ZADD', due, expires, key .. scope)
last(due, expires)
redis.call('SET', base .. ':of:' .. key, scope .. hash, 'PXAT', expires)
redis.call('SET', base .. ':same:' .. hash, key, 'PXAT', expires)
return 1
"""
)

_REMOVE: Final = _LIBRARY + "drop(ARGV[1])"

_SAME: Final = (
    _LIBRARY
    + """
local key = redis.call('GET', base .. ':same:' .. ARGV[1])
if not key then return false end
if lives(key) and tonumber(redis.call('ZSCORE', due, key .. ARGV[2]) or 0) > tonumber(ARGV[3]) then return key end
drop(key, ARGV[2])
return false
"""
)

_NEAREST: Final = (
    _LIBRARY
    + """
local scope, set = ARGV[1], base .. ':in:' .. ARGV[1]
local answer
for _ = 1, tonumber(ARGV[5]) do
    local found = redis.call('VSIM', set, 'FP32', ARGV[2], 'WITHSCORES', 'COUNT', ARGV[3])
    local gone = false
    answer = {}
    for at = 1, #found, 2 do
        local told = redis.call('VGETATTR', set, found[at])
        local expires = told and cjson.decode(told).expires or 0
        if expires > tonumber(ARGV[4]) and lives(found[at]) then
            table.insert(answer, {found[at], found[at + 1], told})
        else
            drop(found[at], scope)
            gone = true
        end
    end
    if not gone then break end
end
return answer
"""
)


class Attributes(msgspec.Struct, frozen=True):
    """What a vector set knows of an element; ``expires`` in milliseconds since the epoch."""

    text: str
    expires: int


class VectorSets:
    """At most ``most`` questions; where one more comes, those go that expire first.

    All names begin with ``base``, entries have the names ``entries`` and their keys. Vectors of each ``embedder`` are
    by themselves. ``clock`` tells seconds since the epoch.
    """

    is_shared = True

    def __init__(  # noqa: PLR0913, PLR0917  # where, what and how much
        self,
        connection: Connection,
        base: bytes,
        entries: bytes,
        embedder: str,
        most: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._within = connection.within
        self._names = [base + hashlib.sha256(embedder.encode()).hexdigest()[:12].encode(), entries]
        self._most = most
        self._clock = clock
        self._held = 0

    async def is_possible(self) -> bool:
        """Whether the server has vector sets, and lets them be used in scripts.

        Raises:
            CacheUnavailableError: it does not answer.
        """
        return await self._within(self._probe, PATIENCE)

    async def same(self, scope: bytes, text: str) -> bytes | None:
        """The key of the question of ``scope`` with these very words."""
        return cast("bytes | None", await self._run(_SAME, _hash(scope, text), scope, self._now()))

    async def nearest(self, scope: bytes, vector: bytes, count: int) -> list[Candidate]:
        """Up to ``count`` questions of ``scope``, the nearest first; what is gone goes from here as well."""
        found = await self._run(_NEAREST, scope, _floats(vector), count, self._now(), _ROUNDS)
        return [
            Candidate(key, msgspec.json.decode(told, type=Attributes).text, 2 * float(score) - 1)
            for key, score, told in found
        ]

    async def add(self, rows: Sequence[Row]) -> None:
        """Let ``rows`` be found; what is there already stays as it is, and what has no entry is not added."""
        for row in rows:
            expires = int(row.expires * 1000)
            told = msgspec.json.encode(Attributes(row.text, expires))
            hashed, vector = _hash(row.scope, row.text), _floats(row.vector)
            await self._run(_ADD, row.key, row.scope, hashed, vector, told, expires, self._now(), self._most)
        self._held = await self._within(self._count)

    async def remove(self, key: bytes) -> None:
        """Let ``key`` be found no more."""
        await self._run(_REMOVE, key)

    async def clear(self) -> None:
        """Nothing: what is there is the other processes' too, and every question is held against its entry."""

    def gauges(self) -> Mapping[str, float]:
        """How many questions there were when one was last added; who has their vectors."""
        return {"entries": self._held, "shared": 1}

    async def close(self) -> None:
        """Nothing: what is there stays there."""

    def _now(self) -> int:
        return int(self._clock() * 1000)

    async def _run(self, script: str, *values: bytes | int) -> Any:  # noqa: ANN401  # whatever the script answers
        return await self._within(lambda redis: redis.register_script(script)(self._names, values))

    async def _count(self, redis: Redis) -> int:
        return int(await redis.zcard(self._names[0] + b":due"))

    async def _probe(self, redis: Redis) -> bool:
        # Caught here, for it is no refusal that anybody should hear of.
        try:
            await redis.register_script("return redis.call('VCARD', KEYS[1])")([self._names[0]])
        except ResponseError:
            return False
        return True


def _hash(scope: bytes, text: str) -> bytes:
    return hashlib.sha256(scope + text.encode()).digest()


def _floats(vector: bytes) -> bytes:
    return array("f", memoryview(vector).cast("b")).tobytes()

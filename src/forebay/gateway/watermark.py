"""The stage that knows whose answers are marked: what an API key allows goes before what a request says."""

import msgspec

from forebay.core.errors import PermissionDeniedError
from forebay.core.ports import Handler
from forebay.core.types import Call, Operation, Reply, Request

_GENERATING = frozenset({Operation.CHAT, Operation.COMPLETION})


class Watermarks:
    """Writes what the key says into the request, so that whoever is behind, a cache too, reads it there alone."""

    async def __call__(self, call: Call, ask: Handler) -> Reply:
        """Answer ``call``.

        Raises:
            PermissionDeniedError: the request says something else than its key allows.
        """
        policy, asked = call.principal.watermark, call.request.watermark
        if policy == "choose" or call.request.operation not in _GENERATING:
            return await ask(call)
        if policy == "model":
            if asked is False:
                raise _denied("leaves it to the model whether answers are marked")
            return await ask(call)
        wanted = policy == "always"
        if asked is None:
            return await ask(msgspec.structs.replace(call, request=_saying(call.request, wanted=wanted)))
        if asked is not wanted:
            raise _denied(f"{policy} has answers marked")
        return await ask(call)


def _denied(how: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"This API key {how}: leave out 'watermark', or use a key with 'watermark: choose' in auth.keys.",
        param="watermark",
    )


def _saying(request: Request, *, wanted: bool) -> Request:
    body = msgspec.json.encode(request.fields() | {"watermark": wanted})
    return msgspec.structs.replace(request, body=body, watermark=wanted)

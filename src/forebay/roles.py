"""What one process is of Forebay, where it is not all of it: gateway, engine and web, each with its own settings."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

from forebay.api.application import Application
from forebay.api.http import Endpoint, Receive, Scope, Send, send_body
from forebay.settings import Problem, Settings, SettingsError
from forebay.split import once_per_host
from forebay.web.forward import Forward
from forebay.web.static import Pages

ALL, GATEWAY, ENGINE, WEB = "all", "gateway", "engine", "web"
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ALIVE: Final = b'{"status":"ok"}'


def check_role(settings: Settings) -> None:
    """See that the settings suit the role that they name.

    Raises:
        SettingsError: they do not; each problem says what to do.
    """
    problems = [*_PROBLEMS[settings.server.role](settings)]
    if problems:
        raise SettingsError("the configuration", problems)


def web_application(settings: Settings) -> Application:
    """The web role's application: the page from here, everything else from the gateway."""
    assert settings.server.gateway is not None  # noqa: S101  # check_role has seen to it
    forward, pages = Forward(settings.server.gateway.rstrip("/")), Pages()

    async def answer(scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        page = pages if scope["method"] in {"GET", "HEAD"} and pages.find(scope["path"]) else forward
        await page(scope, receive, send, request_id)

    @contextlib.asynccontextmanager
    async def living() -> AsyncIterator[None]:
        yield
        await forward.close()

    everything: dict[str, Endpoint] = dict.fromkeys(METHODS, answer)
    return Application({"/health": {"GET": _alive, "HEAD": _alive}, "/v1/": everything}, everything, living)


async def _alive(_scope: Scope, _receive: Receive, send: Send, _request_id: str) -> None:
    await send_body(send, 200, [(b"content-type", b"application/json")], ALIVE)


def _everything(settings: Settings) -> Iterator[Problem]:
    if settings.server.gateway is not None:
        yield Problem(0, "server.gateway", "is for the role 'web': leave it out, or set server.role")


def _gateway(settings: Settings) -> Iterator[Problem]:
    yield from _everything(settings)
    for name in sorted(once_per_host(settings)):
        message = "runs a model in this process, which the role 'gateway' leaves to others: use 'kind: forebay' with "
        yield Problem(0, f"providers.{name}", message + "the address of a server with the role 'engine'")


def _engine(settings: Settings) -> Iterator[Problem]:
    yield from _everything(settings)
    for name in sorted(settings.providers.keys() - once_per_host(settings)):
        message = "is asked over a network, which the role 'engine' leaves to the gateway: move it there"
        yield Problem(0, f"providers.{name}", message)


def _web(settings: Settings) -> Iterator[Problem]:
    if settings.server.gateway is None:
        yield Problem(0, "server.gateway", "is missing: the role 'web' asks a gateway, such as http://127.0.0.1:8081")
    for part, given in (("models", settings.models), ("providers", settings.providers)):
        if given:
            yield Problem(0, part, "are the gateway's business: the role 'web' has none")


_PROBLEMS: Final = {ALL: _everything, GATEWAY: _gateway, ENGINE: _engine, WEB: _web}

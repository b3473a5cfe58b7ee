"""Servers at which people log in, and real providers of identities, one of a kind for all tests."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from forebay.roles import web_application
from forebay.settings import (
    AuthSettings,
    KeySettings,
    LoginProviderSettings,
    LoginSettings,
    RoleSettings,
    Secret,
    ServerSettings,
    Settings,
    StoreSettings,
)
from tests.api.conftest import WHOLE, Serve
from tests.support.browser import Browser
from tests.support.identity import HOME, Identity, node, python
from tests.support.serving import Running, serving

ROLES = RoleSettings("groups", ("alices",), ("bobs",), ("carols",))
KEY = "a key of the configuration"

Open = Callable[..., contextlib.AbstractAsyncContextManager[Browser]]


@pytest.fixture(scope="package")
def oidc_provider() -> Iterator[Identity]:
    """The certified one."""
    with node("oidc_provider.mjs", HOME) as running:
        yield running


@pytest.fixture(scope="package")
def mock_server() -> Iterator[Identity]:
    """The one that says whatever it is told to."""
    with node("oauth2_mock_server.mjs") as running:
        yield running


@pytest.fixture
def told(mock_server: Identity) -> Iterator[Identity]:
    """The same, which then forgets."""
    yield mock_server
    mock_server.tell()


@pytest.fixture(scope="package")
def python_mock() -> Iterator[Identity]:
    """The one in Python."""
    with python() as running:
        yield running


def provider(identity: Identity, roles: RoleSettings = ROLES, **more: object) -> LoginProviderSettings:
    """The settings for ``identity``."""
    secret = Secret("web secret")
    return LoginProviderSettings(identity.issuer, "web", secret, roles=roles, **more)  # type: ignore[arg-type]


def _web(gateway: Running) -> contextlib.AbstractAsyncContextManager[Running]:
    """The web role before ``gateway``."""
    return serving(web_application(Settings(server=ServerSettings(role="web", gateway=gateway.url))))


@pytest.fixture
def open_browser(serve: Serve, tmp_path: Path) -> Open:
    """How to serve by login settings, and open a browser there; the store is one for all servers of a test."""

    @contextlib.asynccontextmanager
    async def opened(login: LoginSettings, resource: str = HOME, *, by_web: bool = False) -> AsyncIterator[Browser]:
        auth = AuthSettings(keys=(KeySettings(Secret(KEY), "ops", admin=True),), login=login, resource=resource)
        store = StoreSettings(Secret(f"sqlite:///{tmp_path}/forebay.db"))
        async with (
            serve(WHOLE, Settings(auth=auth, store=store)) as (gateway, _),
            _web(gateway) if by_web else contextlib.nullcontext(gateway) as running,
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        ):
            yield Browser(http, running.url, resource or None)

    return opened

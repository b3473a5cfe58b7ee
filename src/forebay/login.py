"""From settings to what lets people log in with a browser: sessions, a provider, a password, and their addresses.

It needs ``forebay[login]``, so it is imported only where the configuration asks for it.
"""

import contextlib
import hashlib
import sys
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from forebay.api.http import Endpoint
from forebay.api.login.cookies import Cookies
from forebay.api.login.endpoints import LogoutEndpoint, PasswordEndpoint, ProviderEndpoints
from forebay.api.login.refusing import for_people
from forebay.api.login.session import (
    CALLBACK_PATH,
    HOME,
    LOGIN_PATH,
    LOGOUT_PATH,
    PASSWORD_PATH,
    PATH,
    SessionEndpoint,
    key_methods,
)
from forebay.auth.login.acting import Acting
from forebay.auth.login.password import Generated, Known, Password
from forebay.auth.login.provider import Ask, Provider
from forebay.auth.login.sessions import Sessions
from forebay.core.attempts import Attempts
from forebay.core.errors import UnavailableError
from forebay.core.ports import Authenticator
from forebay.core.store import Store
from forebay.settings import AuthSettings
from forebay.settings.login import GENERATE, LoginProviderSettings, LoginSettings

ORIGIN_LENGTH: Final = 32


class Login:
    """What ``settings`` say about people who log in; ``attempts`` are those at the password so far."""

    def __init__(
        self, settings: AuthSettings, login: LoginSettings, store: Store, ask: Ask, attempts: Attempts
    ) -> None:
        self._settings = settings
        self._title = title(login.provider) if login.provider else ""
        home = settings.resource
        # Behind a proxy only the configuration knows how browsers come here.
        self.cookies = Cookies(True if home.startswith("https://") else None)
        origins: list[str] = []
        self._provider = self._password = None
        self._known: Known | None = None
        if login.provider is not None:
            origins.append(_origin(login.provider, home))
            callback = home + CALLBACK_PATH
            self._provider = Provider(login.provider, callback, home + HOME, ask, origins[-1], login.lifetime)
        if login.password is not None:
            said = login.password.reveal()
            origins.append(_origin(said))
            self._known = Generated(store.passwords, _tell) if said == GENERATE else _configured(said)
            self._password = Password(self._known, attempts, origins[-1], login.lifetime)
        self._sessions = Sessions(store.sessions, origins, login.idle)

    def authenticator(self, others: Authenticator) -> Authenticator:
        """Who asks: whoever is logged in, or one of ``others``."""
        return Acting(self._sessions, others)

    def endpoints(self) -> dict[str, dict[str, Endpoint]]:
        """Each path, and its methods."""
        told = SessionEndpoint(self.cookies, self._sessions, self._methods(), required=True)
        found: dict[str, dict[str, Endpoint]] = {
            PATH: {"GET": told},
            LOGOUT_PATH: {"POST": LogoutEndpoint(self._sessions, self.cookies, self._provider)},
        }
        if self._provider is not None:
            provider = ProviderEndpoints(self._provider, self._sessions, self.cookies)
            found[LOGIN_PATH] = {"GET": for_people(provider.login)}
            found[CALLBACK_PATH] = {"GET": for_people(provider.callback)}
        if self._password is not None:
            found[PASSWORD_PATH] = {"POST": PasswordEndpoint(self._password, self._sessions, self.cookies, told)}
        return found

    async def start(self) -> None:
        """Make the password if that is asked for and the store is there; else it is made when it is first needed."""
        if self._known is not None:
            with contextlib.suppress(UnavailableError):
                await self._known()

    async def close(self) -> None:
        """Stop whatever is under way."""
        if self._provider is not None:
            await self._provider.close()

    def _methods(self) -> list[Mapping[str, str]]:
        found: list[Mapping[str, str]] = []
        if self._provider is not None:
            found.append({"type": "provider", "name": self._title, "url": LOGIN_PATH})
        if self._password is not None:
            found.append({"type": "password", "url": PASSWORD_PATH})
        return [*found, *key_methods(self._settings)]


def _configured(known: str) -> Known:
    async def configured() -> str:
        return known

    return configured


def _tell(text: str) -> None:
    """Show whoever starts the server a password; no log has it."""
    sys.stderr.write(f"The admin's password is {text}\nIt was made now, and is not shown again.\n")
    sys.stderr.flush()


def title(settings: LoginProviderSettings) -> str:
    """What to call a provider."""
    return settings.title or urlsplit(settings.issuer).netloc


def _origin(*said: object) -> str:
    """A name for a way to log in that is another one as soon as anything about it is, so that its sessions end."""
    shown = [
        msgspec.structs.replace(each, client_secret=None) if isinstance(each, LoginProviderSettings) else each
        for each in said
    ]
    return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()[:ORIGIN_LENGTH]

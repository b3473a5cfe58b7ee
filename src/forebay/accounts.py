"""From settings to what knows who asks and what they have used: credentials, issued keys, tokens, the store."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from forebay.attempting import Attempting
from forebay.auth.credentials import Credentials, Verify
from forebay.auth.issued import IssuedKeys
from forebay.auth.issuing import Issuer
from forebay.auth.keys import Anonymous, digest
from forebay.core.errors import UnavailableError
from forebay.core.ports import Authenticator
from forebay.core.store import Store
from forebay.core.types import Principal, TimeOuts
from forebay.generation import STORE
from forebay.plugins import STORES, PreparationError
from forebay.providers.transport import Addresses, TransportError
from forebay.settings import AuthSettings, IssuedKeySettings, IssuerSettings, Settings, StoreSettings

if TYPE_CHECKING:  # an extra
    from forebay.authorization import AuthorizationServer
    from forebay.login import Login

OK: Final = 200
ANSWER_BYTES: Final = 512 * 1024
PATIENCE: Final = TimeOuts(connect=5.0, first_token=10.0, between_tokens=5.0, total=15.0)


class Verifier(Protocol):
    """What knows the principal behind a token."""

    async def verify(self, text: str, /) -> Principal:
        """Who the bearer of ``text`` is."""
        ...

    async def close(self) -> None:
        """Stop whatever is under way."""
        ...


class Accounts:
    """What lives as long as the process: the store, the issued keys, and what is known of issuers' keys and tokens.

    Raises:
        PreparationError: something that the settings ask for is not installed, or cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.store = build_store(settings.store)
        issued = settings.auth.issued_keys
        self._issued = IssuedKeys(self.store.keys, _pepper(issued)) if self.store and issued else None
        self._attempting = Attempting(settings.limits)
        self._at_passwords = self._attempting.of("password")
        self.server = self._authorization_server(settings.auth)
        self._web = Web()
        self._verifiers: list[tuple[Sequence[IssuerSettings], Verifier]] = []
        self._logins: list[tuple[AuthSettings, Login]] = []

    def authenticator(self, settings: AuthSettings) -> Authenticator:
        """Whatever credentials there are, else everybody."""
        if not settings.required:
            return Anonymous()
        keys = {
            digest(key.key.reveal()): Principal(
                key.name,
                key.tenant,
                frozenset(key.models) if key.models is not None else None,
                key.admin,
                key.watermark,
                limits=key.limits.limits() if key.limits is not None else None,
            )
            for key in settings.keys
        }
        find = self._issued.find_anew if self._issued else None
        verify: Verify | None = self._verifier(settings.issuers).verify if settings.issuers else None
        if self.server is not None:
            verify = self.server.verifier(verify)
        credentials = Credentials(keys, find, verify, metadata_url(settings))
        login = self.login(settings)
        return login.authenticator(credentials) if login else credentials

    def login(self, settings: AuthSettings) -> "Login | None":
        """How people log in, if they do: what another generation had already, if it was the same."""
        if settings.login is None or self.store is None:
            return None
        for known, login in self._logins:
            if known == settings:
                return login
        try:
            from forebay.login import Login  # noqa: PLC0415  # an extra
        except ImportError as error:
            raise PreparationError(
                f"auth.login needs what is not installed ({error.name}): pip install 'forebay[login]'"
            ) from None
        login = Login(settings, settings.login, self.store, self._web.ask, self._at_passwords)
        self._logins.append((settings, login))
        return login

    async def start(self) -> None:
        """Open the store, and know the keys in it."""
        if self.store is not None:
            await self.store.start()
        await self._attempting.start()
        if self._issued is not None:
            await self._issued.start()
        if self.server is not None:
            await self.server.start()
        for _, login in self._logins:
            await login.start()

    async def close(self) -> None:
        """Free everything."""
        for _, verifier in self._verifiers:
            await verifier.close()
        for _, login in self._logins:
            await login.close()
        await self._web.close()
        await self._attempting.close()
        if self.server is not None:
            await self.server.close()
        if self._issued is not None:
            await self._issued.close()
        if self.store is not None:
            await self.store.close()

    def _authorization_server(self, settings: AuthSettings) -> "AuthorizationServer | None":
        issued = settings.issued_keys
        if settings.server is None or self.store is None or self._issued is None or issued is None:
            return None
        try:
            from forebay.authorization import AuthorizationServer  # noqa: PLC0415  # an extra
        except ImportError as error:
            raise PreparationError(
                f"auth.server needs what is not installed ({error.name}): pip install 'forebay[oauth]'"
            ) from None
        attempts = self._attempting.of("secret")
        return AuthorizationServer(settings, self.store, _pepper(issued), self._issued, attempts)

    def _verifier(self, issuers: Sequence[IssuerSettings]) -> Verifier:
        """What another generation had already, if it had the same issuers: it knows their keys."""
        for known, verifier in self._verifiers:
            if known == issuers:
                return verifier
        verifier = _verifier(issuers, self._web)
        self._verifiers.append((issuers, verifier))
        return verifier


class Web:
    """Asks issuers, by the transport that providers are asked by; redirects are not followed."""

    def __init__(self) -> None:
        self._addresses = Addresses(ANSWER_BYTES, PATIENCE)

    async def get(self, url: str) -> bytes:
        """What is at ``url``.

        Raises:
            UnavailableError: nothing, or more than `ANSWER_BYTES`, or not in time.
        """
        return await self._good(b"GET", url, {"accept": "application/json"}, b"")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """The answer to a POST.

        Raises:
            UnavailableError: there is none, or more than `ANSWER_BYTES`, or not in time.
        """
        return await self._good(b"POST", url, headers, body)

    async def close(self) -> None:
        """Close all connections."""
        await self._addresses.aclose()

    async def ask(self, method: bytes, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body of an answer.

        Raises:
            UnavailableError: there is none, or more than `ANSWER_BYTES`, or not in time.
        """
        try:
            return await self._addresses.ask(method, url, headers, body)
        except TransportError as error:
            raise UnavailableError("An issuer of tokens does not answer; try again later.") from error

    async def _good(self, method: bytes, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        status, answer = await self.ask(method, url, headers, body)
        if status != OK:
            raise UnavailableError(f"An issuer of tokens answered with status {status}.")
        return answer


def metadata_url(settings: AuthSettings) -> str:
    """Where it stands whose tokens are taken (RFC 9728, section 3); empty if the server's address is not known."""
    takes_tokens = settings.issuers or settings.server
    return f"{settings.resource}/.well-known/oauth-protected-resource" if settings.resource and takes_tokens else ""


def build_store(settings: StoreSettings | None) -> Store | None:
    """What outlives the server, if anything is to.

    Raises:
        PreparationError: it cannot be used.
    """
    return None if settings is None else STORES.plugin(STORE).build(settings)


def build_issuer(store: Store, settings: IssuedKeySettings) -> Issuer:
    """What makes and changes the keys in ``store``."""
    return Issuer(store.keys, store.admin_log, _pepper(settings))


def _pepper(settings: IssuedKeySettings) -> bytes:
    return settings.pepper.reveal().encode()


def _verifier(issuers: Sequence[IssuerSettings], web: Web) -> Verifier:
    try:
        from forebay.auth.oauth.tokens import Tokens  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise PreparationError(
            f"auth.issuers needs what is not installed ({error.name}): pip install 'forebay[oauth]'"
        ) from None
    return Tokens(issuers, web.get, web.post)

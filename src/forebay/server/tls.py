"""TLS: the server's certificate, which is read again as soon as its files have changed.

Certificates are renewed every few weeks, by tools that know nothing of the server. Each handshake therefore looks at
the files' times, which costs microseconds where a handshake costs a millisecond; no process needs a signal.
"""

import logging
import ssl
from pathlib import Path

import msgspec

logger = logging.getLogger("forebay.server")

Stamp = tuple[tuple[int, int, int], ...]


class TlsError(ValueError):
    """A certificate cannot be used; the message says which and why."""


class Certificate(msgspec.Struct, frozen=True):
    """PEM files: a ``certificate`` with those that lead to its root, and its private ``key``."""

    certificate: str
    key: str
    password: str | None = None

    def __repr__(self) -> str:
        return f"Certificate({self.certificate!r})"

    def context(self) -> ssl.SSLContext:
        """For a server, TLS 1.2 or newer, HTTP/1.1 by ALPN.

        Raises:
            TlsError: the files cannot be read, or do not belong together.
        """
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        made.set_alpn_protocols(["http/1.1"])
        try:
            made.load_cert_chain(self.certificate, self.key, self._told_password)
        except ssl.SSLError as error:
            raise TlsError(f"{self.certificate} and {self.key} are no certificate and its key: {_why(error)}") from None
        except OSError as error:
            raise TlsError(f"{self.certificate} or {self.key} cannot be read: {error.strerror}") from None
        return made

    def stamp(self) -> Stamp:
        """Another one after every change.

        Raises:
            OSError: a file is away.
        """
        found = (Path(path).stat() for path in (self.certificate, self.key))
        return tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in found)

    def _told_password(self) -> str:
        """Asked only where the key is encrypted; without this, OpenSSL would ask whoever sits at the terminal."""
        return self.password or ""


def serving_context(certificate: Certificate) -> ssl.SSLContext:
    """A context whose handshakes use the ``certificate`` as its files are then.

    Raises:
        TlsError: it cannot be used now.
    """
    renewal = _Renewal(certificate)
    front = certificate.context()
    front.sni_callback = renewal.handshake  # called for each client, also for those that name no server
    return front


class _Renewal:
    """The context of the day."""

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate
        self._stamp = certificate.stamp()
        self._context: ssl.SSLContext | None = None

    def handshake(self, connection: ssl.SSLObject, _name: str | None, _front: ssl.SSLContext) -> None:
        """Let ``connection`` have it."""
        self._look()
        if self._context is not None:
            connection.context = self._context

    def _look(self) -> None:
        """A half of a new pair, or a broken file, changes nothing: what was good goes on until there is a whole one."""
        try:
            stamp = self._certificate.stamp()
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._context = self._certificate.context()
        except (OSError, TlsError) as error:
            logger.error("the certificate has not been renewed: %s", error)  # noqa: TRY400  # no fault of ours
        else:
            logger.info("the certificate has been renewed from %s", self._certificate.certificate)


def _why(error: ssl.SSLError) -> str:
    return (error.reason or "no PEM file, or a wrong password").lower().replace("_", " ")

"""Keeps web pages of other origins out of a server that asks nobody for a key.

A page whose name is made to resolve to this machine (DNS rebinding) is of the same origin as the server, as far as a
browser can tell; only the ``Host`` it names gives it away.
"""

import ipaddress

from forebay.api.http import Endpoint, Receive, Scope, Send, header
from forebay.core.access import ON_BEHALF_OF
from forebay.core.errors import PermissionDeniedError

# Hosts seen to be local: looking at one costs more than the rest of the check, and there are few.
KNOWN = 64


def only_local_hosts(endpoint: Endpoint) -> Endpoint:
    """``endpoint`` for requests whose ``Host`` is an address or ``localhost``: a page of elsewhere has a name."""

    async def guarded(scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        host = header(scope, b"host")
        if host is not None and host not in known:
            if not is_local(host):
                raise PermissionDeniedError(
                    f"This server asks for no key and so answers only under an address or 'localhost', not '{host}'; "
                    "to use a name, configure auth.keys.",
                    code="host_not_allowed",
                )
            if len(known) < KNOWN:
                known.add(host)
        behalf = header(scope, ON_BEHALF_OF)
        if behalf is not None and not is_loopback(behalf):
            raise PermissionDeniedError(
                "This server asks for no key and so answers only who is on this machine: configure auth.keys.",
                code="client_not_allowed",
            )
        await endpoint(scope, receive, send, request_id)

    known: set[str] = set()
    return guarded


def is_local(host: str) -> bool:
    """Whether a ``Host`` header names an IP address or ``localhost``, with any port."""
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost" or name.lower().endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own; what is none is not."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False

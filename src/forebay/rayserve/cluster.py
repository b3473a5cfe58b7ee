"""Brings a configuration onto a Ray cluster that is there already."""

import socket
from typing import Final

import ray
from ray import serve

from forebay.rayserve.deployments import deployed
from forebay.rayserve.parts import Source
from forebay.settings import Settings

NAME: Final = "forebay"
REACH_SECONDS: Final = 5.0


class NoClusterError(RuntimeError):
    """There is no cluster, or it could not be reached; the message names the remedy."""


class RefusedError(RuntimeError):
    """The cluster could not run it; the message says where the reason stands."""


def deploy(source: Source, settings: Settings, address: str) -> None:
    """Serve ``settings``, those of ``source``, on the cluster at ``address``, in place of what it served before.

    Returns when all replicas answer. What it served before answers until then.

    Raises:
        NoClusterError: there is none.
        RefusedError: replicas did not start.
    """
    try:
        _reach(address)
        ray.init(address, ignore_reinit_error=True, log_to_driver=False, logging_level="warning")
    except OSError:  # which ConnectionError is, too
        remedy = "Start one (ray start --head), or name one with --address."
        raise NoClusterError(f"No Ray cluster answers at '{address}'. {remedy}") from None
    serve.start(proxy_location="EveryNode", http_options={"host": settings.server.host, "port": settings.server.port})
    try:
        serve.run(deployed(source, settings), name=NAME, route_prefix="/")
    except RuntimeError as error:
        raise RefusedError(f"{error}\nThe replicas' own words: ray logs cluster, or {serve_logs()}") from None


def _reach(address: str) -> None:
    """See that somebody listens at ``HOST:PORT``: Ray itself would try for minutes.

    Raises:
        OSError: nobody does.
    """
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()


def serve_logs() -> str:
    """Where Ray Serve writes what its replicas say."""
    return "/tmp/ray/session_latest/logs/serve"  # noqa: S108  # Ray's

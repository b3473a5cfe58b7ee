"""Brings a configuration onto a Ray cluster that is there already."""

import socket
from collections.abc import Callable, Mapping
from typing import Final

import ray
from ray import serve

from forebay.rayserve.deployments import deployed
from forebay.rayserve.parts import Source, has_engines
from forebay.rayserve.waiting import LateError, Look, awaited, waits_for
from forebay.settings import ReplicaSettings, Settings

NAME: Final = "forebay"
REACH_SECONDS: Final = 5.0


class NoClusterError(RuntimeError):
    """There is no cluster, or it could not be reached; the message names the remedy."""


class RefusedError(RuntimeError):
    """The cluster could not run it; the message says where the reason stands."""


def deploy(source: Source, settings: Settings, address: str, say: Callable[[str], None], seconds: float) -> None:
    """Serve ``settings``, those of ``source``, on the cluster at ``address``, in place of what it served before.

    Returns when all replicas answer. What it served before answers until then. What it waits for it will ``say``.

    Raises:
        NoClusterError: there is none.
        RefusedError: replicas did not start, or not within ``seconds``.
    """
    try:
        _reach(address)
        ray.init(address, ignore_reinit_error=True, log_to_driver=False, logging_level="warning")
    except OSError:  # which ConnectionError is, too
        remedy = "Start one (ray start --head), or name one with --address."
        raise NoClusterError(f"No Ray cluster answers at '{address}'. {remedy}") from None
    serve.start(proxy_location="EveryNode", http_options={"host": settings.server.host, "port": settings.server.port})
    try:
        application, kinds = deployed(source, settings), _kinds(settings)
        awaited(
            lambda: serve.run(application, name=NAME, route_prefix="/"),
            lambda: waits_for(_look(kinds), kinds),
            say,
            seconds,
        )
    except LateError as error:
        raise RefusedError(f"{error}\nThe cluster goes on trying, and serves what it served before.") from None
    except RuntimeError as error:
        raise RefusedError(f"{error}\nThe replicas' own words: ray logs cluster, or {serve_logs()}") from None


def _kinds(settings: Settings) -> Mapping[str, ReplicaSettings]:
    """The deployments, by the names that Serve knows."""
    engines = {"engine": settings.ray.engines} if has_engines(settings) else {}
    return {"gateway": settings.ray.gateways, **engines}


def _look(kinds: Mapping[str, ReplicaSettings]) -> Look:
    application = serve.status().applications.get(NAME)
    deployments = application.deployments if application is not None else {}
    missing = {
        name: _missing(deployments[name].replica_states if name in deployments else {}, how.min)
        for name, how in kinds.items()
    }
    return Look(missing, ray.available_resources(), ray.cluster_resources())


def _missing(states: Mapping[str, int], least: int) -> int:
    """How many replicas start, or have yet to; in an update the old ones run beside them."""
    return states.get("STARTING", 0) or max(0, least - states.get("RUNNING", 0))


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

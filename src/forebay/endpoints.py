"""Which address answers what: the endpoints of one generation, in groups that a configuration may lack.

Each function gives paths, and for each path its methods.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from forebay.accounts import build_issuer
from forebay.api import reviews as reviews_api
from forebay.api import stored, tokenize, watermark
from forebay.api.adapters import AdapterEndpoints
from forebay.api.anthropic import messages
from forebay.api.audit import PATH as AUDIT_PATH
from forebay.api.audit import AuditEndpoint
from forebay.api.caches import PATH as CACHE_PATH
from forebay.api.caches import PREFIX as CACHE_PREFIX
from forebay.api.caches import CacheEndpoints
from forebay.api.conversations.exchange import Asker
from forebay.api.guards import check, moderations
from forebay.api.guards import guardrails as guardrails_api
from forebay.api.guards.guardrails import Guardrails
from forebay.api.hosts import only_local_hosts
from forebay.api.http import Endpoint
from forebay.api.inference import Inference
from forebay.api.keys import PATH as KEYS_PATH
from forebay.api.keys import PREFIX as KEY_PREFIX
from forebay.api.keys import KeyEndpoints
from forebay.api.login.cookies import Cookies, with_sessions
from forebay.api.login.session import PATH as SESSION_PATH
from forebay.api.login.session import SessionEndpoint, key_methods
from forebay.api.models import PREFIX as MODEL_PREFIX
from forebay.api.models import Models
from forebay.api.operations import Operations
from forebay.api.refusals import Refused
from forebay.api.requestlog import PATH as REQUESTS_PATH
from forebay.api.requestlog import PREFIX as REQUEST_PREFIX
from forebay.api.requestlog import RequestEndpoints
from forebay.api.requests import FORM_READERS, READERS
from forebay.api.responses import exchange as responses
from forebay.api.stored import Stored
from forebay.api.translated import Reader, Translated
from forebay.auth.trail import Trail
from forebay.core.ports import Authenticator, Handler
from forebay.core.prompts import Expand, as_it_is
from forebay.core.store import Store
from forebay.core.types import Operation
from forebay.gateway.adapters import AdapterManager
from forebay.gateway.cache.asked import Reader as CacheReader
from forebay.gateway.cache.warm import Warmer
from forebay.gateway.cooldown import trouble
from forebay.gateway.guarding.trial import Trial
from forebay.gateway.route import Route
from forebay.generation import Generation
from forebay.prompting import Prompting
from forebay.reviewing import Reviews
from forebay.settings import AuthSettings, IssuedKeySettings, ReviewSettings

if TYPE_CHECKING:  # an extra
    from forebay.login import Login

Endpoints = dict[str, dict[str, Endpoint]]


def caches(current: Generation, route: Route, authenticator: Authenticator, trail: Trail) -> Endpoints:
    """Reading, clearing and warming the cache."""
    settings, keeper = current.settings.cache, current.cache
    if settings is None or keeper is None:
        return {}
    caches = CacheEndpoints(
        authenticator, keeper, Warmer(route.model, CacheReader(settings, current.identities()), keeper), trail
    )
    return {
        CACHE_PATH: {"GET": caches.stats, "DELETE": caches.clear},
        CACHE_PREFIX: {"GET": caches.read, "DELETE": caches.delete, "POST": caches.warm},
    }


def inference(authenticator: Authenticator, ask: Handler, refused: Refused, expand: Expand) -> Endpoints:
    """What OpenAI's API asks models, each operation at its path; ``expand`` is for chats."""
    chats = (Operation.CHAT, Operation.COUNT)
    return {
        f"/v1/{operation.value}": {
            "POST": Inference(
                operation,
                read,
                authenticator,
                ask,
                FORM_READERS.get(operation),
                refused,
                expand if operation in chats else as_it_is,
            )
        }
        for operation, read in READERS.items()
    }


def files(authenticator: Authenticator, ask: Handler, refused: Refused) -> Endpoints:
    """Files and batches."""
    uploads = Stored(Operation.FILES, authenticator, ask, refused)
    batches = Stored(Operation.BATCHES, authenticator, ask, refused)
    return {
        "/v1/files": {"POST": uploads.upload, "GET": uploads.list},
        stored.prefix(Operation.FILES): {"GET": uploads.one, "DELETE": uploads.one},
        "/v1/batches": {"POST": batches.create, "GET": batches.list},
        stored.prefix(Operation.BATCHES): {"GET": batches.one, "POST": batches.one},
    }


def translations(authenticator: Authenticator, ask: Handler, refused: Refused, expand: Expand) -> Endpoints:
    """The APIs that are translated into ours: Anthropic's messages and OpenAI's responses; ``expand`` is for those."""
    anthropic: dict[str, Reader] = {messages.PATH: messages.Messages.read, messages.COUNT_PATH: messages.read_count}
    openai: dict[str, Reader] = {
        responses.PATH: responses.Responses.read,
        responses.COUNT_PATH: responses.read_count,
    }
    return {
        path: {"POST": Translated(read, authenticator, ask, id_headers, refused, into)}
        for readers, id_headers, into in ((anthropic, messages.ID_HEADERS, as_it_is), (openai, (), expand))
        for path, read in readers.items()
    }


def models(authenticator: Authenticator, route: Route, trail: Trail) -> Endpoints:
    """The models, their adapters and what they read."""
    manager = AdapterManager(route)
    listing = Models(route, manager, authenticator, int(time.time()))
    adapters = AdapterEndpoints(manager, authenticator, trail)
    return {
        "/v1/models": {"GET": listing.list},
        MODEL_PREFIX: {"GET": listing.show},
        tokenize.PATH: {"POST": tokenize.Tokenize(route, authenticator)},
        "/v1/load_lora_adapter": {"POST": adapters.load},
        "/v1/unload_lora_adapter": {"POST": adapters.unload},
    }


def watermarks(authenticator: Authenticator, route: Route, current: Generation) -> Endpoints:
    """Detecting marks; nothing where there is no key."""
    marked = current.marked
    if not (current.settings.watermark.keys or marked):
        return {}
    from forebay.detection import detection  # noqa: PLC0415  # NumPy comes with an extra

    return {watermark.PATH: {"POST": detection(current.settings.watermark, marked, route, authenticator)}}


def requests(requests: RequestEndpoints) -> Endpoints:
    """What became of requests."""
    return {REQUESTS_PATH: {"GET": requests.list}, REQUEST_PREFIX: {"GET": requests.one}}


def guards(authenticator: Authenticator, current: Generation) -> Endpoints:
    """What asks guards without a model; none where there is no guard."""
    if not current.policies.all:
        return {}
    trial = Trial(current.policies)
    guardrails = Guardrails(trial, authenticator)
    endpoints: Endpoints = {
        check.PATH: {"POST": check.GuardCheck(trial, authenticator).check},
        guardrails_api.PATH: {"GET": guardrails.list},
        guardrails_api.PREFIX: {"POST": guardrails.validate, "GET": guardrails.history},
    }
    if categories := current.settings.moderations:
        endpoints[moderations.PATH] = {"POST": moderations.Moderations(trial, authenticator, categories).answer}
    return endpoints


def operations(authenticator: Authenticator, current: Generation, figures: Callable[[], str]) -> Endpoints:
    """What whoever runs the server asks."""
    targets = [target for model in current.models.values() for target in model.targets]

    def failures() -> Mapping[str, str]:
        return {name: failure for name, provider in current.providers.items() if (failure := provider.failure())}

    def troubles() -> Mapping[str, str]:
        return {each.deployment.provider: why for each in targets if (why := trouble(each.live))}

    operations = Operations(authenticator, failures, troubles, figures)
    return {
        "/health": {"GET": operations.health, "HEAD": operations.health},
        "/ready": {"GET": operations.ready, "HEAD": operations.ready},
        "/metrics": {"GET": operations.metrics},
    }


def keys(authenticator: Authenticator, store: Store, settings: IssuedKeySettings | None) -> Endpoints:
    """The audit log, and issued keys where some are issued."""
    audit: Endpoints = {AUDIT_PATH: {"GET": AuditEndpoint(store.admin_log, authenticator).list}}
    if settings is None:
        return audit
    issued = KeyEndpoints(build_issuer(store, settings), store.usage, authenticator)
    return audit | {
        KEYS_PATH: {"GET": issued.list, "POST": issued.create},
        KEY_PREFIX: {"GET": issued.show, "POST": issued.rotate, "DELETE": issued.revoke},
    }


def reviews(authenticator: Authenticator, store: Store, settings: ReviewSettings | None) -> Endpoints:
    """Answers to review; nothing unless the configuration wants a queue."""
    if settings is None:
        return {}
    found = reviews_api.ReviewEndpoints(Reviews(store, settings), Asker(authenticator))
    return {reviews_api.PATH: {"GET": found.list}, reviews_api.PREFIX: {"GET": found.one, "POST": found.label}}


def sessions(settings: AuthSettings, login: "Login | None") -> Endpoints:
    """Logging in and out; where nobody can, whom a page is to ask for a key."""
    if login is not None:
        return login.endpoints()
    told = SessionEndpoint(Cookies(None), None, key_methods(settings), required=settings.required)
    return {SESSION_PATH: {"GET": told}}


def reachable(found: Endpoints, settings: AuthSettings, login: "Login | None") -> Endpoints:
    """``found`` for whomever the configuration lets in: browsers that are logged in, or who is on this machine."""
    if login is not None:
        cookies = login.cookies
        return {
            path: {method: with_sessions(endpoint, cookies) for method, endpoint in methods.items()}
            for path, methods in found.items()
        }
    if settings.required:
        return found
    return {
        path: {method: only_local_hosts(endpoint) for method, endpoint in methods.items()}
        for path, methods in found.items()
    }


def expansions(current: Generation, prompting: Prompting) -> tuple[Expand, Expand]:
    """What puts prompts into chats, and into responses."""
    if current.prompts is None:
        return as_it_is, as_it_is
    from forebay.gateway.prompts.expand import Expansion  # noqa: PLC0415  # an extra

    expansion = Expansion(lambda: prompting.shelf)
    return expansion.chat, expansion.response


def prompts(authenticator: Authenticator, current: Generation, prompting: Prompting, store: Store | None) -> Endpoints:
    """Prompts and their versions; nothing where there are to be none."""
    if current.prompts is None:
        return {}
    from forebay.api import prompts as api  # noqa: PLC0415  # an extra
    from forebay.gateway.prompts.editing import Editor  # noqa: PLC0415

    editor = Editor(store.prompts, store.admin_log, lambda: prompting.shelf) if store is not None else None
    found = api.Prompts(authenticator, lambda: prompting.shelf, editor)
    return {
        api.PATH: {"GET": found.list, "POST": found.create},
        api.PREFIX: {"GET": found.show, "PUT": found.put, "DELETE": found.delete},
    }

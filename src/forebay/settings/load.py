"""From a file to `Settings`: parse, read, and check what one part says about another."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from forebay.core.names import flaw
from forebay.core.types import ADAPTER_MARK
from forebay.settings.cache import with_long_cache
from forebay.settings.document import MAX_BYTES, Entries, Items, Node, Scalar, parse, shown
from forebay.settings.issuers import is_safe
from forebay.settings.problems import Problems, hint
from forebay.settings.reader import Reader
from forebay.settings.references import Command, References, run_command
from forebay.settings.schema import WILDCARD, ModelSettings, Settings
from forebay.settings.section import KIND

_DEPLOYMENTS, _STRATEGY = "deployments", "strategy"
_OF_MODELS = frozenset(ModelSettings.__struct_fields__)


def load_file(path: Path, environ: Mapping[str, str]) -> Settings:
    """The settings in the file at ``path``.

    Raises:
        SettingsError: it cannot be read, or something in it is wrong.
    """
    return load(file_text(path), source=str(path), environ=environ)


def file_text(path: Path) -> str:
    """What stands in the file at ``path``, a little more than a settings file may be at the most.

    Raises:
        SettingsError: it cannot be read.
    """
    problems = Problems(str(path))
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1).decode("utf-8-sig")
    except OSError as error:
        problems.add(0, "", f"cannot be read: {error.strerror or error}")
    except UnicodeDecodeError as error:
        problems.add(error.object[: error.start].count(b"\n") + 1, "", "is not in UTF-8")
    raise problems.error() from None


def load(text: str, *, source: str, environ: Mapping[str, str], command: Command = run_command) -> Settings:
    """The settings that ``text`` means; ``source`` names it in messages, ``environ`` is what ``${VAR}`` refers to.

    ``command`` gives what a ``${command:…}`` stands for.

    Raises:
        SettingsError: with everything that is wrong in it.
    """
    problems = Problems(source)
    root = with_long_cache(_in_long_form(parse(text, problems, References(environ, command))), problems)
    _check_providers(root, problems)
    _check_models(root, problems)
    _check_fallbacks(root, problems)
    _check_keys(root, problems)
    _check_cors(root, problems)
    _check_issued_keys(root, problems)
    _check_issuers(root, problems)
    _check_login(root, problems)
    _check_prices(root, problems)
    _check_files(root, problems)
    _check_policies(root, problems)
    settings: Settings = Reader(problems).read(root, Settings)
    problems.settle()
    return msgspec.structs.replace(settings, models={name: _named(name, m) for name, m in settings.models.items()})


def _in_long_form(root: Node) -> Node:
    """The tree with ``NAME: {provider: …}`` of `models` written as ``NAME: {deployments: [{provider: …}]}``.

    And ``strategy: NAME`` as ``strategy: {kind: NAME}``.
    """
    models = _child(root, "models")
    if not isinstance(root, Entries) or not isinstance(models, Entries):
        return root
    longer = msgspec.structs.replace(models, entries={name: _long(model) for name, model in models.entries.items()})
    return msgspec.structs.replace(root, entries={**root.entries, "models": longer})


def _long(model: Node) -> Node:
    if not isinstance(model, Entries):
        return model
    entries = {key: _kind(entry) if key == _STRATEGY else entry for key, entry in model.entries.items()}
    if _DEPLOYMENTS in entries:
        return msgspec.structs.replace(model, entries=entries)
    own = {key: entry for key, entry in entries.items() if key in _OF_MODELS}
    only = {key: entry for key, entry in entries.items() if key not in _OF_MODELS}
    deployments = Items(model.line, model.path, (msgspec.structs.replace(model, entries=only),))
    lines = {**model.lines, _DEPLOYMENTS: model.line}
    return msgspec.structs.replace(model, entries={_DEPLOYMENTS: deployments, **own}, lines=lines)


def _kind(strategy: Node) -> Node:
    if not isinstance(strategy, Scalar) or strategy.value is None:
        return strategy
    return Entries(strategy.line, strategy.path, {KIND: strategy}, {KIND: strategy.line})


def _named(name: str, model: ModelSettings) -> ModelSettings:
    default = "*" if name.endswith(WILDCARD) else name
    deployments = tuple(msgspec.structs.replace(each, model=each.model or default) for each in model.deployments)
    return msgspec.structs.replace(model, deployments=deployments)


def _check_providers(root: Node, problems: Problems) -> None:
    """Every deployment names a provider that is configured."""
    known = [name for name, _ in _entries(_child(root, "providers"))]
    for _, model in _entries(_child(root, "models")):
        for deployment in _items(_child(model, _DEPLOYMENTS)):
            provider = _child(deployment, "provider")
            name = _text(provider)
            if provider is not None and name and name not in known:
                what = f"unknown provider{_shown(provider)}"
                problems.add(provider.line, provider.path, what + (hint(name, known) or "; none is configured"))


def _check_prices(root: Node, problems: Problems) -> None:
    """A price is that of a model at a provider that is configured."""
    known = [name for name, _ in _entries(_child(root, "providers"))]
    for name, price in _entries(_child(root, "prices")):
        provider, _, model = name.partition("/")
        if not model:
            problems.add(price.line, price.path, "a price is for 'provider/model', or 'provider/*' for all its models")
        elif provider not in known:
            what = f"unknown provider '{shown(provider)}'"
            problems.add(price.line, price.path, what + (hint(provider, known) or "; none is configured"))


def _check_files(root: Node, problems: Problems) -> None:
    """The files and batches of a tenant are at a provider that is configured."""
    known = [name for name, _ in _entries(_child(root, "providers"))]
    for name, tenant in _entries(_child(root, "files")):
        if name not in known:
            what = f"unknown provider '{shown(name)}'"
            problems.add(tenant.line, tenant.path, what + (hint(name, known) or "; none is configured"))


def _check_policies(root: Node, problems: Problems) -> None:
    """Policies and moderations name guards and models that are configured."""
    policies = _child(root, "policies")
    guards = [name for name, _ in _entries(_child(root, "guards"))]
    models = [name for name, _ in _entries(_child(root, "models"))]
    lists = [_child(policies, "everywhere"), *(names for _, names in _entries(_child(root, "moderations")))]
    for scope in ("tenants", "keys", "models"):
        lists += [names for _, names in _entries(_child(policies, scope))]
    for each in (name for names in lists for name in _items(names)):
        if _text(each) and _text(each) not in guards:
            what = f"unknown guard{_shown(each)}{hint(_text(each), guards) or '; none is configured'}"
            problems.add(each.line, each.path, what)
    for model, names in _entries(_child(policies, "models")):
        if not _offered(model, models):
            problems.add(names.line, names.path, f"unknown model '{shown(model)}'{hint(model, models)}")


def _check_models(root: Node, problems: Problems) -> None:
    """A model's name can be asked for; a ``*`` stands only at its end."""
    for name, model in _entries(_child(root, "models")):
        if wrong := flaw(name):
            problems.add(model.line, model.path, f"a model's name {wrong}")
        if "*" in name.removesuffix(WILDCARD):
            problems.add(model.line, model.path, "'*' may stand in a model's name only as its end, after a '/'")


def _check_fallbacks(root: Node, problems: Problems) -> None:
    """A model falls back to others that are configured."""
    models = [name for name, _ in _entries(_child(root, "models"))]
    for name, model in _entries(_child(root, "models")):
        for _, others in _entries(_child(model, "fallbacks")):
            for other in _items(others):
                if _text(other) == name:
                    problems.add(other.line, other.path, "is the model itself; name another one")
                elif _text(other) and not _offered(_text(other), models):
                    problems.add(other.line, other.path, f"unknown model{_shown(other)}{hint(_text(other), models)}")


def _check_keys(root: Node, problems: Problems) -> None:
    """No two keys are the same, nor have the same name; they name models that are configured."""
    models = [name for name, _ in _entries(_child(root, "models"))]
    seen: dict[tuple[str, str], Node] = {}
    for key in _items(_child(_child(root, "auth"), "keys")):
        for field in ("key", "name"):
            node = _child(key, field)
            first = seen.setdefault((field, _text(node)), node) if node and _text(node) else node
            if node is not None and first is not None and first is not node:
                problems.add(node.line, node.path, f"is the same as {first.path} in line {first.line}")
        for node in _items(_child(key, "models")):
            if models and _text(node) and not _offered(_text(node), models):
                problems.add(node.line, node.path, f"unknown model{_shown(node)}{hint(_text(node), models)}")


def _check_cors(root: Node, problems: Problems) -> None:
    """Not every page in the world may ask a server that asks nobody who they are."""
    auth = _child(root, "auth")
    asks = any(_child(auth, name) is not None for name in ("keys", "issued_keys", "issuers"))
    for origin in _items(_child(_child(_child(root, "server"), "cors"), "origins")):
        if _text(origin) == "*" and not asks:
            problems.add(origin.line, origin.path, "'*' needs 'auth': else any web page could use your models")


def _check_issued_keys(root: Node, problems: Problems) -> None:
    """Keys that are issued are kept somewhere."""
    issued = _child(_child(root, "auth"), "issued_keys")
    if isinstance(issued, Entries) and not isinstance(_child(root, "store"), Entries):
        problems.add(issued.line, issued.path, "needs a 'store' to keep the keys in, such as 'store: {}'")


def _check_issuers(root: Node, problems: Problems) -> None:
    """Each issuer is there once, and has a way to show that a token is its own; a secret goes with HS256 only."""
    seen: dict[str, Node] = {}
    for each in _items(_child(_child(root, "auth"), "issuers")):
        name = _child(each, "issuer")
        if name is not None and _text(name) and seen.setdefault(_text(name), name) is not name:
            problems.add(name.line, name.path, f"is the same as {seen[_text(name)].path}")
        algorithms = {_text(one) for one in _items(_child(each, "algorithms"))} or {"RS256"}
        has_secret, has_keys = _child(each, "secret") is not None, _child(each, "jwks_uri") is not None
        has_keys = has_keys or _child(each, "introspection") is not None
        if algorithms - {"HS256"} and not has_keys and name is not None and not is_safe(_text(name)):
            problems.add(each.line, each.path, "needs a 'jwks_uri': its name is no HTTPS address that would tell it")
        if ("HS256" in algorithms) != has_secret:
            problems.add(each.line, each.path, "HS256 in 'algorithms' and a 'secret' of 32 bytes or more go together")


def _check_login(root: Node, problems: Problems) -> None:
    """Sessions are kept somewhere, and begin somehow; who sends browsers elsewhere says whither they come back."""
    auth = _child(root, "auth")
    has_store = isinstance(_child(root, "store"), Entries)
    login, server = _child(auth, "login"), _child(auth, "server")
    if isinstance(login, Entries):
        provider = _child(login, "provider")
        if not has_store:
            problems.add(login.line, login.path, "needs a 'store' to keep the sessions in, such as 'store: {}'")
        if provider is None and _child(login, "password") is None:
            problems.add(login.line, login.path, "needs a 'provider', or a 'password' (see 'forebay password')")
        if provider is not None and not _text(_child(auth, "resource")):
            problems.add(provider.line, provider.path, "needs 'auth.resource': where it sends browsers back to")
    if isinstance(server, Entries):
        if _child(auth, "issued_keys") is None:
            problems.add(server.line, server.path, "needs 'auth.issued_keys': they are its clients")
        if not _text(_child(auth, "resource")):
            problems.add(server.line, server.path, "needs 'auth.resource': it is the name of the issuer")


def _offered(name: str, models: list[str]) -> bool:
    base, mark, _ = name.rpartition(ADAPTER_MARK)
    return (
        name in models
        or bool(mark and base in models)
        or any(model.endswith(WILDCARD) and name.startswith(model.removesuffix("*")) for model in models)
    )


def _child(node: Node | None, key: str) -> Node | None:
    return node.entries.get(key) if isinstance(node, Entries) else None


def _entries(node: Node | None) -> Iterator[tuple[str, Node]]:
    return iter(node.entries.items() if isinstance(node, Entries) else ())


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, Items) else ()


def _text(node: Node | None) -> str:
    if isinstance(node, Scalar) and (node.expanded or isinstance(node.value, str)):
        return node.text
    return ""


def _shown(node: Node) -> str:
    return f" '{shown(node.text)}'" if isinstance(node, Scalar) and not node.expanded else ""

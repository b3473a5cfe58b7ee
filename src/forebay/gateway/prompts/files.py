"""Reads prompts from files: YAML, or Markdown whose front matter is YAML and whose text is the system's message.

A file is one version of one prompt. What it holds beside a `Draft` are its ``version`` (1 by default) and its
``labels``: a list, or each with its weight, where several versions share one.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from forebay.core.prompts import Collection, Draft, Label, Name, Prompt, Weight
from forebay.gateway.prompts.variables import FaultyPromptError, check

MARKDOWN, YAML = (".md", ".markdown"), (".yaml", ".yml")
MOST_BYTES: Final = 1024 * 1024
MOST_FILES: Final = 1000
FENCE: Final = "---"
OWN: Final = ("version", "labels")


class Head(msgspec.Struct, frozen=True):
    """What a file says of its prompt beside the prompt itself."""

    version: int = 1
    labels: list[Name] | dict[Name, Weight] = []


class Filed(msgspec.Struct, frozen=True):
    """A prompt out of a file, with the weights of its labels."""

    path: Path
    prompt: Prompt
    labels: Mapping[str, float]


def read_folder(folder: Path) -> Sequence[Filed]:
    """Every prompt in ``folder`` and the folders in it, by path.

    Raises:
        FaultyPromptError: it is no folder, or a file in it is no prompt; the message names the file.
    """
    if not folder.is_dir():
        raise FaultyPromptError(f"{folder} is no folder")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (*MARKDOWN, *YAML) and path.is_file())
    if len(paths) > MOST_FILES:
        raise FaultyPromptError(f"{folder} has more than {MOST_FILES} files")
    found = [read_file(path) for path in paths if path.name.lower() != "readme.md"]
    seen: dict[str, Path] = {}
    for each in found:
        if (first := seen.setdefault(each.prompt.name, each.path)) is not each.path:
            raise FaultyPromptError(f"{each.path}: {first} is version {each.prompt.version} of this prompt already")
    return found


def read_file(path: Path) -> Filed:
    """The prompt in the file at ``path``.

    Raises:
        FaultyPromptError: it cannot be read, or is none; the message names the file.
    """
    try:
        return _filed(path, _fields(_text(path), path))
    except OSError as error:
        raise FaultyPromptError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FaultyPromptError(f"{path}: is not in UTF-8") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise FaultyPromptError(f"{path}: is not valid YAML: {_first_line(error)}") from None
    except (msgspec.ValidationError, FaultyPromptError) as error:
        raise FaultyPromptError(f"{path}: {error}") from None


def collected(files: Sequence[Filed]) -> Collection:
    """Their prompts and labels."""
    shares: dict[tuple[str, str], dict[int, float]] = {}
    for each in files:
        for label, weight in each.labels.items():
            shares.setdefault((each.prompt.draft.id, label), {})[each.prompt.version] = weight
    labels = [Label("", identity, name, found) for (identity, name), found in shares.items()]
    return Collection([each.prompt for each in files], labels)


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise FaultyPromptError("is larger than 1 MiB")
    return data.decode("utf-8-sig")


def _filed(path: Path, fields: dict[str, Any]) -> Filed:
    head = msgspec.convert({name: fields[name] for name in OWN if name in fields}, Head)
    rest = {name: value for name, value in fields.items() if name not in OWN}
    draft = msgspec.convert({"id": path.stem, **rest}, Draft)
    check(draft)
    if head.version < 1:
        raise FaultyPromptError("'version' must be at least 1")
    labels = dict.fromkeys(head.labels, 1.0) if isinstance(head.labels, list) else head.labels
    return Filed(path, Prompt(draft, head.version), labels)


def _fields(text: str, path: Path) -> dict[str, Any]:
    if path.suffix.lower() in YAML:
        return _mapping(text)
    lines = iter(text.splitlines(keepends=True))
    if next(lines, "").rstrip() != FENCE:
        raise FaultyPromptError(f"does not begin with '{FENCE}' and its front matter")
    fields = _mapping("".join(_until_fence(lines)))
    body = "".join(lines).strip()
    if body:
        fields["messages"] = [{"role": "system", "content": body}, *(fields.get("messages") or [])]
    return fields


def _until_fence(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.rstrip() == FENCE:
            return
        yield line
    raise FaultyPromptError(f"its front matter has no end: a line '{FENCE}'")


def _mapping(text: str) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=loader)):
        raise FaultyPromptError("aliases ('*name') are not supported; write the value itself")
    found = yaml.load(text, Loader=loader)  # noqa: S506  # both are safe loaders
    if not isinstance(found, dict):
        raise FaultyPromptError("holds no mapping")
    return {str(name): value for name, value in found.items()}


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "it cannot be read"
    return f"{what} (line {mark.line + 1})" if mark is not None else what

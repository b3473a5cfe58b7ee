"""A foreign YAML file as plain values, within bounds: aliases are followed, but may not make more of it than it is."""

from typing import Any, Final

import yaml

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 14
MAX_VALUES: Final = 50_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ForeignError(Exception):
    """A file that cannot be read as what it should be; the message is for people."""


def read(text: str) -> dict[str, Any]:
    """The mapping that ``text`` means; keys are strings, values are strings, numbers, booleans, ``None``, or of those.

    Raises:
        ForeignError: it is no YAML, no mapping, or too much.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise ForeignError(f"is larger than {MAX_BYTES // 1024} KiB")
    try:
        found = yaml.load(text, Loader=_LOADER)  # noqa: S506  # a safe loader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ForeignError(f"is not valid YAML: {line}{error.problem or 'it cannot be read'}") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError):
        raise ForeignError("is not valid YAML") from None
    plain = _Plain().of(found if found is not None else {}, 1)
    if not isinstance(plain, dict):
        raise ForeignError("is no mapping; expected LiteLLM's 'model_list', 'litellm_settings' and so on")
    return plain


class _Plain:
    """Counts what it copies, so that aliases cannot expand without end."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def of(self, value: Any, depth: int) -> Any:  # noqa: ANN401  # whatever stood there
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise ForeignError(f"has more than {MAX_VALUES} values, or more than {MAX_DEPTH} within each other")
        if isinstance(value, dict):
            return {_printable(str(key)): self.of(each, depth + 1) for key, each in value.items()}
        if isinstance(value, (list, tuple, set)):
            return [self.of(each, depth + 1) for each in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return _printable(str(value))


def _printable(text: str) -> str:
    """Without what no YAML of ours may hold: control characters, and halves of characters."""
    return "".join(each for each in text if each.isprintable() or each in "\n\t")

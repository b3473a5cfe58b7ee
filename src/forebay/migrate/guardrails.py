"""LiteLLM's guardrails as Forebay's guards, where there is an equal; the others are named.

Source: LiteLLM's documentation, "Guardrails".
"""

from typing import Any, Final

from forebay.migrate.notes import Fields, Notes, quoted

Options = dict[str, Any]

_PLACES: Final = {
    "pre_call": ("input", "tool_results"),
    "during_call": ("input", "tool_results"),
    "post_call": ("output", "tool_args"),
}
_PRESIDIO: Final = (
    "PERSON",
    "LOCATION",
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "CREDIT_CARD",
    "IBAN_CODE",
    "IP_ADDRESS",
    "US_SSN",
)
_NEAREST: Final = {
    "guardrails_ai": "run its validators by the kind 'guardrails_ai': docs/validators.md",
    "lakera": "the nearest kind is 'jailbreak': docs/validators.md",
    "lakera_v2": "the nearest kind is 'jailbreak': docs/validators.md",
    "azure/prompt_shield": "the nearest kind is 'jailbreak': docs/validators.md",
    "aporia": "the nearest kinds are 'judge' and 'pii', or 'remote' for a server of yours: docs/validators.md",
    "bedrock": "the nearest kinds are 'judge', 'topics' and 'pii': docs/validators.md",
    "openai_moderation": "the nearest kind is 'judge': docs/validators.md",
    "litellm_content_filter": "the nearest kinds are 'regex', 'ban_list' and 'pii': docs/validators.md",
    "tool_permission": "guards judge what tools are called with: docs/guards.md",
}
_ELSE: Final = "docs/validators.md lists the kinds; 'remote' asks a server of yours"


class Guardrails:
    """Reads the list ``guardrails`` of the ``root``, and the older one of LiteLLM's ``library`` section."""

    def __init__(self, root: Fields, library: Fields, notes: Notes) -> None:
        self._listed = root.items("guardrails")
        self._older = library.items("guardrails")
        self._notes = notes

    def section(self) -> Options:
        """The section ``guards``."""
        guards: Options = {}
        for path, value in self._listed:
            fields = Fields(value, path, self._notes)
            name = fields.text("guardrail_name")
            made = self._guards(fields.below("litellm_params"), path)
            if made and not name.isidentifier():
                name = ""
            for suffix, options in made.items():
                guards[_free(f"{name or options['kind']}{suffix}", guards)] = options
            fields.take("guardrail_info")
            fields.tell("is no setting of a guard")
        for path, _ in self._older:
            self._notes.add(path, "is an older kind of guardrail of LiteLLM's", _ELSE)
        return guards

    def _guards(self, params: Fields, path: str) -> dict[str, Options]:
        """The guards that ``params`` mean, each by what its name ends in."""
        kind = params.text("guardrail")
        if kind not in ("presidio", "hide-secrets", "hide_secrets"):
            for name in params.names():
                params.take(name)
            what = quoted(kind) if kind else "it names none, and"
            self._notes.add(path, f"{what} is no guard of Forebay's: requests are not judged by it", _remedy(kind))
            return {}
        places = self._places(params)
        if not places:
            return {}
        if params.take("default_on") is not True:
            self._notes.add(
                params.at("default_on"),
                "is not true, and in Forebay a guard holds everywhere",
                "say in 'policies' for whom it is: docs/guards.md",
            )
        made = self._presidio(params, places) if kind == "presidio" else {"": {"kind": "secrets", "on": places}}
        params.tell("has no counterpart in Forebay's guards", "see docs/validators.md")
        return made

    def _places(self, params: Fields) -> list[str]:
        """Where the guard stands."""
        mode = params.take("mode")
        modes = mode if isinstance(mode, list) else [mode]
        known = [each for each in modes if isinstance(each, str) and each in _PLACES]
        if len(known) < len(modes):
            self._notes.add(
                params.at("mode"), "names no place that a guard of Forebay's can stand at", "see 'on' in docs/guards.md"
            )
        return [*dict.fromkeys(place for each in known for place in _PLACES[each])]

    def _presidio(self, params: Fields, places: list[str]) -> dict[str, Options]:
        """What is masked and what is refused are two guards."""
        wanted = params.take("pii_entities_config")
        entities = {str(name): action for name, action in wanted.items()} if isinstance(wanted, dict) else {}
        if not entities:
            self._notes.add(
                params.at("pii_entities_config"), "is not there: the new file names Presidio's usual entities"
            )
        actions = entities or dict.fromkeys(_PRESIDIO, "MASK")
        common: Options = {"kind": "presidio", "on": places}
        language = params.text("presidio_language")
        if language and language != "en":
            self._notes.add(
                params.at("presidio_language"), "needs a model of spaCy's", "see 'presidio' in docs/validators.md"
            )
        if params.take("output_parse_pii") is not True:
            common["masks"] = "permanent"
        for name in ("presidio_analyzer_api_base", "presidio_anonymizer_api_base"):
            if params.take(name) is not None:
                self._notes.add(
                    params.at(name), "is not asked: Forebay runs Presidio itself", "install forebay[presidio]"
                )
        blocked = [name for name, action in actions.items() if action == "BLOCK"]
        masked = [name for name in actions if name not in blocked]
        made: dict[str, Options] = {}
        if masked:
            made[""] = {**common, "entities": masked}
        if blocked:
            made["_block"] = {**common, "entities": blocked, "on_fail": "exception"}
        return made


def _remedy(kind: str) -> str:
    return _NEAREST.get(kind, _ELSE)


def _free(name: str, taken: Options) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found

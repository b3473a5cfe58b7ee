"""Keeps new versions of prompts and moves labels; every change is noted with who made it."""

import secrets
import time
from collections.abc import Callable, Mapping

from forebay.core.errors import ConflictError, InvalidRequestError
from forebay.core.keys import AdminAction, AdminLog
from forebay.core.prompts import Draft, Label, Prompt, PromptBook
from forebay.core.types import Principal
from forebay.gateway.prompts.shelf import Shelf
from forebay.gateway.prompts.variables import FaultyPromptError, check


class Editor:
    """Changes the prompts of a store; those of the configuration are changed by their files only."""

    def __init__(self, book: PromptBook, log: AdminLog, shelf: Callable[[], Shelf]) -> None:
        self._book = book
        self._log = log
        self._shelf = shelf

    async def add(self, draft: Draft, by: Principal) -> Prompt:
        """Keep ``draft`` as the next version; the latest one, if that says the same.

        Raises:
            InvalidRequestError: it contradicts itself.
            ConflictError: the configuration has a prompt of that id.
            UnavailableError: it cannot be kept now.
        """
        self._refuse_configured(draft.id)
        try:
            check(draft)
        except FaultyPromptError as error:
            raise InvalidRequestError(f"The prompt contradicts itself: {error}.") from None
        now = time.time()
        prompt = await self._book.add(draft, by.tenant, now, by.name)
        if prompt.created == now:
            await self._note(by, "prompt.create", draft.id, {"version": prompt.version})
        return prompt

    async def label(self, identity: str, name: str, shares: Mapping[int, float], by: Principal) -> Label:
        """Let the label ``name`` stand for versions, each with its weight; for none: take it away.

        Raises:
            InvalidRequestError: its name is a number, which would be taken for a version.
            NotFoundError: there is no such prompt, or version.
            ConflictError: the prompt is one of the configuration.
            UnavailableError: it cannot be kept now.
        """
        self._refuse_configured(identity)
        if name.isdigit():
            raise InvalidRequestError("A label is no number: that would be a version.", param="label")
        known = Shelf(await self._book.all())
        known.versions(by.tenant, identity)
        for version in shares:
            known.version(by.tenant, identity, version)
        label = Label(by.tenant, identity, name, shares)
        await self._book.label(label)
        told = {str(version): weight for version, weight in shares.items()}
        await self._note(by, "prompt.label", identity, {"label": name, "versions": told})
        return label

    def _refuse_configured(self, identity: str) -> None:
        if self._shelf().is_configured(identity):
            raise ConflictError(f"The prompt '{identity}' is in the configuration's folder: change its file.")

    async def _note(self, by: Principal, action: str, target: str, details: Mapping[str, object]) -> None:
        noted = AdminAction(secrets.token_hex(12), time.time(), by.name, by.tenant, action, target, details)
        await self._log.add(noted)

"""The tables of prompts and their labels."""

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import and_, delete, func, select

from forebay.core.prompts import Collection, Draft, Label, Prompt
from forebay.store.database import Database
from forebay.store.tables_prompts import PROMPT_LABELS, PROMPTS
from forebay.store.versions import changed, version

_NAME: Final = "prompts"
_JSON: Final = msgspec.json.Encoder(order="sorted")


class PromptTable:
    """A `PromptBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def version(self) -> int:
        """Another number after every change."""
        async with self._database.reading() as connection:
            return await version(connection, _NAME)

    async def all(self) -> Collection:
        """Every prompt in every version, and every label."""
        async with self._database.reading() as connection:
            prompts = (await connection.execute(select(PROMPTS))).mappings()
            found = [
                Prompt(
                    msgspec.json.decode(row["draft"], type=Draft),
                    row["version"],
                    row["tenant"],
                    row["created"],
                    row["author"],
                )
                for row in prompts
            ]
            labels = (await connection.execute(select(PROMPT_LABELS))).mappings()
            return Collection(
                found, [Label(row["tenant"], row["id"], row["name"], _shares(row["shares"])) for row in labels]
            )

    async def add(self, draft: Draft, tenant: str, created: float, author: str) -> Prompt:
        """Keep ``draft`` as the next version; the latest one, if that says the same."""
        text = _JSON.encode(draft).decode()
        same = and_(PROMPTS.c.tenant == tenant, PROMPTS.c.id == draft.id)
        async with self._database.changing() as connection:
            await changed(connection, _NAME)  # first of all: who else writes waits for this row, and then sees ours
            latest = (await connection.execute(select(func.max(PROMPTS.c.version)).where(same))).scalar() or 0
            before = select(PROMPTS).where(same, PROMPTS.c.version == latest)
            row = (await connection.execute(before)).mappings().first()
            if row is not None and row["draft"] == text:
                return Prompt(draft, latest, tenant, row["created"], row["author"])
            prompt = Prompt(draft, latest + 1, tenant, created, author)
            fields = {"tenant": tenant, "id": draft.id, "version": prompt.version, "draft": text}
            await connection.execute(PROMPTS.insert().values(**fields, created=created, author=author))
            return prompt

    async def label(self, label: Label) -> None:
        """From now on the label of that name is this one; without shares it is gone."""
        columns = PROMPT_LABELS.c
        same = and_(columns.tenant == label.tenant, columns.id == label.id, columns.name == label.name)
        async with self._database.changing() as connection:
            await changed(connection, _NAME)
            await connection.execute(delete(PROMPT_LABELS).where(same))
            if label.shares:
                shares = msgspec.json.encode(label.shares).decode()
                fields = {"tenant": label.tenant, "id": label.id, "name": label.name, "shares": shares}
                await connection.execute(PROMPT_LABELS.insert().values(**fields))


def _shares(text: str) -> Mapping[int, float]:
    return msgspec.json.decode(text, type=dict[int, float])

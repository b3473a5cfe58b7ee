"""From settings to conversations: who keeps them, and which addresses ask for them."""

from forebay.api.conversations import endpoints as conversations
from forebay.api.conversations import feedback
from forebay.api.conversations import responses as stored
from forebay.api.conversations.asked import Asked
from forebay.api.conversations.exchange import Asker
from forebay.api.conversations.items import ItemEndpoints
from forebay.api.conversations.keeper import Keeper
from forebay.api.conversations.respond import Respond
from forebay.api.http import Endpoint
from forebay.api.refusals import Refused
from forebay.api.responses import exchange as responses
from forebay.core.ports import Authenticator, Handler
from forebay.core.prompts import Expand
from forebay.core.store import Store
from forebay.settings import StoreSettings

Endpoints = dict[str, dict[str, Endpoint]]


class Conversing:
    """What lives as long as the process; without a store it is nothing."""

    def __init__(self, store: Store | None, settings: StoreSettings | None) -> None:
        self._keeper = Keeper(store, settings.conversations) if store is not None and settings is not None else None

    async def start(self) -> None:
        """Begin to write down what is said."""
        if self._keeper is not None:
            await self._keeper.start()

    async def close(self) -> None:
        """Write down what has been said."""
        if self._keeper is not None:
            await self._keeper.close()

    def endpoints(
        self, authenticator: Authenticator, ask: Handler, refused: Refused, expand: Expand, asked: Asked
    ) -> Endpoints:
        """Conversations, responses that are kept, feedback on what was ``asked``."""
        keeper = self._keeper
        if keeper is None:
            return {}
        store, asker = keeper.store, Asker(authenticator)
        all_of_them = conversations.ConversationEndpoints(
            store.conversations, asker, ItemEndpoints(store.conversations, asker)
        )
        kept = stored.ResponseEndpoints(store.responses, asker)
        opinions = feedback.FeedbackEndpoints(store.feedback, store.conversations, store.responses, asked, asker)
        return {
            responses.PATH: {"POST": Respond(keeper, authenticator, ask, refused, expand)},
            stored.PREFIX: {"GET": kept.read, "POST": kept.write, "DELETE": kept.delete},
            conversations.PATH: {"GET": all_of_them.list, "POST": all_of_them.create},
            conversations.IMPORT_PATH: {"POST": all_of_them.bring},
            conversations.PREFIX: {"GET": all_of_them.read, "POST": all_of_them.write, "DELETE": all_of_them.delete},
            feedback.PATH: {"GET": opinions.list, "POST": opinions.create},
            feedback.PREFIX: {"DELETE": opinions.delete},
        }

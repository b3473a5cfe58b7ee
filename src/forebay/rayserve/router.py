"""Which engine replica a request goes to: one that has its adapter, and of these one that has its prompt's beginning.

A replica that is full is passed over by Serve, which then takes the next best.
"""

import random

from ray.serve.request_router import (
    LocalityMixin,
    MultiplexMixin,
    PendingRequest,
    ReplicaID,
    ReplicaResult,
    RequestRouter,
    RunningReplica,
)

from forebay.gateway.strategies.prefix_aware import PrefixAwareSettings, chain
from forebay.rayserve.asked import Asked
from forebay.rayserve.prompts import SentPrompts


class PrefixRouter(LocalityMixin, MultiplexMixin, RequestRouter):  # type: ignore[misc]  # Ray may not be installed
    """One for each gateway replica."""

    def initialize_state(self, beta: float) -> None:
        """Begin without any memory; ``beta`` is the weight of load."""
        self._settings = PrefixAwareSettings(beta=beta)
        self._prompts: SentPrompts[ReplicaID] = SentPrompts(self._settings)

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """All candidates, best first, each for itself."""
        if pending_request is None:
            return [candidate_replicas]
        replicas = self._candidates(candidate_replicas, pending_request)
        loads = {name: self.replica_queue_len_cache.get(name) or 0 for name in replicas}
        return [[replicas[name]] for name in self._prompts.ranked(self._pieces(pending_request), loads)]

    def on_request_routed(
        self,
        pending_request: PendingRequest,
        replica_id: ReplicaID,
        result: ReplicaResult,  # noqa: ARG002  # Ray's signature
    ) -> None:
        """Remember what went where."""
        self._prompts.sent(replica_id, self._pieces(pending_request))

    def update_replicas(self, replicas: list[RunningReplica]) -> None:
        """Forget what was sent to replicas that are gone."""
        super().update_replicas(replicas)
        self._prompts.keep({each.replica_id for each in replicas})

    def _candidates(self, replicas: list[RunningReplica], request: PendingRequest) -> dict[ReplicaID, RunningReplica]:
        """Those that may answer, in an order of chance, which decides among equals."""
        if request.metadata.multiplexed_model_id:
            allowed = self.apply_multiplex_routing(pending_request=request)
        else:
            allowed = set(self.curr_replicas)
            request.routing_context.should_backoff = True  # as Serve's own mixins say it: these are all there are
        found = [each for each in replicas if each.replica_id in allowed]
        random.shuffle(found)
        return {each.replica_id: each for each in found}

    def _pieces(self, request: PendingRequest) -> list[int]:
        asked: Asked = request.args[0]
        return chain(asked.body, asked.model, self._settings.piece, self._settings.longest)

"""What Ray Serve is told: which deployments there are, how many replicas of each, and how one is replaced."""

from typing import Any, Final

from ray import serve
from ray.serve.config import AutoscalingConfig, AutoscalingPolicy, RequestRouterConfig

from forebay.rayserve.engine import Engine
from forebay.rayserve.gateway import Gateway
from forebay.rayserve.parts import Source, has_engines
from forebay.rayserve.router import PrefixRouter
from forebay.rayserve.scaling import EnginePolicy
from forebay.settings import RaySettings, ReplicaSettings, Settings

POLICY: Final = f"{EnginePolicy.__module__}:{EnginePolicy.__name__}"
ROUTER: Final = f"{PrefixRouter.__module__}:{PrefixRouter.__name__}"
# A replica that leaves looks so often whether its last request has ended.
DRAIN_EVERY: Final = 0.5
HEALTH_EVERY: Final = 5.0
HEALTH_PATIENCE: Final = 15.0


def deployed(source: Source, settings: Settings) -> serve.Application:
    """The application that ``settings``, which are those of ``source``, describe."""
    if not has_engines(settings):
        return _gateways(settings).bind(source)
    return _gateways(settings).bind(source, _engines(settings).bind(source, settings.ray.engines.adapters))


def _gateways(settings: Settings) -> serve.Deployment:
    how = settings.ray.gateways
    scaling = _scaling(settings.ray, how)
    deployment: serve.Deployment = serve.deployment(
        serve.ingress()(Gateway), name="gateway", autoscaling_config=scaling, **_replicas(settings, how)
    )
    return deployment


def _engines(settings: Settings) -> serve.Deployment:
    how = settings.ray.engines
    policy = AutoscalingPolicy(policy_function=POLICY, policy_kwargs={"kv_use": how.kv_use})
    deployment: serve.Deployment = serve.deployment(
        Engine,
        name="engine",
        autoscaling_config=_scaling(settings.ray, how, policy=policy),
        request_router_config=RequestRouterConfig(
            request_router_class=ROUTER, request_router_kwargs={"beta": how.beta}
        ),
        **_replicas(settings, how),
    )
    return deployment


def _scaling(ray: RaySettings, how: ReplicaSettings, **more: Any) -> AutoscalingConfig:  # noqa: ANN401  # Serve's
    return AutoscalingConfig(
        min_replicas=how.min,
        max_replicas=how.max or how.min,
        target_ongoing_requests=how.requests,
        upscale_delay_s=ray.upscale,
        downscale_delay_s=ray.downscale,
        **more,
    )


def _replicas(settings: Settings, how: ReplicaSettings) -> dict[str, Any]:
    """One that leaves gets no new request, and as long for those it has as a server that is stopped."""
    return {
        "max_ongoing_requests": how.most,
        "ray_actor_options": {"num_cpus": how.cpus, "resources": dict(how.resources)},
        "graceful_shutdown_wait_loop_s": DRAIN_EVERY,
        "graceful_shutdown_timeout_s": settings.server.shutdown_timeout,
        "health_check_period_s": HEALTH_EVERY,
        "health_check_timeout_s": HEALTH_PATIENCE,
        "max_surge_percent": settings.ray.surge,
    }

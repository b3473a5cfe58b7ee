"""The default: deployments are asked in the order of the configuration, the next one when one fails."""

import msgspec

from forebay.plugins import StrategyPlugin


class OrderedSettings(msgspec.Struct, frozen=True):
    """It has none."""


plugin = StrategyPlugin(settings=OrderedSettings, build=lambda _settings, _tools: None)

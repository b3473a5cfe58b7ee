"""What may judge a text: every guard that comes with Forebay is a plug-in of the kind that anybody can write.

A guard in ten lines: a function, `guard` around it, and its name in a configuration (docs/guards.md).
"""

from forebay.guards.function import Judge, Judged, guard

__all__ = ["Judge", "Judged", "guard"]

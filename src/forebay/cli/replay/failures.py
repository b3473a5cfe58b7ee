"""What ends a replay before its end."""


class ReplayError(Exception):
    """It cannot go on; the message tells a user what to do."""

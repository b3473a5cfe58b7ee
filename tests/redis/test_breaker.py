"""A store that is down is tried once in a while, by one."""

from forebay.redis.breaker import Breaker


class Now:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_after_a_failure_nobody_tries_for_a_while_and_then_one() -> None:
    now = Now()
    breaker = Breaker(1.0, now)
    assert breaker.admit()
    breaker.failed()
    assert not breaker.admit()
    now.at = 1.0
    assert [breaker.admit(), breaker.admit()] == [True, False]
    breaker.failed()
    now.at = 1.9
    assert not breaker.admit()
    now.at = 2.0
    assert breaker.admit()
    breaker.succeeded()
    assert breaker.is_closed
    assert breaker.admit()


def test_who_leaves_while_trying_lets_another_try() -> None:
    now = Now()
    breaker = Breaker(1.0, now)
    breaker.failed()
    now.at = 1.0
    assert breaker.admit()
    breaker.undecided()
    assert breaker.admit()

"""Bounded waiting: the only place where a test sleeps."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Between two looks. Short, as each look is a local call of a few milliseconds.
LOOK_EVERY_SECONDS = 0.1

#: For the emulator to answer its health check: it imports some hundred modules on a cold disk.
START_SECONDS = 60
#: For a process to end when asked, before it is killed.
STOP_SECONDS = 10
#: For a stack to be made; the emulator does it in a second or two.
STACK_SECONDS = 120
#: For the queue to carry a change through all levels: a service pass, then one pass a target.
CONVERGE_SECONDS = 90
#: For the functions to finish what is queued.
SETTLE_SECONDS = 60


class TimedOut(AssertionError):
    """A condition did not come true within its limit."""


def wait_until(what: str, look: Callable[[], T], limit_seconds: float) -> T:
    """Call `look` until it returns something true, and return that.

    Raises `TimedOut`, naming `what` and the last thing seen, at the limit.
    """
    deadline = time.monotonic() + limit_seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() >= deadline:
            raise TimedOut(f"not within {limit_seconds} s: {what} (last seen: {seen!r})")
        time.sleep(LOOK_EVERY_SECONDS)

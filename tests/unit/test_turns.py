"""The writer's lock is given in the order it was asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from connector.storage.turns import Turns


def until(condition: Callable[[], bool]) -> None:
    """Let other threads go on until something has happened; ten seconds are more than enough."""
    waited = threading.Event()
    for _ in range(10_000):
        if condition():
            return
        waited.wait(0.001)
    pytest.fail("nothing happened")


def test_those_who_came_first_go_first() -> None:
    turns, order = Turns(), list[int]()

    def take(number: int) -> None:
        with turns:
            order.append(number)

    with turns:
        threads = []
        for number in range(8):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            until(lambda expected=number + 1: len(turns._line) == expected)  # type: ignore[misc]  # its own number
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_who_gives_the_turn_back_and_wants_it_again_waits_for_those_in_line() -> None:
    turns, order = Turns(), list[str]()

    def take() -> None:
        with turns:
            order.append("the sender")

    with turns:
        thread = threading.Thread(target=take)
        thread.start()
        until(lambda: len(turns._line) == 1)
    with turns:
        order.append("the pump again")
    thread.join()
    assert order == ["the sender", "the pump again"]


def test_a_turn_that_ends_in_an_error_is_given_on() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="inside"), turns:
        raise ValueError("inside")
    with turns:
        pass


def test_only_one_has_the_turn() -> None:
    turns, inside, most = Turns(), 0, 0

    def take() -> None:
        nonlocal inside, most
        for _ in range(200):
            with turns:
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, inside) == (1, 0)

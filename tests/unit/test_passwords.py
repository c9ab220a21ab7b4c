"""Passwords: what is kept, what is compared, and at what cost."""

from __future__ import annotations

import threading
from typing import Any

import argon2
import pytest

from connector.access.way_in import passwords
from connector.access.way_in.passwords import HASH_COST, HashCost, Passwords
from tests.support.people import CHEAP, PASSWORD


def test_the_cost_is_never_weaker_unless_somebody_says_so() -> None:
    assert HashCost(memory=65_536, passes=3, lanes=4) == HASH_COST
    parameters = argon2.extract_parameters(Passwords().kept(PASSWORD))
    assert (parameters.type, parameters.memory_cost) == (argon2.Type.ID, 65_536)
    assert (parameters.time_cost, parameters.parallelism) == (3, 4)


def test_whoever_has_no_password_costs_the_same_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def verify(_self: Any, kept: str, _password: str) -> bool:
        compared.append(kept)
        raise argon2.exceptions.VerifyMismatchError

    hashes = Passwords(CHEAP)
    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    assert not hashes.is_right(None, PASSWORD)
    [kept] = compared
    assert argon2.extract_parameters(kept).memory_cost == CHEAP.memory


def test_what_nobody_has_is_a_whole_hash_and_no_password_opens_it() -> None:
    assert not Passwords(CHEAP).is_right(None, PASSWORD)
    assert not Passwords(CHEAP).is_right("no hash", PASSWORD)


def test_a_hash_of_another_cost_is_stale() -> None:
    assert Passwords(HashCost(memory=128, passes=1, lanes=1)).is_stale(Passwords(CHEAP).kept(PASSWORD))


def test_letters_are_the_same_however_a_keyboard_writes_them() -> None:
    kept = Passwords(CHEAP).kept("caf\u00e9 caf\u00e9 caf\u00e9")
    assert Passwords(CHEAP).is_right(kept, "cafe\u0301 cafe\u0301 cafe\u0301")


def test_never_more_than_two_hashes_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most, go_on = 0, 0, threading.Event()
    count, two = threading.Lock(), threading.Event()

    def hash_(_self: Any, _password: str) -> str:
        nonlocal inside, most
        with count:
            inside += 1
            most = max(most, inside)
            if inside == 2:
                two.set()
        go_on.wait(30)
        with count:
            inside -= 1
        return "made"

    monkeypatch.setattr(argon2.PasswordHasher, "hash", hash_)
    crowd = [threading.Thread(target=Passwords(CHEAP).kept, args=[PASSWORD]) for _ in range(8)]
    for each in crowd:
        each.start()
    assert two.wait(30)
    go_on.set()
    for each in crowd:
        each.join()
    assert most == 2


def test_a_good_password_has_no_fault() -> None:
    assert passwords.fault_of(PASSWORD, email="ada@bank.example", name="Ada Admin") == ""

"""Whom we act as is learned by one process, and known by all of them before our own words come back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.house import Harness, a_home, a_second_house


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url) as home:
        yield home


def test_what_one_process_learned_another_knows_a_second_later(home: Harness, database_url: str) -> None:
    with a_second_house(home, database_url) as other:
        assert other.house.own_users.known() == {}  # at its start nobody had asked yet
        home.house.own_users.learn()
        home.clock.move(seconds=2)
        assert other.house.own_users.known()["zendesk"] == str(home.world.zendesk.integration_user["id"])


def test_what_is_known_of_all_connections_is_not_read_at_each_delivery(home: Harness) -> None:
    own = home.house.own_users
    own.learn()
    known = own.known()
    home.clock.move(seconds=20)
    home.house.database.close()  # it could not be read now
    assert own.known() == known

"""What was made in a vendor's account, as the house remembers it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.storage.engine.database import Database
from connector.storage.stores import provisioned
from connector.storage.stores.provisioned import FieldIds, Made
from sandbox.clock import HandClock

CONNECTION = "zendesk"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def remember(database: Database, *things: Made, connection: str = CONNECTION) -> None:
    for each in things:
        database.transact(lambda tx, each=each: provisioned.remember(database, tx, connection, each))  # type: ignore[misc]


def made(clock: HandClock, key: str, vendor_id: str, kind: str = provisioned.TICKET_FIELD) -> Made:
    return Made(kind, key, vendor_id, True, clock(), clock())


def test_a_field_is_known_by_our_key_and_by_the_vendors_id(database: Database, clock: HandClock) -> None:
    remember(database, made(clock, "ringback_outcome", "36001"), made(clock, "ringback_score", "7", "user_field"))
    ids = FieldIds(database, clock)
    assert ids.ticket_field(CONNECTION, "ringback_outcome") == "36001"
    assert ids.ticket_key(CONNECTION, "36001") == "ringback_outcome"
    assert ids.user_fields(CONNECTION) == {"ringback_score": "7"}


def test_an_account_that_was_never_provisioned_has_no_fields(database: Database, clock: HandClock) -> None:
    remember(database, made(clock, "ringback_outcome", "36001"), connection="other")
    ids = FieldIds(database, clock)
    assert ids.ticket_fields(CONNECTION) == {}
    assert ids.ticket_field(CONNECTION, "ringback_outcome") is None
    assert ids.ticket_key(CONNECTION, "36001") is None


def test_what_provisioning_makes_is_seen_by_running_processes_within_a_minute(
    database: Database, clock: HandClock
) -> None:
    ids = FieldIds(database, clock)
    assert ids.ticket_fields(CONNECTION) == {}
    remember(database, made(clock, "ringback_score", "36001"))
    clock.move(seconds=31)
    assert ids.ticket_fields(CONNECTION) == {"ringback_score": "36001"}


def test_the_same_thing_is_remembered_once_with_its_latest_id_and_secret(
    database: Database, clock: HandClock
) -> None:
    first = made(clock, "events", "01A", "webhook")
    remember(database, first, replace(first, vendor_id="01B", secret=b"sealed"))
    with database.read() as tx:
        [known] = provisioned.of_connection(tx, CONNECTION)
    assert (known.vendor_id, known.secret) == ("01B", b"sealed")


def test_what_was_taken_away_is_forgotten(database: Database, clock: HandClock) -> None:
    remember(database, made(clock, "ringback_score", "1"), made(clock, "ringback_band", "2"))
    database.transact(lambda tx: provisioned.forget(tx, CONNECTION, provisioned.TICKET_FIELD, "ringback_score"))
    assert FieldIds(database, clock).ticket_fields(CONNECTION) == {"ringback_band": "2"}

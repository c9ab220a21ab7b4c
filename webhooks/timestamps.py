"""Moments as vendors write them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(text: object) -> datetime:
    """An ISO 8601 moment, with up to nanoseconds, as aware UTC. Digits beyond microseconds are cut.

    Raises ValueError for anything else, also for a moment without a time zone: guessing one shifts it by hours.
    """
    if not isinstance(text, str):
        raise ValueError("it is not text")  # noqa: TRY004 (callers catch one error for every bad moment)
    read = datetime.fromisoformat(text.strip())
    if read.tzinfo is None:
        raise ValueError("it has no time zone")
    try:
        return read.astimezone(UTC)
    except OverflowError as error:  # year 1 or 9999, a step over the edge
        raise ValueError("it is out of range") from error


def written(time: datetime) -> str:
    """The moment as RFC 3339 in UTC, as the house writes it in event data."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")

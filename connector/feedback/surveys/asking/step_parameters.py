"""What a step of ``survey.send`` says, read."""

from __future__ import annotations

from typing import Any

from connector.feedback.base.actions import NotPossibleError
from workflows.parameters import CHANNELS, is_channel, texts
from workflows.sampling import share_of


def sample(value: Any) -> str | None:
    """The share of people, as it stands in the step. Raises ``NotPossibleError`` for what is none."""
    try:
        return f"{share_of(str(value)).normalize():f} %" if value else None
    except ValueError as error:
        raise NotPossibleError(f"sample: {' '.join(str(error).split())}") from error


def languages(value: Any) -> list[str]:
    """One code or several, as "nl" or "nl-BE", in small letters."""
    return [each.lower().replace("_", "-") for each in texts(value)]


def expect_channel(channel: Any) -> None:
    """Raises ``NotPossibleError``: a survey that was meant for a telephone must not leave as a mail."""
    if not is_channel(channel):
        raise NotPossibleError(
            f"channel: no survey can be sent by {str(channel)[:40]!r}. There is {', '.join(CHANNELS)}: write that, "
            "or leave it out."
        )

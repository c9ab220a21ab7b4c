"""Two wordings of a part of the mail, tried side by side: who gets which is decided by the invitation's id alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from connector.feedback.surveys.model import MailTexts


def choose(mail: MailTexts, invitation: str) -> Mapping[str, str]:
    """Which of two wordings this invitation has: {"subject": "b"}.

    Parts are decided independently, so that the effect of each can be told apart; parts with one wording are not named.
    """
    return {part: _letter(part, invitation) for part in mail.second}


def _letter(part: str, invitation: str) -> str:
    """The ids' first signs are a moment, so the choice must not hang on them alone."""
    return "ab"[hashlib.sha256(f"{part}:{invitation}".encode()).digest()[0] & 1]

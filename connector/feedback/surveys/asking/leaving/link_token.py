"""The secret of a survey's link: stored mails hold a placeholder, which becomes the secret when the mail leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from integrations.messaging import Mail

TOKEN = "ringback-survey-token"  # noqa: S105 - stands in stored mails where the secret goes


def with_token(mail: Mapping[str, Any], token: str) -> dict[str, Any]:
    """The fields of a stored mail with the secret in its links."""
    whole = Mail(**mail)
    headers = {name: value.replace(TOKEN, token) for name, value in (whole.headers or {}).items()}
    return asdict(replace(whole, text=whole.text.replace(TOKEN, token), html=whole.html.replace(TOKEN, token),
                          headers=headers))  # fmt: skip

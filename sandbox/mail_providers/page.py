"""What a provider's stand-in sent, for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from itertools import zip_longest
from typing import Any


def sent_page(title: str, sent: Sequence[dict[str, Any]], answers: Sequence[int]) -> str:
    """The newest first, with what each was answered."""
    pairs = list(zip_longest(sent, answers))
    rows = "".join(
        f"<h2>answered {answer}</h2><pre>{escape(json.dumps(body, indent=2))}</pre>" for body, answer in reversed(pairs)
    )
    nothing = "<p>Nothing was sent yet.</p>"
    return f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1>{rows or nothing}</html>"

"""A share of people, drawn so that the same person for the same reason is always in it or always out."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal

_SHARE = re.compile(r"\s*(\d{1,3}(?:[.,]\d{1,4})?)\s*%\s*", re.ASCII)
REMEDY = 'Write a share from above 0 to 100 percent, as "25 %".'


def share_of(text: str) -> Decimal:
    """Percent, above 0 and at most 100. Raises ValueError with the remedy on a second line."""
    found = _SHARE.fullmatch(text)
    share = Decimal(found[1].replace(",", ".")) if found else Decimal(0)
    if not 0 < share <= 100:
        raise ValueError(f'"{text[:40]}" is no share.\n{REMEDY}')
    return share


def draw(*reason: str) -> Decimal:
    """A number from 0 to below 100, the same for the same reason and spread evenly over all: whoever draws less than
    the share is in it. Asked again, by whichever process, it is the same."""
    digest = hashlib.sha256("\n".join(reason).encode()).digest()
    return Decimal(int.from_bytes(digest[:6], "big") * 100 * 10_000 >> 48) / 10_000

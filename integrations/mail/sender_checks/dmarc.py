"""What a domain wants done with mail that is not aligned with it, and what is aligned (RFC 7489)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from publicsuffixlist import PublicSuffixList

from integrations.mail.sender_checks.dkim_record import tags
from integrations.mail.sender_checks.dns import Dns


@dataclass(frozen=True, slots=True)
class Policy:
    """A DMARC record in force. ``domain`` is where it was found: the sender's own, or the organisation's above it."""

    domain: str
    wish: str  # none, quarantine, reject; of the domain below it, where it was found above
    strict_dkim: bool = False
    strict_spf: bool = False
    reports: bool = False


def find(dns: Dns, domain: str) -> tuple[Policy | None, str]:
    """The policy for senders of this domain (6.6.3), else what is wrong with what is there; "" when nothing is."""
    for place in dict.fromkeys((domain, organisation(domain))):
        records = [each for each in dns.texts(f"_dmarc.{place}") if each.strip().startswith("v=DMARC1")]
        if records:
            return _read(records, place, below=place != domain)
    return None, ""


def organisation(domain: str) -> str:
    """The domain that somebody registered: acme.co.uk of mail.acme.co.uk (3.2)."""
    return _suffixes().privatesuffix(domain) or domain


def is_aligned(domain: str, sender: str, *, strict: bool) -> bool:
    """Whether what was proven for ``domain`` counts for a sender of ``sender`` (3.1)."""
    return domain == sender or (not strict and organisation(domain) == organisation(sender))


def _read(records: Sequence[str], place: str, *, below: bool) -> tuple[Policy | None, str]:
    told: Mapping[str, str] = tags(records[0])
    wish = told.get("sp", told.get("p", "")) if below else told.get("p", "")
    if len(records) > 1:
        return None, "has several DMARC records, of which receivers obey none"
    if wish.lower() not in ("none", "quarantine", "reject"):
        return None, "has a DMARC record whose p= is none of none, quarantine and reject"
    strict = {name: told.get(name, "r").lower() == "s" for name in ("adkim", "aspf")}
    return Policy(place, wish.lower(), strict["adkim"], strict["aspf"], reports=bool(told.get("rua"))), ""


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()

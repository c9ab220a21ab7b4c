"""Why a mail was not delivered, and whether the address is at fault. Pure.

The status says it (RFC 3463; its registry at IANA, "Enumerated Status Codes"), but many servers write one that says
little ("5.0.0", or 5.7.1 for a person who is unknown). So the words of the server are looked at where the code leaves
it open. What only our reputation, a policy or a full mailbox is to blame for is never an address's fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from webhooks.mail.findings import Cause

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.-])([45]\d\d)(?=[ -])")

_HARD = frozenset({Cause.NO_ADDRESS, Cause.NO_DOMAIN, Cause.DISABLED})

# Subject and detail → cause, where the code alone is enough (RFC 3463, 3.2 to 3.8; RFC 5248).
_BY_CODE: Mapping[str, Cause] = {
    "1.0": Cause.NO_ADDRESS, "1.1": Cause.NO_ADDRESS, "1.2": Cause.NO_DOMAIN, "1.3": Cause.NO_ADDRESS,
    "1.4": Cause.NO_ADDRESS, "1.6": Cause.NO_ADDRESS, "1.10": Cause.NO_ADDRESS, "2.1": Cause.DISABLED,
    "2.2": Cause.FULL, "2.3": Cause.TOO_LARGE, "3.1": Cause.FULL, "3.4": Cause.TOO_LARGE,
    "4.1": Cause.UNREACHED, "4.2": Cause.UNREACHED, "4.4": Cause.NO_DOMAIN, "4.5": Cause.UNREACHED,
    "4.7": Cause.UNREACHED, "1.8": Cause.REFUSED, "1.7": Cause.REFUSED, "3.2": Cause.UNREACHED,
}  # fmt: skip

_LOOSE = frozenset({"1.0", "1.10"})
"""Codes under which servers say several things: 1.10 is a domain without mail (RFC 7505), and with Exchange a person
whom it does not find."""

# Said in words, in the order in which they are looked for: a refusal often says "mailbox unavailable", too.
_BY_WORDS: tuple[tuple[Cause, re.Pattern[str]], ...] = tuple(
    (cause, re.compile("|".join(ways), re.IGNORECASE))
    for cause, *ways in (
        (Cause.FULL, "quota", "mailbox (?:is )?full", "out of storage", "insufficient (?:disk|storage)"),
        (
            Cause.NO_ADDRESS,
            "no such (?:user|mailbox|recipient|address|person)",
            r"(?:user|recipient|mailbox|account|address)\W+(?:\S+\W+)?(?:is )?(?:unknown|not found|not exist)",
            "unknown (?:user|recipient|account|local.?part)",
            "does ?n.t exist", "does not exist", r"does ?n.t have an? \S+ account",
            "invalid (?:recipient|mailbox|user)", "not a (?:valid|known) (?:mailbox|user|recipient)",
            "not (?:listed in|found in) (?:domino|public)", "no mailbox (?:here )?by that name", "recipientnotfound",
            "not our (?:customer|user)", "address rejected: (?:undeliverable|user)", "bad destination mailbox",
            "unrouteable address", "no longer (?:valid|available|in use)",
        ),
        (
            Cause.DISABLED,
            r"(?:account|mailbox|user)\W+(?:\S+\W+){0,3}(?:disabled|inactive|suspended|deactivated|closed)",
            "is (?:disabled|inactive|deactivated)",
        ),
        (
            Cause.NO_DOMAIN,
            r"(?:host|domain|name)\W+(?:\S+\W+){0,4}(?:not found|unknown|does not exist)",
            "null ?mx", "host unknown", "domain does not (?:accept|receive)", "nxdomain", "no mx or a record",
        ),
        (Cause.TOO_LARGE, "too (?:large|big)", "size limit", r"exceed\w* (?:the )?(?:maximum )?(?:message )?size"),
        (
            Cause.REFUSED,
            "spam", "block(?:ed|list)", "black.?list", "policy", "reputation", "dmarc", r"\bspf\b", "dkim",
            "gr[ea]y-?list", "access denied", "not authori[sz]ed", "relay(?:ing)? (?:denied|not permitted)",
            "rejected due to", "rate.?limit", "unusual rate", "too many", "prohibited", "unsolicited",
            "content (?:rejected|filter)", "virus",
        ),
        (
            Cause.UNREACHED,
            "tim(?:ed|e) ?out", "connection (?:refused|reset)", "retry time", "too long", "expired", "unreachable",
            "loop", "temporar", "try again", "dns (?:lookup|error)",
        ),
        (Cause.NO_ADDRESS, "mailbox unavailable"),  # what RFC 5321, 4.2.3, writes after 550, where nothing else is said
    )
)  # fmt: skip


def code_in(text: str) -> str:
    """The first status of RFC 3463 in a text, of class 4 or 5 before one of class 2; "" without one."""
    found = [match.group(0) for match in _ENHANCED.finditer(text)]
    return next((each for each in found if each[0] in "45"), found[0] if found else "")


def judge(status: str, said: str) -> tuple[bool, Cause]:
    """Whether the address is at fault for good, and the cause. ``status`` as "5.1.1" or ""; ``said`` in the server's
    words."""
    spoken = code_in(said)
    told = status if _telling(status) or not spoken else spoken
    cause = _cause(told, said)
    return cause in _HARD and _is_permanent(told, said), cause


def _telling(status: str) -> bool:
    """Whether the code says more than that something went wrong."""
    return bool(_ENHANCED.fullmatch(status)) and status.partition(".")[2] not in ("0.0", "3.0", "5.0")


def _cause(status: str, said: str) -> Cause:
    _, _, rest = status.partition(".")
    in_words = next((cause for cause, words in _BY_WORDS if words.search(said)), None)
    by_code = _BY_CODE.get(rest)
    if rest == "4.1" and _is_access_denied(said):  # how Exchange Online refuses whom its directory does not know
        return Cause.NO_ADDRESS
    if by_code is not None and not (rest in _LOOSE and in_words):
        return by_code
    if in_words is not None:
        return in_words
    if rest.startswith("7."):
        return Cause.REFUSED
    if rest.startswith("1."):
        return Cause.NO_ADDRESS
    return Cause.UNREACHED if rest.startswith("4.") else Cause.UNKNOWN


def _is_access_denied(said: str) -> bool:
    """Source: Microsoft, "Use Directory-Based Edge Blocking to reject messages sent to invalid recipients"."""
    return re.search(r"recipient address rejected: access denied", said, re.IGNORECASE) is not None


def _is_permanent(status: str, said: str) -> bool:
    """Class 4 is a failure that may pass (RFC 3463, 2), whatever it is about; without a class the reply says it."""
    if status[:1] in ("4", "5"):
        return status[0] == "5"
    replied = _REPLY.search(said)
    return replied is None or replied.group(1)[0] == "5"

"""A person's own words in an answer: without what their mail program quotes, and without what it adds.

Mail programs announce a quote in the language of whoever answers, in lines that no standard describes. Cut is
what they announce, whatever is marked with ">", and what follows the signature's mark (RFC 3676, 4.3). A signature
without a mark stays: it is in the person's words, and cutting too much loses what somebody said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MOST_LINES = 5_000
_MOST_ANNOUNCED = 3
"""Lines that one announcement may be broken into."""

# "On Mon, 30 Nov 2026 at 10:00, Acme <feedback@acme.example> wrote:" and the same of Gmail, Apple Mail, Thunderbird and
# Yahoo, in English, Dutch, German and French; the broken lines are one here.
_ANNOUNCEMENTS = re.compile(
    r"^(?:"
    r"on\b.{4,300}\bwrote ?:"
    r"|.{4,200}\bwrote on .{4,100}:"
    r"|op\b.{4,300}\bschreef\b.{0,200}:"
    r"|op\b.{4,300}\bheeft\b.{1,200}\bgeschreven ?:"
    r"|.{2,200}\bschreef op\b.{4,120}:"
    r"|am\b.{4,300}\bschrieb\b.{0,200}:"
    r"|am\b.{4,300}\bhat\b.{1,200}\bgeschrieben ?:"
    r"|.{2,200}\bschrieb am\b.{4,120}:"
    r"|le\b.{4,300}\ba [ée]crit ?:"
    r")$",
    re.IGNORECASE,
)
_DATED = re.compile(r"\d")  # every announcement holds a day or an hour; few sentences end so and do

_RULES = re.compile(
    r"^(?:-{2,}|_{3,})\s*(?:original message|oorspronkelijk bericht|oorspronkelijke? e-?mail|doorgestuurd bericht"
    r"|urspr[üu]ngliche nachricht|message d.origine|message original|forwarded message)\s*-*$",
    re.IGNORECASE,
)
_LINE = re.compile(r"^_{10,}$")  # Outlook's rule above the quoted header

_FROM = ("from", "van", "von", "de")
_SENT = ("sent", "date", "verzonden", "datum", "gesendet", "envoyé", "envoye")
_REST = ("to", "aan", "an", "à", "a", "subject", "onderwerp", "betreff", "objet", "cc")
_FIELD = re.compile(r"^\*?([A-Za-zéÀà]{1,10})\s?:\*?\s?(\S.*)?$")

_ADDED = re.compile(
    r"^(?:sent from (?:my|mail for|outlook|yahoo|the )\b.*|get outlook for .*|outlook voor \w+ downloaden.*"
    r"|verstuurd vanaf mijn .*|verzonden (?:vanaf|met|via|vanuit) (?:mijn|mail|outlook|telefoon|samsung).*"
    r"|verstuurd met .*|von meinem .{2,40} gesendet.*|gesendet (?:von|mit) .*"
    r"|envoy[ée] (?:de|depuis) (?:mon|mail|outlook).*"
    r"|ontvang outlook voor .*|holen sie sich outlook .*|t[ée]l[ée]charger outlook .*)$",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"^-- ?$")


def own_words(text: str) -> str:
    """What the person wrote, as they wrote it, without blank lines around it; "" when nothing is left."""
    lines = text.replace("\u00a0", " ").split("\n")[:_MOST_LINES]
    kept: list[str] = []
    place = 0
    while place < len(lines):
        if _SIGNATURE.match(lines[place]):
            break
        if _is_quoted(lines[place]):
            place += 1
        elif length := _announcement(lines, place):
            place += length
            if not _quote_follows(lines, place):
                break  # what stands below is not marked, and all of it is quoted
        elif _begins_quoted_header(lines, place):
            break
        else:
            kept.append(lines[place].rstrip())
            place += 1
    return _tidy(kept)


def _is_quoted(line: str) -> bool:
    return line.lstrip().startswith((">", "|>")) or line.startswith("| ")


def _announcement(lines: Sequence[str], place: int) -> int:
    """How many lines announce a quote here; 0 for none."""
    whole = ""
    for length in range(1, _MOST_ANNOUNCED + 1):
        if place + length > len(lines) or not (line := lines[place + length - 1].strip()):
            return 0
        whole = f"{whole} {line}".strip()[:600]
        if _ANNOUNCEMENTS.match(whole) and _DATED.search(whole):
            return length
    return 0


def _quote_follows(lines: Sequence[str], place: int) -> bool:
    following = next((line for line in lines[place:] if line.strip()), "")
    return _is_quoted(following)


def _begins_quoted_header(lines: Sequence[str], place: int) -> bool:
    """Outlook's way: "Van: …", "Verzonden: …", "Aan: …", "Onderwerp: …", often under a line or a title."""
    line = lines[place].strip()
    if _RULES.match(line):
        return True
    if _LINE.match(line):
        following = next((at for at in range(place + 1, min(place + 4, len(lines))) if lines[at].strip()), None)
        return following is not None and _is_header(lines, following)
    return _is_header(lines, place)


def _is_header(lines: Sequence[str], place: int) -> bool:
    names = [_name(line) for line in lines[place : place + 12] if line.strip()][:5]
    if not names or names[0] not in _FROM:
        return False
    return any(name in _SENT for name in names[1:3]) and any(name in _REST for name in names[1:])


def _name(line: str) -> str:
    found = _FIELD.match(line.strip())
    return found.group(1).lower() if found else ""


def _tidy(lines: list[str]) -> str:
    """Without what the program added below, and with one blank line where there were several."""
    while lines and (not lines[-1].strip() or _ADDED.match(lines[-1].strip())):
        lines.pop()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

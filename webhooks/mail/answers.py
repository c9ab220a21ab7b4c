"""What a person wrote back: their words, and whether they want no more mail."""

from __future__ import annotations

import re

from webhooks.mail import automatic
from webhooks.mail.findings import Answer, Finding, NothingToDo
from webhooks.mail.html_text import text_of_html
from webhooks.mail.parts import Mail, header, text_of, walk
from webhooks.mail.quoting import own_words
from webhooks.mail.trail import trail_of_reply

MOST_TEXT = 10_000
"""Characters of an answer that are kept."""

_MOST_SUBJECT = 200

_WAYS_OUT = frozenset(
    {
        "stop", "stoppen", "afmelden", "afmelding", "uitschrijven", "uitschrijving", "meld af", "schrijf uit",
        "geen mail meer", "geen mails meer", "niet meer mailen", "stop mail", "stop mails", "stop mailing",
        "stop email", "unsubscribe", "opt out", "optout", "remove", "abmelden", "abmeldung", "austragen", "abbestellen",
        "désabonner", "desabonner", "désinscrire", "desinscrire", "désinscription", "desinscription",
    }
)  # fmt: skip
"""What people write who want no more mail, in Dutch, English, German and French."""
_POLITE = frozenset(
    {
        "please", "pls", "graag", "aub", "alstublieft", "alsjeblieft", "svp", "bitte", "merci", "thanks", "thank",
        "you", "dank", "dankjewel", "danke", "hallo", "hello", "hi", "hoi", "hey", "dag", "beste", "dear", "bonjour",
        "now", "nu", "direct", "me", "mij", "mich", "my", "mijn", "ik", "i", "wil", "want", "to", "u", "je", "bij",
        "voorbaat", "deze", "this", "list", "lijst",
    }
)  # fmt: skip
"""What they may say around it."""
_REPLY = re.compile(r"^\s*(?:(?:re|aw|antw|antwoord|sv|réf?)\s?:\s*)+", re.IGNORECASE)
_CLOSING = 12  # words that may stand below a way out and be no more than a name


def read(mail: Mail) -> list[Finding]:
    """The answer, or why there is none."""
    if reason := automatic.why(mail):
        return [NothingToDo(reason)]
    subject = header(mail, "Subject")[:_MOST_SUBJECT]
    words = own_words(_text(mail))
    first, _, rest = words.partition("\n")
    if _is_way_out(first) or (not words and _is_way_out(subject)) or _is_bare_way_out(subject):
        left = rest if _is_way_out(first) else words
        return [_answer(mail, left.strip() if len(left.split()) > _CLOSING else "", subject, wants_out=True)]
    if not words:
        return [NothingToDo("an answer without words of its own")]
    return [_answer(mail, words, subject, wants_out=False)]


def _answer(mail: Mail, text: str, subject: str, *, wants_out: bool) -> Answer:
    shown = text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"
    return Answer(trail_of_reply(mail), shown, subject, wants_out)


def _is_way_out(line: str) -> bool:
    """Whether somebody asks to be left alone and says nothing else: "STOP!", "Graag afmelden a.u.b.". A sentence that
    has such a word in it is what they think of us."""
    plain = re.sub(r"[^\w\s'-]", "", line.lower().replace("a.u.b.", "aub").replace("s.v.p.", "svp"))
    words = plain.replace("-", " ").split()
    if not words or len(words) > 8:
        return False
    left = [word for word in words if word not in _POLITE]
    return " ".join(words) in _WAYS_OUT or " ".join(left) in _WAYS_OUT


def _is_bare_way_out(subject: str) -> bool:
    """A subject of their own, as "unsubscribe" of a mail program's button; not one that answers ours."""
    return not _REPLY.match(subject) and _is_way_out(subject)


def _text(mail: Mail) -> str:
    """The first text that is no attachment; of HTML alone, its text."""
    shown = [part for part in walk(mail) if part.get_content_disposition() != "attachment"]
    plain = next((text_of(part) for part in shown if part.get_content_type() == "text/plain"), "")
    if plain.strip():
        return plain
    return next((text_of_html(text_of(part)) for part in shown if part.get_content_type() == "text/html"), "")

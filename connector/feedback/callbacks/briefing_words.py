"""The words of a callback ticket, in the languages of the teams that read it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DEFAULT = "en"

_NL: Mapping[str, str] = MappingProxyType({
    "Call back {name}": "Terugbellen: {name}",
    "the customer": "de klant",
    "Score": "Cijfer",
    "Survey": "Enquête",
    "In the customer's words": "In de woorden van de klant",
    "(no comment given)": "(geen toelichting)",
    "The customer agreed to be called.": "De klant vond het goed om gebeld te worden.",
    "About ticket": "Over ticket",
    "Customer": "Klant",
    "Phone": "Telefoon",
    "Phone as given, which we cannot read as a number": "Telefoon zoals opgegeven; wij lezen er geen nummer in",
    "E-mail": "E-mail",
    "Prefers": "Liefst",
    "Do not call": "Niet bellen",
    "so says the customer's record in the CRM; write instead": "dat staat bij de klant in het CRM; schrijf liever",
    "Customer value": "Klantwaarde",
    "Earlier answers": "Eerdere antwoorden",
    "promoter": "promotor",
    "passive": "passief",
    "detractor": "criticaster",
    "morning": "ochtend",
    "afternoon": "middag",
    "evening": "vroege avond",
    "Since then the customer has changed the answer to {score} ({band}): {words}":
        "Sindsdien heeft de klant het antwoord veranderd in {score} ({band}): {words}",
    "no comment": "geen toelichting",
    """\
How to call
- Call soon and under your own name; you are the one who makes it right.
- Let the customer tell the whole story first. Say back what you understood, and say sorry without "but".
- Agree on one thing you will do, and by when. Do it, then solve this ticket: fill in the outcome and the cause.
- Not reached? Say so in the outcome (or add the tag ringback_not_reached) before you solve it: you get another try, \
and the customer is not asked how it went.""": """\
Zo belt u
- Bel snel en onder uw eigen naam; u bent degene die het goedmaakt.
- Laat de klant eerst het hele verhaal vertellen. Vat samen wat u begreep, en bied uw excuses aan zonder "maar".
- Spreek één ding af dat u doet, en wanneer. Doe het, en los dan dit ticket op: vul de uitkomst en de oorzaak in.
- Niet bereikt? Zeg dat bij de uitkomst (of met het label ringback_not_reached) voordat u het oplost: dan komt er een \
nieuwe poging, en krijgt de klant geen vraag hoe het ging.""",
})  # fmt: skip

CATALOGUES: Mapping[str, Mapping[str, str]] = MappingProxyType({"en": MappingProxyType({}), "nl": _NL})
"""Language → English words → those of the language; English is itself."""


class TicketWords:
    """Says things in one language."""

    def __init__(self, language: str = DEFAULT) -> None:
        self._known = CATALOGUES.get(language, CATALOGUES[DEFAULT])

    def __call__(self, english: str) -> str:
        return self._known.get(english, english)

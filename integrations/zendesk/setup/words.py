"""The words under which our furniture stands in a Zendesk account, in English and Dutch.

Titles begin with our name, so that an admin sees whose they are, and a run that lost its memory finds them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Both = Mapping[str, str]
"""Language → words."""

LANGUAGES = ("en", "nl")
DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Text:
    """A title and what stands below it, each by language."""

    title: Both
    description: Both


def _text(en: str, nl: str, about_en: str, about_nl: str) -> Text:
    title = {"en": f"Ringback: {en}", "nl": f"Ringback: {nl}"}
    return Text(MappingProxyType(title), MappingProxyType({"en": about_en, "nl": about_nl}))


FIELDS: Mapping[str, Text] = {
    "ringback_score": _text(
        "score", "cijfer",
        "The score the customer gave.", "Het cijfer dat de klant gaf.",
    ),
    "ringback_metric": _text(
        "kind of score", "soort cijfer",
        "What was asked: NPS, NLS, CSAT or CES.", "Wat er gevraagd is: NPS, NLS, CSAT of CES.",
    ),
    "ringback_band": _text(
        "group", "groep",
        "Promoter, passive or detractor.", "Promotor, passief of criticaster.",
    ),
    "ringback_comment": _text(
        "customer's words", "woorden van de klant",
        "What the customer wrote with the score.", "Wat de klant bij het cijfer schreef.",
    ),
    "ringback_words": _text(
        "in short", "kort",
        "How the customer's words begin, for views.", "Hoe de woorden van de klant beginnen, voor weergaven.",
    ),
    "ringback_phone": _text(
        "phone", "telefoon",
        "The number to call. In quotation marks: as the customer wrote it, and no number that anybody has.",
        "Het nummer om te bellen. Tussen aanhalingstekens: zoals de klant het schreef, en geen bestaand nummer.",
    ),
    "ringback_value": _text(
        "customer value", "klantwaarde",
        "What the customer is worth to us, as the CRM says.", "Wat de klant ons waard is, volgens het CRM.",
    ),
    "ringback_consent": _text(
        "may be called", "mag gebeld worden",
        "Whether the customer agreed to be contacted about the answer.",
        "Of de klant ermee instemde dat er contact wordt opgenomen.",
    ),
    "ringback_outcome": _text(
        "outcome", "uitkomst",
        "What came of the call. A callback without an outcome does not count as closed.",
        "Wat het gesprek opleverde. Een terugbelverzoek zonder uitkomst telt niet als afgerond.",
    ),
    "ringback_root_cause": _text(
        "root cause", "oorzaak",
        "Why the customer was not happy. It is counted in the reports.",
        "Waarom de klant ontevreden was. Dit telt mee in de rapporten.",
    ),
    "ringback_loop_status": _text(
        "loop status", "stand van de opvolging",
        "Where the callback stands. Ringback writes it.", "Hoe het met de opvolging staat. Ringback vult dit in.",
    ),
    "ringback_loyalty": _text(
        "loyalty", "loyaliteit",
        "Would they recommend us, and would they come back? Both: pure loyalty. Recommend only: false loyalty. Come "
        "back only: trapped loyalty. Neither: disloyalty.",
        "Zou de klant ons aanbevelen, en zou die terugkomen? Allebei: pure loyalty. Alleen aanbevelen: false loyalty. "
        "Alleen terugkomen: trapped loyalty. Geen van beide: disloyalty.",
    ),
    "ringback_answered_at": _text(
        "date of the score", "datum van het cijfer",
        "When the latest score was given.", "Wanneer het laatste cijfer is gegeven.",
    ),
}  # fmt: skip

ORGANIZATION_FIELDS: Mapping[str, Text] = {
    "ringback_score": _text(
        "NPS (-100 to 100)", "NPS (-100 tot 100)",
        "The Net Promoter Score of the organisation's people, each by their newest answer: percentage of promoters "
        "minus percentage of detractors.",
        "De Net Promoter Score van de mensen van de organisatie, ieder met het laatste antwoord: percentage promotors "
        "min percentage criticasters.",
    ),
    "ringback_responses": _text(
        "people behind the NPS", "mensen achter de NPS",
        "How many people of the organisation gave a score. A figure of few says little.",
        "Hoeveel mensen van de organisatie een cijfer gaven. Een getal van weinigen zegt weinig.",
    ),
    "ringback_answered_at": _text(
        "date of the newest score", "datum van het laatste cijfer",
        "When somebody of the organisation gave the latest score.",
        "Wanneer iemand van de organisatie het laatste cijfer gaf.",
    ),
}  # fmt: skip
"""What means something else on an organisation than on a person."""

CHOICES: Mapping[str, Both] = {
    "nps": {"en": "NPS", "nl": "NPS"},
    "nls": {"en": "NLS (come back)", "nl": "NLS (terugkomen)"},
    "csat": {"en": "CSAT (satisfied)", "nl": "CSAT (tevreden)"},
    "ces": {"en": "CES (effort)", "nl": "CES (moeite)"},
    "promoter": {"en": "Promoter", "nl": "Promotor"},
    "passive": {"en": "Passive", "nl": "Passief"},
    "detractor": {"en": "Detractor", "nl": "Criticaster"},
    "recovered": {"en": "Recovered", "nl": "Hersteld"},
    "partly": {"en": "Partly recovered", "nl": "Deels hersteld"},
    "not_recovered": {"en": "Not recovered", "nl": "Niet hersteld"},
    "not_reached": {"en": "Not reached", "nl": "Niet bereikt"},
    "not_needed": {"en": "No call needed", "nl": "Bellen niet nodig"},
    "product": {"en": "Product", "nl": "Product"},
    "delivery": {"en": "Delivery", "nl": "Levering"},
    "waiting_time": {"en": "Waiting time", "nl": "Wachttijd"},
    "communication": {"en": "Communication", "nl": "Communicatie"},
    "price_or_invoice": {"en": "Price or invoice", "nl": "Prijs of factuur"},
    "staff": {"en": "Our staff", "nl": "Onze medewerkers"},
    "website_or_app": {"en": "Website or app", "nl": "Website of app"},
    "other": {"en": "Something else", "nl": "Iets anders"},
    "to_call": {"en": "To be called", "nl": "Te bellen"},
    "contacted": {"en": "In contact", "nl": "In contact"},
    "waiting_for_retention": {"en": "Solved, second survey pending", "nl": "Opgelost, tweede enquête loopt"},
    "closed": {"en": "Closed", "nl": "Afgerond"},
}


def same_choice(name: object, other: str) -> bool:
    """Whether the two are our words for one choice, in different languages."""
    return name != other and any({name, other} <= set(each.values()) for each in CHOICES.values())


VIEWS: Mapping[str, Text] = {
    "call_now": _text(
        "call now", "nu bellen",
        "Callbacks that nobody has made yet, the most urgent first.",
        "Terugbelverzoeken die nog niemand heeft opgepakt, de dringendste eerst.",
    ),
    "due_today": _text(
        "due today", "vandaag af",
        "Callbacks whose time ends within a day, or has ended.",
        "Terugbelverzoeken waarvan de termijn binnen een dag verloopt of al is verlopen.",
    ),
    "waiting_for_retention": _text(
        "waiting for retention", "wacht op tweede enquête",
        "Solved callbacks whose customers are being asked whether the solution holds.",
        "Opgeloste terugbelverzoeken waarbij de klant wordt gevraagd of de oplossing voldoet.",
    ),
}  # fmt: skip

MACROS: Mapping[str, Text] = {
    "callback_guide": _text(
        "callback guide", "gesprekshulp",
        "Puts the steps of a good callback on the ticket, where only colleagues see them.",
        "Zet de stappen van een goed terugbelgesprek op het ticket, alleen zichtbaar voor collega's.",
    ),
    "not_reached": _text(
        "not reached", "niet bereikt",
        "Says that the customer was called in vain. Ringback then tries again as agreed.",
        "Legt vast dat de klant niet is bereikt. Ringback probeert het dan volgens afspraak opnieuw.",
    ),
}  # fmt: skip

GUIDE: Both = {
    "en": (
        "<p><b>Callback guide</b></p><ol>"
        "<li>Read the score and the customer's words above before you call.</li>"
        "<li>Call soon, under your own name, and say why you call.</li>"
        "<li>Let the customer tell the whole story. Say back what you understood, and say sorry without "
        "&quot;but&quot;.</li><li>Agree on one thing that you will do, and by when. Do it.</li>"
        "<li>Choose the <b>outcome</b> and the <b>root cause</b>, then solve this ticket. The customer is asked "
        "an hour later whether the solution holds.</li></ol>"
    ),
    "nl": (
        "<p><b>Gesprekshulp</b></p><ol>"
        "<li>Lees het cijfer en de woorden van de klant hierboven voordat u belt.</li>"
        "<li>Bel snel, onder uw eigen naam, en zeg waarom u belt.</li>"
        "<li>Laat de klant het hele verhaal vertellen. Vat samen wat u begrepen hebt en bied zonder &quot;maar&quot; "
        "uw excuses aan.</li><li>Spreek één ding af dat u doet, en wanneer. Doe het ook.</li>"
        "<li>Kies de <b>uitkomst</b> en de <b>oorzaak</b> en los dan dit ticket op. Een uur later krijgt de klant de "
        "vraag of de oplossing voldoet.</li></ol>"
    ),
}

NOT_REACHED: Both = {
    "en": "<p>Called, not reached.</p>",
    "nl": "<p>Gebeld, niet bereikt.</p>",
}

TRIGGERS: Mapping[str, Text] = {
    "created": _text("a ticket was made", "een ticket is gemaakt", "Tells Ringback.", "Geeft het door aan Ringback."),
    "solved": _text("a ticket was solved", "een ticket is opgelost", "Tells Ringback.", "Geeft het door aan Ringback."),
    "reopened": _text(
        "a ticket was reopened", "een ticket is heropend", "Tells Ringback.", "Geeft het door aan Ringback."
    ),
    "assigned": _text(
        "a ticket was assigned", "een ticket is toegewezen", "Tells Ringback.", "Geeft het door aan Ringback."
    ),
    "commented": _text(
        "somebody wrote on a ticket", "iemand schreef op een ticket", "Tells Ringback.", "Geeft het door aan Ringback."
    ),
}

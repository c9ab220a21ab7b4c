"""The invented customers of the tour: what they ask, and what they answer when the tour plays their part.

None of them exists; their addresses end in ".example", which nobody can own (RFC 2606).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who writes to support. ``locale`` chooses the language of the mails; ``earlier`` is the score
    that sales already see on the contact, if any."""

    name: str
    email: str
    phone: str
    locale: str
    company: str
    subject: str
    question: str
    complaint: str
    praise: str
    relief: str
    earlier: int | None = None


PEOPLE: tuple[Person, ...] = (
    Person(
        "Emma Clarke", "emma.clarke@brightside.example", "+31201234501", "en-GB", "Brightside Books",
        "My bicycle was delivered without pedals",
        "Hello, my new bicycle came today, but there are no pedals in the box. Can you help?",
        "It took four mails before somebody sent me the pedals.",
        "Sorted in an hour, and with a smile.",
        "Anna called within the hour and brought the pedals herself. Thank you!",
        8,
    ),
    Person(
        "Sanne Visser", "sanne.visser@molenwiek.example", "+31201234502", "nl", "Bakkerij Molenwiek",
        "De accu van mijn bakfiets laadt niet meer",
        "Goedemiddag, de accu van onze bakfiets laadt sinds gisteren niet meer. Wat nu?",
        "Ik moest drie keer hetzelfde verhaal vertellen.",
        "Snel geholpen, en de nieuwe accu was er de volgende ochtend.",
        "Fijn dat jullie belden. De nieuwe accu werkt prima.",
        9,
    ),
    Person(
        "Tom Brennan", "tom.brennan@harbourview.example", "+31201234503", "en-GB", "Harbour View Hotel",
        "Invoice for six rental bicycles is wrong",
        "Hi, we rented six bicycles and the invoice lists eight. Could you correct it?",
        "The invoice was wrong twice in a row.",
        "Corrected the same morning. This is how it should be.",
        "All settled now, and a friendly call too.",
    ),
    Person(
        "Daan Mulder", "daan.mulder@grachtzicht.example", "+31201234504", "nl", "Grachtzicht Makelaars",
        "Afspraak voor de onderhoudsbeurt",
        "Hallo, kan de onderhoudsbeurt van onze twee fietsen een dag later?",
        "Niemand belde terug over de afspraak.",
        "Eén mailtje en het was geregeld.",
        "Netjes opgelost, dank u wel.",
        7,
    ),
    Person(
        "Priya Nair", "priya.nair@lakesidelabs.example", "+31201234505", "en-GB", "Lakeside Labs",
        "The lock code stopped working",
        "Hello, the code of my lock stopped working this morning and I am standing in the rain.",
        "I waited forty minutes on the phone, in the rain.",
        "A new code within two minutes. Impressive!",
        "They apologised and made it good. I am happy again.",
        6,
    ),
    Person(
        "Lotte de Boer", "lotte.deboer@zonnebloem.example", "+31201234506", "nl", "Kinderopvang Zonnebloem",
        "Kinderzitje past niet op de nieuwe fiets",
        "Goedemorgen, het kinderzitje past niet op de fiets die we vorige week kochten.",
        "Mij werd een onderdeel gestuurd dat niet past.",
        "Heel geduldig geholpen, en het zitje past nu.",
        "Jullie monteur kwam langs. Top!",
    ),
    Person(
        "Oliver Hughes", "oliver.hughes@northgate.example", "+31201234507", "en-GB", "Northgate Press",
        "Can I swap the bell for a louder one?",
        "Hi, the bell is lovely, but in traffic nobody hears it. Can I swap it?",
        "The answer had nothing to do with my question.",
        "They sent a louder bell for free.",
        "Thanks for ringing me, that made all the difference.",
        8,
    ),
    Person(
        "Fatima El Amrani", "fatima.elamrani@palet.example", "+31201234508", "nl", "Atelier Palet",
        "Waar blijft mijn bestelling?",
        "Hallo, mijn fietstassen zouden maandag komen. Ik heb nog niets gezien.",
        "Pas na een week kreeg ik antwoord.",
        "Meteen antwoord, en de tassen zijn prachtig.",
        "Ik waardeer het dat u zelf belde.",
        5,
    ),
)  # fmt: skip


def person(number: int) -> Person:
    """The ``number``-th customer, from 0. Nobody is asked twice: who comes again has another address."""
    again, place = divmod(number, len(PEOPLE))
    chosen = PEOPLE[place]
    if not again:
        return chosen
    user, _, domain = chosen.email.partition("@")
    return replace(chosen, name=f"{chosen.name} {again + 1}", email=f"{user}.{again + 1}@{domain}")


def answers_of(who: Person, score: int, *, consent: bool) -> Mapping[str, str]:
    """What this person fills into the first survey, by the names of the form's fields."""
    return {
        "q.score": str(score),
        "q.reason": who.praise if score > 8 else who.complaint,
        "q.contact_consent": "yes" if consent else "no",
        "q.contact.phone": who.phone if consent else "",
        "q.contact.window": "afternoon",
        "q.improvements": "no",
    }


def second_answers_of(who: Person) -> Mapping[str, str]:
    """What this person fills into the retention survey."""
    return {"q.score": "5", "q.comment": who.relief}

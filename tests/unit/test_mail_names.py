"""Real names stay, addresses do not, and no name becomes a link."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connector.feedback.messaging.brands import Brand
from connector.feedback.messaging.mail_names import _is_linked, harmless_name, unlinked_name
from connector.feedback.messaging.text import shortened
from connector.feedback.surveys.files import built_in, parse
from connector.feedback.surveys.invitation_email import Mailer
from integrations.messaging import Mail

JOINER = "\u2060"
LONG = "María de los Ángeles Fernández de Córdoba y Álvarez de Toledo Ruiz de Villafranca"
NEVER_LINKED = (
    "P.Jansen", "St.John", "J. de Vries", "E.ON", "Node.js", "Mr.X", "Sr.Gómez", "J.R.R. Tolkien", "Wijn v.o.f.",
    "A'dam", "S.p.A. Roma", "Jansen/Pietersen", "c/o Jan", "Jan @ Acme", "@jan", "O'Neill", "’s-Gravesande",
    "AT&T", "Yahoo! Inc.", "А.С.Пушкин", "王.小明", "李小龙", "محمد", "Jean-Luc", "ING Bank N.V.", "Ph.D. Who",
    "Louis XIV", "4711", LONG,
)  # fmt: skip
LIKE_A_DOMAIN = (
    "J.de Vries", "A.M.de Boer", "H.-J.de Wit", "Chr.de Wit", "J.DE VRIES", "j.de vries", "drs.ing. K. Smit", "J.Ma",
    "Dr.No", "Dr.med. Huber", "Anna.Kim", "Booking.com BV", "Booking.com B.V.", "Salesforce.com, Inc.", "Acme Co.Ltd",
    "Acme.Inc", "drs.ir.P.Do", "M.Sc. Li",
)  # fmt: skip
ADDRESSES = (
    "Win a bike at www.prize.example", "https://prize.example/now", "jan@example.com", "prize.example", "bit.ly/x",
    "Win at bit.ly", "Booking.com", "x.com", "Jan <jan@example.nl>", "evil.example:80", "evil.example?x", "1.2.3.4",
    "T.co/abc", "Prize.com", "X.Com", "P.TOP", "p.top", "Win.top", "Adviesbureau.nu", "Marktplaats.nl | Jan",
    "prize.com Win Now", "WWW.PRIZE.EXAMPLE", "ftp://x", "приз.рф", "prize。com", "J.de/Vries",
    "jan@bücher.de", "prize.se", 81 * "x",
)  # fmt: skip

DUTCH = (
    "A.de Vries", "dr.ir. P. Jansen", "St.Nicolaas", "Booking.com BV", "A.B.C. van den Berg", "J.P.M. de Groot-van Dam",
    "P.v.d. Berg", "P.v.d.Berg", "J.v.Dijk", "M.J.v.'t Hof", "mr.dr. A.J. Smit", "prof.dr.ir. K. de Boer",
    "prof.mr.dr.P.Jansen", "Mw.Jansen", "mw.drs. E. Bos", "dhr.de Wit", "dhr.P.de Wit", "fam.Jansen", "Fam.de Vries",
    "ds.Klaassen", "ing.P.Smit", "bc.ing. T. Mol", "A.I. Bakker", "A.AI", "J.Io", "K.Me", "K.To", "J.Page", "K.Win",
    "B.De Jong", "C.Van Dam", "Coolblue.nl BV", "Coolblue N.V.", "Independer.nl N.V.", "Thuisbezorgd.nl B.V.",
    "Zalando.nl SE", "Solar.eu Nederland B.V.", "De Bijenkorf B.V.", "Drs.P", "W.F.Hermans", "A.F.Th. van der Heijden",
    "Chr.Jansen", "Joh.de Witt", "Th.Bakker", "IJ.de Boer", "Ziekenhuis St.Jansdal", "St.Antonius Ziekenhuis",
    "O.L.Vrouwe Gasthuis", "Café 't Hoekje", "VOF De Boer & Zn.", "De Boer en Zn.BV", "Fa.de Boer", "Gebr.van Dam B.V.",
    "Jansen c.s.", "mr.drs.J.de Boer", "Mr.J.Me", "J.A.Nu", "M.Be", "R.De Wit", "T.a.v. Jan", "t.a.v.Jan", "p/a Jansen",
    "Mevr.A.de Vries-Bakker", "Dhr.en Mw. Jansen", "Hr.Mr. Bos", "Jansen.B.V.", "Adviesbureau.nu BV", "Dr.Me",
    "Dr.Oetker",
)  # fmt: skip
"""Initials, titles and companies as Dutch people write them in forms."""


def invitation(name: str) -> Mail:
    customer: dict[str, Any] = {"name": name, "email": "jan@example.com"}
    mailer = Mailer("https://feedback.example", {"default": Brand(title="Acme")})
    return mailer.invitation(parse(built_in()["after-support"], "after-support"), "nl", customer, {}, "token")


@pytest.mark.parametrize("name", NEVER_LINKED)
def test_a_name_in_which_no_program_sees_a_domain_stays_to_the_sign(name: str) -> None:
    mail = invitation(name)
    assert mail.to_name == name
    assert f"Beste {name}, " in " ".join(mail.text.split())


@pytest.mark.parametrize("name", LIKE_A_DOMAIN)
def test_a_name_with_a_domain_in_it_stays_and_is_no_link(name: str) -> None:
    mail = invitation(name)
    assert mail.to_name == name
    assert f"Beste {name}," in mail.text.replace(JOINER, "")
    assert f"Beste {name}," in mail.html.replace(JOINER, "")
    assert f"Beste {name}," not in mail.text
    assert JOINER not in invitation("Jan").text


@pytest.mark.parametrize("name", DUTCH)
def test_dutch_initials_titles_and_companies_are_names(name: str) -> None:
    assert harmless_name(name) == name
    assert not any(map(_is_linked, re.findall(r"(?<=\w\.)[^\W\d_][\w-]+(?![\w-]|\.\w)", unlinked_name(name))))


@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_is_no_name(name: str) -> None:
    mail = invitation(name)
    assert (mail.to_name, unlinked_name(name)) == ("", "")
    assert "Beste klant," in mail.text


@pytest.mark.parametrize("name", ["", None, " \n ", 5, "-", ".", "..", "a.", ".de", "-.de"])
def test_what_is_hardly_a_name_does_no_harm(name: Any) -> None:
    assert harmless_name(name) == str(name or "").strip()


def test_a_very_long_name_is_cut_at_a_word() -> None:
    assert harmless_name("Ana Maria " * 30) == ("Ana Maria " * 16).strip()
    assert len(harmless_name("Ana Maria " * 30)) <= 160


@given(some.text(max_size=200), some.integers(1, 160))
def test_what_is_shortened_is_a_beginning_of_the_text(text: str, limit: int) -> None:
    assert len(shortened(text, limit)) <= limit
    assert text.startswith(shortened(text, limit))


@given(some.text(max_size=60))
def test_a_reader_sees_the_name_and_nothing_else(name: str) -> None:
    assert unlinked_name(name).replace(JOINER, "") == harmless_name(name).replace(JOINER, "")

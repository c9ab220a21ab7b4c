"""Real names stay, addresses do not, and no name becomes a link."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connector.feedback.messaging.brands import Brand
from connector.feedback.messaging.mail_names import harmless_name, unlinked_name
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
    "T.co/abc", "Prize.com", "WWW.PRIZE.EXAMPLE", "ftp://x", "приз.рф", "prize。com", "J.de/Vries",
    "jan@bücher.de", "prize.se", 81 * "x",
)  # fmt: skip


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

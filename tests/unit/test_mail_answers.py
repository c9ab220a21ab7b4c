"""What people write back: their own words without what their program quotes, and whether they want to be left alone."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from webhooks.mail.findings import Answer, NothingToDo
from webhooks.mail.quoting import own_words
from webhooks.mail.reading import read

WORDS = "Het wachten duurde lang.\nVerder prima!"
QUOTED = "> Hoe waarschijnlijk is het dat u ons aanbeveelt?\n> 0 1 2 3 4 5"
PLAIN_QUOTED = "Hoe waarschijnlijk is het dat u ons aanbeveelt?\n0 1 2 3 4 5"


def letter(text: str, *, subject: str = "Re: One question", html: str = "", **headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ann <ann@example.com>", "feedback+mark@acme.example", subject
    mail["In-Reply-To"] = "<run1-ask@acme.example>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    if html:
        mail.set_content(html, subtype="html")
    else:
        mail.set_content(text)
    return mail.as_bytes()


def answered(raw: bytes) -> Answer:
    [found] = read(raw)
    assert isinstance(found, Answer), found
    return found


# quotes

ANNOUNCEMENTS = {
    "Gmail, Dutch": "Op ma 30 nov 2026 om 10:23 schreef Acme <feedback@acme.example>:",
    "Gmail, Dutch with dots": "Op ma 30 nov. 2026 om 10:23 schreef Acme Klantenservice <\nfeedback@acme.example>:",
    "Gmail, English": "On Mon, 30 Nov 2026 at 10:23, Acme <feedback@acme.example> wrote:",
    "Gmail, broken in three": "On Mon, Nov 30, 2026 at 10:23 AM A Very Long Name Of A Company\nThat Goes On <\n"
    "feedback@acme.example> wrote:",
    "Gmail, German": "Am Mo., 30. Nov. 2026 um 10:23 Uhr schrieb Acme <feedback@acme.example>:",
    "Gmail, French": "Le lun. 30 nov. 2026 à 10:23, Acme <feedback@acme.example> a écrit :",
    "Apple, Dutch": "Op 30 nov 2026 om 10:23 heeft Acme <feedback@acme.example> het volgende geschreven:",
    "Apple, English": "On 30 Nov 2026, at 10:23, Acme <feedback@acme.example> wrote:",
    "Apple, German": "Am 30.11.2026 um 10:23 schrieb Acme <feedback@acme.example>:",
    "Apple, French": "Le 30 nov. 2026 à 10:23, Acme <feedback@acme.example> a écrit :",
    "Thunderbird, Dutch": "Op 30-11-2026 om 10:23 schreef Acme:",
    "Thunderbird, older": "Acme schreef op 30-11-2026 om 10:23:",
    "Thunderbird, German": "Acme schrieb am 30.11.2026 um 10:23:",
}
every_announcement = pytest.mark.parametrize("line", ANNOUNCEMENTS.values(), ids=list(ANNOUNCEMENTS))


@every_announcement
def test_what_is_announced_as_a_quote_is_cut(line: str) -> None:
    assert own_words(f"{WORDS}\n\n{line}\n{QUOTED}") == WORDS


@every_announcement
def test_a_quote_without_signs_is_cut_to_its_end(line: str) -> None:
    assert own_words(f"{WORDS}\n\n{line}\n\n{PLAIN_QUOTED}\n\nGroet, Acme") == WORDS


@every_announcement
def test_words_below_a_quote_stay(line: str) -> None:
    assert own_words(f"{line}\n\n{QUOTED}\n\n{WORDS}") == WORDS


HEADERS = {
    "Outlook, Dutch": "Van: Acme <feedback@acme.example>\nVerzonden: maandag 30 november 2026 10:23\n"
    "Aan: Ann Jansen\nOnderwerp: One question",
    "Outlook, bold": "*Van:* Acme <feedback@acme.example>\n*Verzonden:* maandag 30 november 2026 10:23\n"
    "*Aan:* Ann Jansen\n*Onderwerp:* One question",
    "Outlook, English": "From: Acme <feedback@acme.example>\nSent: Monday, 30 November 2026 10:23\nTo: Ann\n"
    "Subject: One",
    "Outlook, German": "Von: Acme <feedback@acme.example>\nGesendet: Montag, 30. November 2026 10:23\n"
    "An: Ann\nBetreff: One",
    "Outlook, French": "De : Acme <feedback@acme.example>\nEnvoyé : lundi 30 novembre 2026 10:23\nÀ : Ann\nObjet : One",
    "Outlook, under a line": "________________________________\n\nVan: Acme <feedback@acme.example>\n"
    "Verzonden: maandag 30 november 2026\nAan: Ann\nOnderwerp: One",
    "Outlook, old": "-----Oorspronkelijk bericht-----\nVan: Acme\nVerzonden: maandag",
    "Outlook, old English": "-----Original Message-----\nFrom: Acme",
    "Mail of iOS": "Van: Acme <feedback@acme.example>\nDatum: 30 november 2026 om 10:23\n"
    "Aan: ann@example.com\nOnderwerp: One",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=list(HEADERS))
def test_outlooks_header_ends_what_the_person_wrote(header: str) -> None:
    assert own_words(f"{WORDS}\n\n{header}\n\n{PLAIN_QUOTED}") == WORDS


@pytest.mark.parametrize(
    "line",
    [
        "Verstuurd vanaf mijn iPhone", "Sent from my iPhone", "Get Outlook for Android", "Outlook voor iOS downloaden",
        "Von meinem iPhone gesendet", "Envoyé de mon iPhone", "Verzonden vanuit Mail voor Windows",
        "Verzonden met Outlook voor Android",
    ],
)  # fmt: skip
def test_what_a_telephone_adds_is_cut(line: str) -> None:
    assert own_words(f"{WORDS}\n\n{line}\n\n{ANNOUNCEMENTS['Gmail, Dutch']}\n{QUOTED}") == WORDS


def test_a_signature_is_cut_at_its_mark_and_else_stays() -> None:
    assert own_words(f"{WORDS}\n-- \nAnn Jansen\n06 12345678") == WORDS
    assert own_words(f"{WORDS}\n\nGroet,\nAnn") == f"{WORDS}\n\nGroet,\nAnn"


@pytest.mark.parametrize(
    "words",
    [
        "Van: de bakker kreeg ik beter antwoord.",
        "Op maandag schreef ik u al.",
        "Am Ende war alles gut.",
        "From now on I shall call.\nTo whom should I write?",
        "I was told on Monday that the clerk wrote it down.",
        "Mijn punten:\n- te duur\n- te laat",
    ],
)
def test_sentences_that_look_like_quotes_stay(words: str) -> None:
    assert own_words(words) == words


def test_answers_between_the_lines_are_all_kept() -> None:
    text = f"{ANNOUNCEMENTS['Gmail, English']}\n> How did we do?\nWell enough.\n> Anything else?\nNo."
    assert own_words(text) == "Well enough.\nNo."


# HTML

HTML = "<html><head><style>p {{color: red}}</style></head><p>Het wachten duurde lang.<br>Verder prima!</p>{}"


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="gmail_quote"><div class="gmail_attr">Op ma 30 nov schreef Acme</div>oud</div>',
        '<blockquote type="cite">oud</blockquote>',
        '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg">Van: Acme</div><div>oud</div>',
        '<div class="moz-cite-prefix">Op 30-11 schreef Acme:</div><blockquote>oud</blockquote>',
        '<div class="yahoo_quoted"><p>oud</p></div>',
        "<p>Van: Acme<br>Verzonden: maandag<br>Aan: Ann<br>Onderwerp: One</p><p>oud</p>",
        "<script>oud()</script>",
    ],
)
def test_of_html_alone_the_words_are_read_without_the_quote(quote: str) -> None:
    assert answered(letter("", html=HTML.format(quote))).text == WORDS


def test_html_without_end_tags_and_nested_without_end_is_read_as_far_as_it_goes() -> None:
    assert answered(letter("", html="<div>" * 5_000 + "<b>Prima")).text == "Prima"


# who wants out


@pytest.mark.parametrize(
    "text",
    [
        "STOP", "stop!", "Stop a.u.b.", "Afmelden", "Graag afmelden", "Afmelden svp.", "please unsubscribe",
        "Unsubscribe me", "opt-out", "UITSCHRIJVEN", "Bitte abmelden", "Me désinscrire", "Geen mails meer aub",
        f"Stop\n\nGroet, Ann\n\n{ANNOUNCEMENTS['Gmail, Dutch']}\n{QUOTED}",
    ],
)  # fmt: skip
def test_who_says_so_wants_out_and_says_nothing_else(text: str) -> None:
    found = answered(letter(text))
    assert (found.wants_out, found.text) == (True, "")


@pytest.mark.parametrize(
    "text",
    [
        "The clerk told me to stop calling.", "Stop met die lange wachttijden", "Ik wil mij niet afmelden",
        "Don't stop", "Non-stop service, mooi!", "How do I unsubscribe from the newsletter of your shop in Utrecht?",
    ],
)  # fmt: skip
def test_a_sentence_with_such_a_word_is_what_they_think_of_us(text: str) -> None:
    found = answered(letter(text))
    assert (found.wants_out, found.text) == (False, text)


def test_who_wants_out_and_says_why_is_heard_in_both() -> None:
    why = "Ik heb nu drie keer gebeld, en elke keer werd mij gezegd dat iemand mij terug zou bellen."
    found = answered(letter(f"Afmelden\n\n{why}"))
    assert (found.wants_out, found.text) == (True, why)


def test_a_mail_programs_button_writes_it_into_the_subject() -> None:
    assert answered(letter("", subject="unsubscribe")).wants_out
    assert answered(letter("This mail was sent by my program.", subject="Unsubscribe")).wants_out
    assert not answered(letter("Prima", subject="Re: stop")).wants_out


# programs


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"}, {"Auto-Submitted": "auto-generated; owner-email=x@y.example"},
        {"Precedence": "bulk"}, {"Precedence": "auto_reply"}, {"X-Autoreply": "yes"}, {"X-Autorespond": "Away"},
        {"X-Auto-Response-Suppress": "All"}, {"List-Id": "<l.example>"}, {"Return-Path": "<>"},
        {"Subject": "Automatic reply: One question"}, {"Subject": "Automatisch antwoord: One question"},
        {"Subject": "Out of Office"}, {"Subject": "Afwezig: vakantie"}, {"Subject": "Abwesenheitsnotiz"},
        {"Subject": "=?utf-8?q?R=C3=A9ponse_automatique?="},
    ],
    ids=lambda headers: "-".join(headers.values())[:30],
)  # fmt: skip
def test_what_a_program_wrote_is_no_answer(headers: dict[str, str]) -> None:
    raw = letter("I am away until Monday.")
    for name, value in headers.items():
        raw = b"\n".join(line for line in raw.split(b"\n") if not line.startswith(name.encode() + b":"))
        raw = f"{name}: {value}\n".encode() + raw
    [found] = read(raw)
    assert isinstance(found, NothingToDo)


@pytest.mark.parametrize("headers", [{"Auto_Submitted": "no"}, {"X_Autoreply": "no"}, {"Precedence": "normal"}])
def test_who_says_that_no_program_wrote_is_a_person(headers: dict[str, str]) -> None:
    assert answered(letter("Prima", **headers)).text == "Prima"


def test_an_answer_without_words_of_its_own_is_none() -> None:
    [found] = read(letter(f"{ANNOUNCEMENTS['Gmail, Dutch']}\n{QUOTED}"))
    assert found == NothingToDo("an answer without words of its own")


def test_what_leads_back_to_our_mail_is_handed_on() -> None:
    trail = answered(letter("Prima")).trail
    assert (trail.addresses, trail.message_ids) == (("feedback+mark@acme.example",), ("run1-ask@acme.example",))


@pytest.mark.parametrize("charset", ["iso-8859-15", "windows-1252", "utf-8", "klingon-7"])
def test_words_in_other_charsets_are_read(charset: str) -> None:
    body = "Déjà vu: één café".encode("utf-8" if charset == "klingon-7" else charset)
    kind = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    head = f"From: ann@example.com\r\n{kind}"
    assert answered(head.encode() + body).text == "Déjà vu: één café"


def test_a_very_long_answer_is_kept_in_its_first_part() -> None:
    assert len(answered(letter("wachten " * 30_000)).text) == 10_000

"""The mails customers get: what they say, where they lead, and what strangers cannot make them say."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import yaml

from connector.feedback.messaging.brands import Brand
from connector.feedback.messaging.email_layout import render_message
from connector.feedback.messaging.mail_names import harmless_name
from connector.feedback.surveys import mail_variants
from connector.feedback.surveys.files import Survey, built_in, from_dict, parse, to_dict
from connector.feedback.surveys.invitation_email import Mailer, links
from connector.ids import new_id
from integrations.messaging import Mail
from workflows.errors import DefinitionError

ANN = {"name": "Ann Bakker", "email": "ann@example.com"}
TOKEN = "the-token"


@pytest.fixture
def mailer() -> Mailer:
    brand = Brand(title="Acme & Co", accent="#0b6e4f", footer={"en": "Acme, Amsterdam"}, privacy_url="https://a.example/p")
    return Mailer("https://feedback.example/", {"default": brand})


def invitation(mailer: Mailer, slug: str = "after-support", language: str = "en", **facts: Any) -> Mail:
    survey = parse(built_in()[slug], slug)
    return mailer.invitation(survey, language, {**ANN, **facts.get("customer", {})}, facts.get("context", {}), TOKEN)


def test_every_score_is_one_click_in_both_parts(mailer: Mailer) -> None:
    mail = invitation(mailer)
    for score in range(11):
        address = f"https://feedback.example/s/the-token?score={score}"
        assert f'href="{address}"' in mail.html
        assert f"{address}\n" in mail.text
    assert "score=11" not in mail.html + mail.text


def test_the_text_part_explains_the_ends_of_the_scale(mailer: Mailer) -> None:
    text = invitation(mailer).text
    assert "0 (Not at all likely): https://" in text
    assert "10 (Extremely likely): https://" in text


def test_satisfaction_is_asked_with_faces_and_words(mailer: Mailer) -> None:
    mail = invitation(mailer, "retention", "nl")
    assert [word in mail.html for word in ("Zeer ontevreden", "Neutraal", "Zeer tevreden", "😐")] == [True] * 4
    assert "score=5" in mail.html
    assert "score=0" not in mail.html


def test_the_way_out_is_in_the_headers_and_in_both_parts(mailer: Mailer) -> None:
    mail = invitation(mailer)
    assert mail.headers == {
        "List-Unsubscribe": "<https://feedback.example/u/the-token>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Feedback-ID": "after-support:default:invitation:ringback",
    }
    assert 'href="https://feedback.example/u/the-token"' in mail.html
    assert "https://feedback.example/u/the-token" in mail.text


def test_the_greeting_and_the_subject_are_personal_and_do_without_what_is_unknown(mailer: Mailer) -> None:
    known = invitation(mailer, context={"agent": "Jan", "product": "the R&D kit"})
    assert (known.subject, known.to, known.to_name) == ("How did Jan do?", "ann@example.com", "Ann Bakker")
    assert "Jan recently helped you with the R&amp;D kit." in known.html
    unknown = invitation(mailer, customer={"name": ""}, language="nl")
    assert unknown.subject == "Hoe hielpen wij u met uw vraag?"
    assert "Beste klant," in unknown.text


def test_the_mail_says_its_language(mailer: Mailer) -> None:
    assert 'lang="nl"' in invitation(mailer, language="nl").html


def test_what_customers_are_called_is_text_and_never_markup(mailer: Mailer) -> None:
    html = invitation(mailer, customer={"name": "<script>alert(1)</script>"}, context={"agent": '"><img>'}).html
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert '"><img>' not in html


def test_what_customers_are_called_is_no_template_either(mailer: Mailer) -> None:
    mail = invitation(mailer, customer={"name": "{{ unsubscribe }}{% raw %}"})
    assert "Hello {{ unsubscribe }}{% raw %}," in mail.html
    assert "Hello {{ unsubscribe }}{% raw %}," in mail.text


def test_a_subject_cannot_begin_another_header(mailer: Mailer) -> None:
    subject = invitation(mailer, context={"agent": "Jan\r\nBcc: everybody@example.com" + "x" * 200}).subject
    assert "\n" not in subject
    assert len(subject) <= 150


@pytest.mark.parametrize("name", ["Go: https://evil.example", "www.evil.example", "evil.example/x", "a@b.nl", 81 * "x"])
def test_a_name_that_lures_readers_elsewhere_is_not_carried(name: str) -> None:
    assert harmless_name(name) == ""


@pytest.mark.parametrize("name", ["Ann Bakker", "J. de Vries", "Müller-Lüdenscheidt", "O'Neill", "李小龙"])
def test_a_name_of_a_person_is_carried_as_it_is(name: str) -> None:
    assert harmless_name(f" {name}\n") == name


def test_an_agents_photo_is_shown_when_it_is_on_the_secure_web(mailer: Mailer) -> None:
    assert "https://a.example/jan.jpg" in invitation(mailer, context={"agent_photo": "https://a.example/jan.jpg"}).html
    assert "jan.jpg" not in invitation(mailer, context={"agent_photo": "javascript:jan.jpg"}).html


def test_nothing_is_fetched_from_others(mailer: Mailer) -> None:
    html = invitation(mailer).html
    assert "fonts.googleapis.com" not in html
    assert "<img" not in html.replace("<!--", "")


def with_question_text(text: str) -> Survey:
    data = yaml.safe_load(built_in()["after-support"])
    data["questions"][0]["text"] = {"en": text, "nl": text}
    return from_dict(data)


def test_a_question_with_braces_is_shown_and_not_run(mailer: Mailer) -> None:
    html = mailer.invitation(with_question_text("Is {{ page }} & {% if %} fine?"), "en", ANN, {}, TOKEN).html
    assert "Is {\u2060{ page }} &amp; {\u2060% if %} fine?" in html


def test_two_surveys_and_two_people_never_share_a_mail(mailer: Mailer) -> None:
    first = mailer.invitation(with_question_text("First?"), "en", ANN, {}, "one")
    second = mailer.invitation(with_question_text("Second?"), "en", {"name": "Bob"}, {}, "two")
    assert "First?" in first.html
    assert "/s/one?" in first.html
    assert "Ann" not in second.html
    assert "First?" not in second.html
    assert "/s/one" not in second.html


def test_a_brand_says_who_sends_and_where_answers_go() -> None:
    brand = Brand(name="care", sender="Care <care@acme.example>", reply_to="Help <help@acme.example>")
    mail = invitation(Mailer("https://feedback.example", {"default": brand}))
    assert mail.sender == "Care <care@acme.example>"
    assert mail.headers is not None
    assert mail.headers["Reply-To"] == "Help <help@acme.example>"
    plain = Mailer("https://f.example", {"default": brand}).message("Hi", "Hello", "nl", "greet", "mark")
    assert (plain["sender"], plain["headers"]["Feedback-ID"]) == (brand.sender, "greet:care:message:ringback")


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("slug", built_in())
def test_the_text_part_has_short_lines_but_for_addresses_and_the_mail_is_light(
    mailer: Mailer, slug: str, language: str
) -> None:
    mail = invitation(mailer, slug, language, context={"agent": "Jan de Boer", "product": "the coffee machine"})
    assert [line for line in mail.text.splitlines() if len(line) > 72 and "://" not in line] == []
    assert len(mail.html.encode()) < 60_000


def reworded(**texts: Any) -> Survey:
    data = yaml.safe_load(built_in()["after-support"])
    data["mail"] |= texts
    return from_dict(data)


def test_the_preview_is_the_surveys_own_or_how_the_mail_begins(mailer: Mailer) -> None:
    own = reworded(preview={"en": "One click, {{ customer.name }}", "nl": "Eén klik"})
    assert "One click, Ann Bakker&#" in mailer.invitation(own, "en", ANN, {}, TOKEN).html.replace("\u034f", "&#847;")
    assert "We recently helped you." in preview_of(invitation(mailer))


def preview_of(mail: Mail) -> str:
    return mail.html.partition("<body")[2].partition("</div>")[0]


def test_the_ticket_may_be_named_unless_its_subject_leads_elsewhere(mailer: Mailer) -> None:
    named = reworded(intro={"en": "{% if ticket.subject != '' %}About: {{ ticket.subject }}.{% endif %}", "nl": "-"})

    def text(subject: str) -> str:
        return mailer.invitation(named, "en", ANN, {"subject": subject}, TOKEN).text

    assert "About: The lamp blinks." in text("The lamp blinks")
    assert "About" not in text("Win at www.evil.example") + text("")


SECOND = {"en": "Second", "nl": "Tweede"}


def test_two_wordings_are_shared_out_by_the_invitation_alone_and_part_by_part() -> None:
    mail = reworded(second={"subject": SECOND, "intro": SECOND}).mail
    ids = [new_id() for _ in range(400)]
    chosen = [mail_variants.choose(mail, id_) for id_ in ids]
    pairs = Counter((variants["subject"], variants["intro"]) for variants in chosen)
    assert set(pairs) == {("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")}
    assert min(pairs.values()) > 60, "of a hundred each"
    assert [mail_variants.choose(mail, id_) for id_ in ids] == chosen


def test_the_mail_has_the_wording_that_was_chosen(mailer: Mailer) -> None:
    survey = reworded(second={"subject": SECOND, "greeting": SECOND})
    first, second = ({"subject": letter, "greeting": "a"} for letter in "ab")
    subjects = [mailer.invitation(survey, "nl", ANN, {}, TOKEN, variants).subject for variants in (first, second)]
    assert subjects == ["Hoe hielpen wij u met uw vraag?", "Tweede"]
    assert "Tweede" not in mailer.invitation(survey, "nl", ANN, {}, TOKEN, second).text


def test_a_survey_with_one_wording_has_no_variants() -> None:
    assert mail_variants.choose(reworded().mail, new_id()) == {}


def test_two_wordings_come_back_from_yaml_as_they_were_written() -> None:
    survey = reworded(second={"subject": SECOND})
    assert from_dict(to_dict(survey)) == survey
    assert to_dict(survey)["mail"]["second"] == {"subject": SECOND}


@pytest.mark.parametrize(
    ("texts", "path", "said"),
    [
        ({"second": {"subjekt": SECOND}}, "mail.second.subjekt", "it is not known"),
        ({"second": {"subject": "Hi"}}, "mail.second.subject", "it is one text for all languages"),
        ({"second": {"subject": {"en": "Hi"}}}, "mail.second.subject", "its wording in nl is missing"),
        ({"second": {"subject": {"en": "{{ order }}", "nl": "-"}}}, "mail.second.subject.en", "order is not known"),
        ({"preview": {"en": "Hi"}}, "mail.preview", "its wording in nl is missing"),
    ],
)
def test_a_mistake_in_a_wording_is_named_with_its_place(texts: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        reworded(**texts)
    assert [each.path for each in refused.value.mistakes if said in each.message] == [path]


def test_the_brand_is_in_the_mail(mailer: Mailer) -> None:
    html = invitation(mailer).html
    parts = ("Acme &amp; Co", "#0b6e4f", "Acme, Amsterdam", "https://a.example/p")
    assert [part for part in parts if part not in html] == []


def test_a_plain_message_keeps_its_lines_and_escapes_its_text() -> None:
    html = render_message("Thanks", "Dear <Ann>,\nthank you & goodbye", "nl-BE", Brand(title="Acme"))
    assert "Dear &lt;Ann&gt;,<br />\nthank you &amp; goodbye" in html
    assert 'lang="nl"' in html


def test_links_do_not_depend_on_a_slash_at_the_end_of_the_address() -> None:
    assert links("https://f.example/", "t").page == links("https://f.example", "t").page == "https://f.example/s/t"

"""How the survey pages look: values in, a whole response out. Nothing is decided or stored here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from babel import Locale, UnknownLocaleError
from flask import Response, render_template, request, url_for

from connector.feedback.messaging.brands import Brand
from connector.feedback.messaging.scale_labels import ends, has_smileys, smiley_words
from connector.feedback.messaging.translations import Say, Words
from connector.feedback.surveys.model import Link, Question, Survey, points, scale_of

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'{logos}; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page has: the house style, the language, and the languages one may switch to."""

    brand: Brand
    language: str
    languages: tuple[str, ...] = ()
    unsubscribe: str = ""
    fallback: str = ""  # the survey's, for a language without a catalogue

    @property
    def say(self) -> Words:
        return self.brand.words(self.language, self.fallback)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The survey as it is filled in so far. ``chosen`` is a score that was clicked in the mail and not sent yet."""

    survey: Survey
    asked: tuple[Question, ...]
    band: str
    values: Mapping[str, Any]
    errors: Mapping[str, str] = field(default_factory=dict)
    chosen: int | None = None

    def chosen_word(self, say: Say) -> str:
        """The clicked score as the mail showed it: a number, or what the smiley means."""
        if self.chosen is None:
            return ""
        smiley = has_smileys(scale_of(self.survey.main))
        return say(smiley_words()[self.chosen - 1]).lower() if smiley else str(self.chosen)

    @property
    def shape(self) -> str:
        """What the questions below the first look like; the page replaces them only when this changes."""
        return ".".join([self.band, *(question.id for question in self.asked[1:])])


def question_page(frame: Frame, sheet: Sheet, here: str, save: str) -> Response:
    """The survey. 422 when answers were refused, so that nothing takes it for done."""
    status = 422 if sheet.errors else 200
    return _page(frame, "survey/page.html", status, here=here, save=save, **_fields(frame, sheet))


def more_questions(frame: Frame, sheet: Sheet, status: int) -> Response:
    """Only the questions below the first, for the script to put in place."""
    return Response(render_template("survey/more.html", **_words(frame), **_fields(frame, sheet)), status)


def thank_you(frame: Frame, survey: Survey, band: str, *, again: bool) -> Response:
    """The thank-you of the score's band. ``again``: they came back to what they sent before."""
    thanks, say = survey.thanks[band], frame.say
    note = [say("We already have your answer; nothing more is needed.")] if again else []
    texts = [*note, thanks.text[frame.language]]
    return message(frame, thanks.title[frame.language], texts, "thanks", link=thanks.link)


def expired(frame: Frame) -> Response:
    say = frame.say
    text = say("The time to answer is over. If there is something we should know, just reply to our e-mail.")
    return message(frame, say("This survey has closed"), [text], status=410)


def unknown(frame: Frame) -> Response:
    """The same for every address that is not there: it tells nobody whether one ever was."""
    say = frame.say
    text = say("Please check that the whole address was copied from the message.")
    return message(frame, say("This page does not exist"), [text], status=404)


def too_large(frame: Frame) -> Response:
    say = frame.say
    text = say("Please go back and shorten your text.")
    return message(frame, say("That was more than we can take"), [text], status=413)


def stop_question(frame: Frame, action: str) -> Response:
    """Asks before anything stops: a link scanner only looks."""
    say = frame.say
    text = say("You will get no more invitations to surveys. Messages about your orders and questions still reach you.")
    return message(frame, say("No more surveys?"), [text], action=action, submit=say("Stop the surveys"))


def stopped(frame: Frame) -> Response:
    say = frame.say
    text = say("You will get no more invitations to surveys from us. This takes effect at once.")
    return message(frame, say("Done"), [text], "thanks")


def message(
    frame: Frame,
    title: str,
    paragraphs: Sequence[str],
    mood: str = "plain",
    *,
    status: int = 200,
    link: Link | None = None,
    action: str = "",
    submit: str = "",
) -> Response:
    """A page that says something, perhaps with one thing to do."""
    return _page(
        frame, "survey/message.html", status,
        title=title, paragraphs=paragraphs, mood=mood, link=link, action=action, submit=submit,
    )  # fmt: skip


def brand_style(brand: Brand) -> Response:
    """The brand's colours as a stylesheet of its own: the policy allows no style inside the page."""
    names = {"accent": brand.accent, "on-accent": brand.on_accent, "ink": brand.ink, "ink-dark": brand.ink_dark}
    lines = [f"--{name}: {value};" for name, value in {**names, "font": brand.font}.items()]
    response = Response(f":root {{ {' '.join(lines)} }}\n", mimetype="text/css")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def guard(response: Response, logo_origins: Sequence[str] = ()) -> Response:
    """Nothing cached, nothing indexed, the address (it is the secret) told to nobody, nothing foreign loaded."""
    response.headers.setdefault("Cache-Control", "no-store")
    logos = "".join(f" {origin}" for origin in logo_origins)
    response.headers.setdefault("Content-Security-Policy", _POLICY.format(logos=logos))
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _page(frame: Frame, template: str, status: int, **more: Any) -> Response:
    page = render_template(template, **_words(frame), switches=_switches(frame), unsubscribe=frame.unsubscribe, **more)
    response = guard(Response(page, status), frame.brand.logo_origins)
    response.headers["Content-Language"] = frame.language
    return response


def _words(frame: Frame) -> dict[str, Any]:
    return {"brand": frame.brand, "language": frame.language, "_": frame.say}


def _fields(frame: Frame, sheet: Sheet) -> dict[str, Any]:
    fields = ("survey", "asked", "band", "values", "errors", "shape")
    submit = frame.say("Send my answer") if sheet.band else frame.say("Continue")
    words = {"points": points, "ends": ends, "has_smileys": has_smileys, "smiley_words": smiley_words()}
    said = {"submit": submit, "chosen": sheet.chosen_word(frame.say)}
    return {name: getattr(sheet, name) for name in fields} | words | said


def _switches(frame: Frame) -> list[tuple[str, str, str]]:
    """(code, own name, address) of each language of the page."""
    kept = {**(request.view_args or {}), **({"score": request.args["score"]} if "score" in request.args else {})}
    endpoint = "survey.show" if request.endpoint == "survey.submit" else str(request.endpoint)
    return [(code, _own_name(code), url_for(endpoint, **kept, lang=code)) for code in frame.languages]


def _own_name(language: str) -> str:
    try:
        name = Locale.parse(language, sep="-").get_display_name()
    except (UnknownLocaleError, ValueError):
        name = None
    return (name or language).capitalize()

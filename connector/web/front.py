"""``/``: what runs here and where to go, for whoever types the address by hand. It tells nothing that is not public."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, make_response, render_template, request

from connector.feedback.messaging.brands import Brand, choose

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Ringback runs here",
        "what": "{name} asks customers how it went, calls back who was unhappy, and hears what becomes of it.",
        "customer": "Did we write to you? The link in our mail opens your survey; there is nothing to find here.",
        "staff": "You work here?",
        "sign_in": "Sign in",
        "programs": "For programs:",
        "api": "description of the API",
        "documents": "How it is set up and run stands in docs/start.md, which came with it.",
    },
    "nl": {
        "title": "Hier draait Ringback",
        "what": "{name} vraagt klanten hoe het ging, belt terug wie ontevreden was, en volgt wat ervan komt.",
        "customer": "Hebben wij u geschreven? De link in onze mail opent uw enquête; hier is verder niets te vinden.",
        "staff": "Werkt u hier?",
        "sign_in": "Inloggen",
        "programs": "Voor programma's:",
        "api": "beschrijving van de API",
        "documents": "Hoe u het inricht en beheert, staat in docs/start.md, dat is meegeleverd.",
    },
}


def blueprint(brands: Mapping[str, Brand], has_door: Callable[[], bool]) -> Blueprint:
    """``has_door``: whether people of the house can sign in here."""
    routes = Blueprint("front", __name__, template_folder="templates")

    @routes.get("/")
    def front() -> Response:
        spoken = (each.partition("-")[0].lower() for each in request.accept_languages.values())
        language = next((each for each in spoken if each in _WORDS), "en")
        name = choose(brands, "").title or "Ringback"
        page = make_response(
            render_template("connect/front.html", words=_WORDS[language], language=language, name=name, door=has_door())
        )
        page.headers["Content-Security-Policy"] = _POLICY
        page.headers["Referrer-Policy"] = "no-referrer"
        page.headers["Vary"] = "Accept-Language"
        return page

    return routes

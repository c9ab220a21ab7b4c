"""What Zendesk refuses in an app's manifest, or warns of, each with its remedy. Pure.

Held against Zendesk's own validator of apps (its manifest, secure settings, translations and file type checks) and its
"Manifest reference", "Setting up new apps" (scopes, files) and "Setting the app location". Where Zendesk only warns
(an open token, a secure setting that may go anywhere), this refuses: nobody reads the warning of a packed app.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from integrations.protocols import Json

Files = Mapping[str, bytes]

LOCALE = re.compile(r"[a-z]{2}(-\w{2,3})?")
TYPES = frozenset({"text", "checkbox", "url", "number", "multiline", "hidden", "oauth"})
SCOPES = frozenset({"header", "body", "url_host", "url_path", "jwt_secret_key", "jwt_claim"})
LOCATIONS: Mapping[str, frozenset[str]] = {
    "support": frozenset({
        "top_bar", "nav_bar", "ticket_sidebar", "new_ticket_sidebar", "user_sidebar", "organization_sidebar",
        "background", "modal", "ticket_editor", "system_top_bar",
    }),
    "chat": frozenset({"chat_sidebar", "background"}),
    "sell": frozenset({
        "deal_card", "person_card", "company_card", "lead_card", "background", "modal", "dashboard", "note_editor",
        "call_log_editor", "email_editor", "top_bar",
    }),
}  # fmt: skip
"""Where an app may appear, by product."""

_WITH_ICON = ("top_bar", "nav_bar", "ticket_editor", "system_top_bar")
_BOOLEANS = ("requirementsOnly", "marketingOnly", "singleInstall", "signedUrls", "private")
_TEXTS = ("name", "version", "frameworkVersion", "defaultLocale", "remoteInstallationURL", "termsConditionsURL", "gaID")
_OAUTH = ("client_id", "client_secret", "authorize_uri", "access_token_uri")
_SECRET = re.compile(r"token|key|pwd|password", re.IGNORECASE)
_HOST = re.compile(r"(?!.*\.\.)[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)
_PUBLIC = ("short_description", "installation_instructions", "long_description")
_NO_FILES = frozenset({
    "rar", "zip", "gz", "gzip", "pdf", "doc", "docx", "avi", "bin", "bz", "bz2", "csh", "sh", "jar", "mp3", "mpeg",
    "odt", "pptx", "ppt", "xls", "xlsx", "7z",
})  # fmt: skip
_OLD = re.compile(r"app\.(js|css)|(lib|templates)/.*")


def twice(text: bytes) -> Iterator[str]:
    """Keys that stand twice in one object: JSON readers keep the last, Zendesk refuses both."""
    found: list[str] = []

    def pairs(given: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in given]
        found.extend(name for name in dict.fromkeys(names) if names.count(name) > 1)
        return dict(given)

    try:
        json.loads(text, object_pairs_hook=pairs)
    except ValueError:
        return
    yield from (f"manifest.json: {name} stands there twice; keep one of them" for name in found)


def manifest(given: Json, files: Files) -> Iterator[str]:
    """Every mistake of the manifest itself."""
    yield from (f"manifest.json: {mistake}" for mistake in _whole(given, files))


def _whole(given: Json, files: Files) -> Iterator[str]:
    yield from _author(given.get("author"))
    if given.get("frameworkVersion") != "2.0":
        yield 'frameworkVersion is not "2.0"; write that'
    if not re.fullmatch(r"\d+(\.\d+){1,2}", str(given.get("version"))):
        yield "version is no version; write one as 1.0.0"
    locale = given.get("defaultLocale")
    if not (isinstance(locale, str) and LOCALE.fullmatch(locale) and f"translations/{locale}.json" in files):
        yield "defaultLocale has no file in translations/; add it, or name another"
    yield from _kinds(given)
    yield from _locations(given.get("location"), files)
    yield from _hosts(given.get("domainWhitelist"))
    yield from _parameters(given.get("parameters"), given.get("oauth"))


def _author(author: Any) -> Iterator[str]:
    told = author if isinstance(author, Mapping) else {}
    if not all(isinstance(told.get(name), str) and told[name] for name in ("name", "email")):
        yield "author lacks name or email; give both"
    if told.get("url") is not None and not _is_url(told["url"]):
        yield f"author.url is {told['url']!r}; write an address with https://, or leave it out"


def _is_url(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def _kinds(given: Json) -> Iterator[str]:
    for name in _BOOLEANS:
        if not isinstance(given.get(name, False), bool):
            yield f"{name} is {given[name]!r}; write true or false"
    for name in _TEXTS:
        if not isinstance(given.get(name, ""), str):
            yield f"{name} is {given[name]!r}; write a text"
    for name in ("requirementsOnly", "marketingOnly", "noTemplate"):
        if given.get(name):
            yield f"{name} does not go with an app that has pages; leave it out"
    if given.get("termsConditionsURL") and not _is_url(given["termsConditionsURL"]):
        yield f"termsConditionsURL is {given['termsConditionsURL']!r}; write an address with https://"
    if given.get("experiments"):
        yield "experiments are not taken by Zendesk's upload; leave them out"


# --- where it appears -----------------------------------------------------------------------------------------------


def _locations(location: Any, files: Files) -> Iterator[str]:
    products = location if isinstance(location, Mapping) else {}
    if not isinstance(products.get("support"), Mapping) or not products["support"]:
        yield "location.support names no place; name ticket_sidebar"
    for product, places in products.items():
        if product not in LOCATIONS:
            yield f"location.{product} is no product; write {', '.join(LOCATIONS)}"
        elif isinstance(places, Mapping):
            found = (mistake for name in places for mistake in _place(product, name, places[name], files))
            yield from (f"location.{product}.{mistake}" for mistake in found)


def _place(product: str, name: str, place: Any, files: Files) -> Iterator[str]:
    if name not in LOCATIONS[product]:
        yield f"{name} is no place there; places are {', '.join(sorted(LOCATIONS[product]))}"
    told = place if isinstance(place, Mapping) else {}
    url = told.get("url")
    if not (isinstance(url, str) and url.startswith("assets/") and url in files):
        yield f"{name}.url is {url!r}; name a file in assets/"
    for flag in ("flexible", "autoLoad", "autoHide", "signed"):
        if not isinstance(told.get(flag, False), bool):
            yield f"{name}.{flag} is {told[flag]!r}; write true or false"
    if name in _WITH_ICON and f"assets/icon_{name}.svg" not in files:
        yield f"{name} needs an icon; add assets/icon_{name}.svg"


def _hosts(hosts: Any) -> Iterator[str]:
    """A host is compared as it stands: with a scheme, a port, a path or a star it matches none."""
    if not (isinstance(hosts, list) and hosts and all(isinstance(each, str) and each for each in hosts)):
        yield "domainWhitelist names no host; the token would go nowhere, or anywhere"
        return
    for each in hosts:
        if not _HOST.fullmatch(each):
            yield f"domainWhitelist names {each!r}, which is no host; write it as feedback.acme.example"


# --- settings -------------------------------------------------------------------------------------------------------


def _parameters(given: Any, oauth: Any) -> Iterator[str]:
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given):
        yield "parameters is no list of objects; write one"
        return
    names = [str(each.get("name")) for each in given]
    if len(set(names)) < len(names):
        yield "two parameters have one name; rename one"
    for each in given:
        yield from (f"parameter {each.get('name')} {mistake}" for mistake in _parameter(each))
    yield from _oauth(oauth, sum(each.get("type") == "oauth" for each in given))


def _parameter(each: Json) -> Iterator[str]:
    yield from _kind(each)
    if not all(isinstance(each.get(flag, False), bool) for flag in ("required", "secure")):
        yield "has a flag that is neither true nor false; write one of them"
    if each.get("type") == "hidden" and each.get("required"):
        yield "is hidden and required, and nobody could fill it in; leave out required"
    if (each.get("secure") or each.get("type") == "hidden") and "default" in each:
        yield "is secure or hidden and has a default, which everybody could read; leave it out"
    if _SECRET.search(str(each.get("name"))) and each.get("type", "text") == "text" and not each.get("secure"):
        yield "looks like a secret and is not secure, so every agent's browser gets it; write secure: true, with scopes"
    yield from _scopes(each)


def _kind(each: Json) -> Iterator[str]:
    name, kind = each.get("name"), each.get("type", "text")
    if kind == "password":
        yield "is of type password, which Zendesk takes no more; write text with secure: true, and scopes"
    elif not isinstance(name, str) or not name or name == "name" or not isinstance(kind, str) or kind not in TYPES:
        yield f"has a name or type that Zendesk does not take; types are {', '.join(sorted(TYPES))}"


def _scopes(each: Json) -> Iterator[str]:
    scopes = each.get("scopes")
    named = isinstance(scopes, list) and all(isinstance(scope, str) and scope in SCOPES for scope in scopes)
    if each.get("secure") and not (named and scopes):
        yield f"is secure and says not where it may go; give scopes of {', '.join(sorted(SCOPES))}"
    elif scopes is not None and not named:
        yield f"has scopes that Zendesk does not know; they are {', '.join(sorted(SCOPES))}"
    elif scopes and not each.get("secure"):
        yield "has scopes and is not secure, so they hold nothing back; write secure: true"
    if each.get("secure") and each.get("type") == "oauth":
        yield "is of type oauth and secure, and Zendesk takes only one of the two; leave out secure"


def _oauth(oauth: Any, count: int) -> Iterator[str]:
    if count > 1:
        yield "two parameters are of type oauth; keep one"
    if oauth is None:
        if count:
            yield f"a parameter is of type oauth and oauth is missing; give {', '.join(_OAUTH)}"
        return
    told = oauth if isinstance(oauth, Mapping) else {}
    if missing := [name for name in _OAUTH if not told.get(name)]:
        yield f"oauth lacks {', '.join(missing)}; give them"
    if not count:
        yield "oauth needs a parameter of type oauth; add one"


# --- words and files ------------------------------------------------------------------------------------------------


def translations(files: Files, given: Json, words: Mapping[str, Json | None]) -> Iterator[str]:
    """``words`` are the files of translations/, by path; None for what is no JSON object."""
    products = set(given["location"]) if isinstance(given.get("location"), Mapping) else set()
    for path, told in words.items():
        if not LOCALE.fullmatch(path.removeprefix("translations/").removesuffix(".json")):
            yield f"{path} is named after no language; call it as nl.json"
        app = (told or {}).get("app")
        if not isinstance(app, Mapping) or not isinstance(app.get("name"), str) or not app["name"]:
            yield f"{path} has no app.name; give one"
            continue
        yield from (f"{path} {mistake}" for mistake in _words(app, given, products))


def _words(app: Json, given: Json, products: set[str]) -> Iterator[str]:
    if given.get("private", True) is False and (missing := [name for name in _PUBLIC if not app.get(name)]):
        yield f"lacks app.{', app.'.join(missing)}, which a public app needs; give them"
    if others := sorted((set(app) & set(LOCATIONS)) - products):
        yield f"speaks of {', '.join(others)}, where the app does not appear; take it out"
    labels = app.get("parameters") or {}
    wanted = [str(each.get("name")) for each in _listed(given.get("parameters")) if each.get("type") != "hidden"]
    if not isinstance(labels, Mapping) or not all(_has_label(labels.get(name)) for name in {*labels, *wanted}):
        yield "has a parameter without a label; give each a label under app.parameters"


def _listed(given: Any) -> Sequence[Json]:
    return [each for each in given if isinstance(each, Mapping)] if isinstance(given, list) else []


def _has_label(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("label"), str) and bool(value["label"])


def contents(files: Files) -> Iterator[str]:
    """Files that Zendesk does not take along."""
    for path in files:
        if path.rpartition(".")[2].lower() in _NO_FILES:
            yield f"{path} is of a kind that Zendesk does not take; leave it out"
        if _OLD.fullmatch(path):
            yield f"{path} belongs to the first framework; move it into assets/"

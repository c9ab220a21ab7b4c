"""The sidebar app's zip: what Zendesk checks, nothing secret in it, and the same bytes for the same words."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.feedback.agent.sidebar import NO_WORKFLOW
from connector.feedback.surveys.asking import eligibility
from integrations.callback_fields import OUTCOMES, ROOT_CAUSES
from integrations.zendesk.sidebar.packing import PackError, app_files, check, pack

HOUSE = "https://feedback.acme.example"
FILES = dict(app_files(HOUSE, "zendesk"))


def manifest(**changes: Any) -> dict[str, bytes]:
    return {**FILES, "manifest.json": json.dumps({**json.loads(FILES["manifest.json"]), **changes}).encode()}


PLACE = {"url": "assets/iframe.html"}
OAUTH = {"client_id": "a", "client_secret": "b", "authorize_uri": "https://c.example", "access_token_uri": "https://d"}


def words(**changes: Any) -> dict[str, bytes]:
    """Other words in the English translation."""
    told = json.loads(FILES["translations/en.json"])
    return {**FILES, "translations/en.json": json.dumps({"app": {**told["app"], **changes}}).encode()}


def only(path: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: files[path]}


def without(path: str) -> dict[str, bytes]:
    return {name: content for name, content in FILES.items() if name != path}


def parameter(**one: Any) -> dict[str, bytes]:
    return manifest(parameters=[{"name": "token", "type": "text", "secure": True, "scopes": ["header"]} | one])


def test_the_zip_is_filled_in_for_the_house_and_the_token_may_go_nowhere_else() -> None:
    with zipfile.ZipFile(io.BytesIO(pack(HOUSE + "/", "zendesk-nl"))) as archive:
        assert archive.testzip() is None
        told = json.loads(archive.read("manifest.json"))
    assert told["domainWhitelist"] == ["feedback.acme.example"]
    defaults = {each["name"]: each.get("default") for each in told["parameters"]}
    assert defaults == {"address": HOUSE, "connection": "zendesk-nl", "token": None}
    [token] = [each for each in told["parameters"] if each["name"] == "token"]
    assert (token["secure"], token["scopes"]) == (True, ["header"])
    assert set(told["location"]["support"]) == {"ticket_sidebar", "user_sidebar"}


def test_the_same_app_is_the_same_bytes() -> None:
    assert pack(HOUSE, "zendesk") == pack(HOUSE, "zendesk")
    assert pack(HOUSE, "zendesk") != pack(HOUSE, "other")


def test_the_page_asks_for_one_script_of_ours_and_nothing_holds_up_its_first_sight() -> None:
    """What imports would ask for one after the other is one file here; ``defer`` lets the page be read meanwhile."""
    page = FILES["assets/iframe.html"].decode()
    assert [path for path in FILES if path.endswith(".js")] == ["assets/sidebar.js"]
    scripts = re.findall(r"<script ([^>]*)>", page)
    assert [each.startswith("defer ") for each in scripts] == [True, True]
    assert re.search(r"^\s*(import|export)\b", FILES["assets/sidebar.js"].decode(), re.MULTILINE) is None


def test_it_is_small_enough_to_be_there_at_once() -> None:
    """Everything an agent's browser loads, but for Zendesk's own SDK."""
    loaded = [content for path, content in FILES.items() if path.endswith((".js", ".css", ".html"))]
    assert sum(map(len, loaded)) < 60_000


@pytest.mark.parametrize("address", ["http://feedback.acme.example", "feedback.acme.example", "", "ftp://x"])
def test_an_address_that_zendesk_sends_no_token_to_is_refused(address: str) -> None:
    with pytest.raises(PackError, match="RINGBACK_BASE_URL"):
        pack(address, "zendesk")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (without("manifest.json"), "manifest.json is missing"),
        ({**FILES, "manifest.json": b"["}, "manifest.json is missing"),
        (manifest(author="Ringback"), "author lacks"),
        (manifest(frameworkVersion="1.0"), "frameworkVersion"),
        (manifest(version="one"), "version"),
        (manifest(defaultLocale="fr"), "defaultLocale"),
        (manifest(location={}), "names no place"),
        (manifest(location={"support": {"ticket_sidebar": {"url": "assets/other.html"}}}), "ticket_sidebar.url"),
        (manifest(location={"support": {"ticket_sidebar": "assets/iframe.html"}}), "ticket_sidebar.url"),
        (manifest(domainWhitelist=[]), "domainWhitelist"),
        (manifest(parameters={}), "no list"),
        (manifest(parameters=[{"name": "a"}, {"name": "a"}]), "one name"),
        (parameter(name="name"), "name or type"),
        (parameter(type="secret"), "name or type"),
        (parameter(secure="yes"), "neither true nor false"),
        (parameter(scopes=[]), "where it may go"),
        (parameter(default="rb_x"), "everybody could read"),
        (parameter(type="password"), "is of type password, which Zendesk takes no more"),
        (parameter(type=["text"]), "name or type"),
        (parameter(type="hidden", required=True), "hidden and required"),
        (parameter(type="hidden", secure=False, scopes=None, default="x"), "everybody could read"),
        (parameter(secure=False, scopes=None), "looks like a secret and is not secure"),
        (parameter(name="shop", secure=False), "they hold nothing back"),
        (parameter(scopes="header"), "where it may go"),
        (parameter(scopes={"header": True}), "where it may go"),
        (parameter(scopes=["header", "cookie"]), "where it may go"),
        (parameter(scopes=[["header"]]), "where it may go"),
        (parameter(name="shop", secure=False, scopes=["cookie"]), "does not know"),
        (parameter(name="login", type="oauth"), "oauth is missing"),
        (parameter(name="login", type="oauth"), "only one of the two"),
        (manifest(parameters=[{"name": "a", "type": "oauth"}, {"name": "b", "type": "oauth"}]), "keep one"),
        (manifest(oauth={"client_id": "x"}), "oauth lacks client_secret, authorize_uri, access_token_uri"),
        (manifest(oauth=OAUTH), "needs a parameter of type oauth"),
        (manifest(parameters=[{"type": "text"}]), "name or type"),
        (manifest(parameters=[None]), "no list"),
        (manifest(parameters=None), "no list"),
        (manifest(author={"name": "R", "email": 1}), "author lacks"),
        (manifest(author={"name": "R", "email": "r@example.com", "url": "acme.example"}), "author.url"),
        (manifest(private="yes"), "private is 'yes'"),
        (manifest(singleInstall=None), "singleInstall is None"),
        (manifest(signedUrls=1), "signedUrls is 1"),
        (manifest(gaID=7), "gaID is 7"),
        (manifest(termsConditionsURL="acme.example"), "termsConditionsURL"),
        (manifest(experiments={"newThing": True}), "experiments"),
        (manifest(noTemplate=True), "noTemplate"),
        (manifest(requirementsOnly=True), "requirementsOnly"),
        (manifest(frameworkVersion="2.1"), "frameworkVersion"),
        (manifest(frameworkVersion=2.0), "frameworkVersion"),
        (manifest(defaultLocale="EN"), "defaultLocale"),
        (manifest(location="ticket_sidebar"), "names no place"),
        (manifest(location={"support": {"ticket_side": PLACE}}), "ticket_side is no place there"),
        (manifest(location={"support": {"ticket_sidebar": PLACE | {"flexible": "always"}}}), "flexible is 'always'"),
        (manifest(location={"support": {"ticket_sidebar": {"url": "manifest.json"}}}), "ticket_sidebar.url"),
        (manifest(location={"support": {"nav_bar": PLACE}}), "add assets/icon_nav_bar.svg"),
        (manifest(location={"support": {"ticket_sidebar": PLACE}, "freshdesk": {"a": PLACE}}), "is no product"),
        (manifest(location={"support": {"ticket_sidebar": PLACE}, "chat": {"user_sidebar": PLACE}}), "no place there"),
        (manifest(domainWhitelist=["https://feedback.acme.example"]), "which is no host"),
        (manifest(domainWhitelist=["feedback.acme.example/api"]), "which is no host"),
        (manifest(domainWhitelist=["feedback.acme.example:8443"]), "which is no host"),
        (manifest(domainWhitelist=["*.acme.example"]), "which is no host"),
        (manifest(domainWhitelist=["*"]), "which is no host"),
        (manifest(domainWhitelist=[None]), "names no host"),
        ({**words(short_description=""), **only("manifest.json", manifest(private=False))}, "app.short_description"),
        (words(name=7), "app.name"),
        (words(parameters={"address": {"label": "A"}}), "without a label"),
        (words(parameters={"address": "A", "connection": {"label": "C"}, "token": {"label": "T"}}), "without a label"),
        (words(chat={"name": "Ringback"}), "speaks of chat"),
        ({**FILES, "manifest.json": FILES["manifest.json"].replace(b"{", b'{"private": true,', 1)}, "there twice"),
        ({**FILES, "assets/manual.pdf": b"%PDF"}, "assets/manual.pdf is of a kind"),
        ({**FILES, "app.js": b""}, "first framework"),
        ({**FILES, "templates/layout.hdbs": b""}, "first framework"),
        ({**FILES, "translations/nederlands.json": FILES["translations/nl.json"]}, "named after no language"),
        ({**FILES, "translations/nl.json": b"{}"}, "app.name"),
        (without("assets/logo.png"), "320 × 320"),
        ({**FILES, "assets/logo-small.png": FILES["assets/logo.png"]}, "128 × 128"),
        ({**FILES, "assets/iframe.html": b"<script>alert(1)</script>"}, "file of its own"),
        ({**FILES, "assets/iframe.html": b"<p onclick='x()'>"}, "file of its own"),
        (without("assets/sidebar.js"), "names sidebar.js"),
        (without("assets/sidebar.css"), "names sidebar.css"),
    ],
)
def test_what_zendesk_would_refuse_is_named_with_its_remedy(files: dict[str, bytes], said: str) -> None:
    assert any(said in mistake for mistake in check(files))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "name", "type", "secure", "scopes", "required", "default", "support", "ticket_sidebar", "url", "flexible",
    ]), inner, max_size=4), max_leaves=10)  # fmt: skip
KEYS = ("author", "location", "parameters", "oauth", "domainWhitelist", "defaultLocale", "private", "experiments")


@given(changes=st.dictionaries(st.sampled_from(KEYS), JSON), app=JSON)
def test_no_manifest_whatsoever_breaks_the_check(changes: dict[str, Any], app: Any) -> None:
    files = {**manifest(**changes), "translations/en.json": json.dumps({"app": app}).encode()}
    assert all(isinstance(mistake, str) for mistake in check(files))


def test_what_zendesk_takes_is_taken() -> None:
    assert list(check(FILES)) == []
    assert list(check(manifest(private=False))) == []
    login = {"name": "login", "type": "oauth"}
    said = json.loads(FILES["manifest.json"])
    told = words(parameters={**json.loads(FILES["translations/en.json"])["app"]["parameters"], "login": {"label": "L"}})
    dutch = json.loads(FILES["translations/nl.json"])
    dutch["app"]["parameters"]["login"] = {"label": "L"}
    with_login = manifest(parameters=[*said["parameters"], login], oauth=OAUTH)["manifest.json"]
    files = {**told, "manifest.json": with_login, "translations/nl.json": json.dumps(dutch).encode()}
    assert list(check(files)) == []


def _words() -> dict[str, Any]:
    after = FILES["assets/sidebar.js"].decode().partition("const WORDS = ")[2]
    return dict(json.JSONDecoder().raw_decode(after)[0])


def _shape(value: Any, of: Callable[[Any], Any] = lambda _: None) -> Any:
    if isinstance(value, dict):
        return {key: _shape(each, of) for key, each in value.items()}
    return [_shape(each, of) for each in value] if isinstance(value, list) else of(value)


def test_every_language_has_all_words_with_the_same_gaps() -> None:
    words = _words()
    assert set(words) == {"en", "nl"}
    gaps = {code: _shape(said, lambda text: sorted(set(_gaps(text)))) for code, said in words.items()}
    assert gaps["nl"] == gaps["en"]


def _gaps(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]


def test_the_app_offers_the_outcomes_and_causes_that_the_house_takes() -> None:
    for said in _words().values():
        assert tuple(said["callback"]["outcomes"]) == OUTCOMES
        assert tuple(said["callback"]["causes"]) == ROOT_CAUSES


REASONS = (
    eligibility.NO_ADDRESS, eligibility.OPTED_OUT, eligibility.SUSPENDED, eligibility.UNKNOWN,
    "not sent: already asked for this occasion",
    eligibility.other_language("fr", ["nl"]) or "", eligibility.other_language(None, ["nl", "en"]) or "",
    "not sent: asked 0 days ago, the rule is 90",
    "not sent: asked 12 days ago, the rule is 90", "not sent: the ticket was merged",
    "not sent: the customer has no e-mail address", "not sent: this e-mail address belongs to another customer",
    "not sent: the callback ticket was reopened", f"not sent: {NO_WORKFLOW}",
)  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
def test_the_app_has_words_for_each_reason_not_to_ask(reason: str) -> None:
    """The house says it in English; an agent reads it in their own language."""
    patterns = re.findall(r"^  \[/(.+)/, \(", FILES["assets/sidebar.js"].decode(), re.MULTILINE)
    assert len(patterns) > 8
    assert any(re.search(pattern, reason) for pattern in patterns)

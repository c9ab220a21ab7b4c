"""The way in over real requests: password and code, and what strangers' pages, planted cookies and guesses get."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError

from connector.access.people import Rights
from connector.access.way_in import first_admin
from connector.storage.schema import tables
from tests.support.admin import words
from tests.support.browserless import COOKIE, OURS, Person, a_person
from tests.support.house import Harness, a_home, a_house
from tests.support.people import BY_HAND, PASSWORD

_numbers = count(1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Harness]:
    """One house for all; each test brings its own people, and the clock only goes on."""
    file = shutil.copy(sqlite_template, tmp_path_factory.mktemp("sign-in") / "ringback.db")
    with a_home(f"sqlite:///{file}") as opened:
        a_person(opened, "admin", "root@bank.example")
        yield opened


@pytest.fixture(autouse=True)
def _later(home: Harness) -> None:
    """What one test tried holds up no other."""
    home.clock.move(minutes=30)


def new(home: Harness, role: str = "agent") -> Person:
    return a_person(home, role, f"{role}{next(_numbers)}@bank.example")


def stranger(home: Harness) -> Person:
    return Person(home, home.client.application.test_client())


# --- in and out


def test_an_agent_comes_in_by_password_and_out_again(home: Harness) -> None:
    ann = new(home)
    entered = ann.enter()
    assert (entered.status_code, entered.headers["Location"]) == (303, "/admin/")
    assert ann.get("/").status_code == 200
    assert ann.post("/sign-out").headers["Location"].endswith("/admin/sign-in")
    assert ann.get("/").headers["Location"].startswith("/admin/sign-in")


def test_an_admin_sets_up_an_app_first_and_then_needs_its_code(home: Harness) -> None:
    ada = new(home, "admin")
    shown = ada.enter()
    codes = re.findall(r"<li><code>([\w-]+)</code>", shown.get_data(as_text=True))
    assert len(codes) == 10
    assert ada.get("/").status_code == 200
    again = Person(home, home.client.application.test_client(), ada.user, ada.secret)
    assert again.enter().status_code == 303
    assert again.get("/users").status_code == 200


def test_between_password_and_code_nothing_is_seen(home: Harness) -> None:
    ada = new(home, "admin")
    ada.enter()
    half = Person(home, home.client.application.test_client(), ada.user)
    half.get("/sign-in")
    half.post("/sign-in", email=ada.user.email, password=PASSWORD)  # type: ignore[union-attr]
    for path in ("/", "/users", "/account", "/runs"):
        assert half.get(path).headers["Location"].startswith("/admin/sign-in/code"), path
    assert half.post("/account/language", language="nl").status_code == 303
    assert half.get("/sign-in/set-up").headers["Location"] == "/admin/sign-in", "an app cannot be swapped half-way"


def test_a_code_that_was_used_is_refused(home: Harness) -> None:
    ada = new(home, "admin")
    ada.enter()
    home.clock.move(seconds=60)
    for expected in (303, 422):
        other = Person(home, home.client.application.test_client(), ada.user, ada.secret)
        other.get("/sign-in")
        other.post("/sign-in", email=ada.user.email, password=PASSWORD)  # type: ignore[union-attr]
        other.get("/sign-in/code")
        assert other.post("/sign-in/code", code=ada.code).status_code == expected


def test_a_recovery_code_opens_once(home: Harness) -> None:
    ada = new(home, "admin")
    [code, *_] = re.findall(r"<li><code>([\w-]+)</code>", ada.enter().get_data(as_text=True))
    for expected in (303, 422):
        other = Person(home, home.client.application.test_client(), ada.user)
        other.get("/sign-in")
        other.post("/sign-in", email=ada.user.email, password=PASSWORD)  # type: ignore[union-attr]
        other.get("/sign-in/code")
        assert other.post("/sign-in/code", code=code).status_code == expected


def test_the_cookie_is_for_this_host_alone_and_no_script_sees_it(home: Harness) -> None:
    ann = new(home)
    cookie = ann.enter().headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


def test_over_https_the_cookie_is_a_host_cookie(home: Harness, tmp_path: Path, sqlite_template: Path) -> None:
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'https.db')}"
    with a_house(url, home.world, {}, clock=home.clock, base_url="https://feedback.bank.example") as safe:
        a_person(safe, "admin")
        ann = a_person(safe)
        cookie = ann.enter().headers["Set-Cookie"]
    assert cookie.startswith("__Host-ringback=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


# --- what others try


def test_a_planted_cookie_is_worth_nothing_after_the_sign_in(home: Harness) -> None:
    ann, eve = new(home), new(home)
    eve.enter()
    planted = eve.cookie
    ann.client.set_cookie(COOKIE, planted)
    ann.page = ""
    ann.post("/sign-in", email=ann.user.email, password=PASSWORD)  # type: ignore[union-attr]
    assert ann.cookie != planted
    assert "Your account" in words(ann.get("/account"))
    assert eve.get("/").status_code == 303, "the session that was planted has ended"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"}, {"Origin": "null"},
    ],
)  # fmt: skip
def test_what_a_strangers_page_sends_changes_nothing(home: Harness, headers: dict[str, str]) -> None:
    ann = new(home)
    ann.enter()
    ann.get("/account")
    assert ann.post("/account/language", headers, language="nl").status_code == 403
    assert ann.post("/sign-out", headers).status_code == 403
    assert ann.get("/").status_code == 200
    other = stranger(home)
    other.get("/sign-in")
    refused = other.post("/sign-in", headers, email=ann.user.email, password=PASSWORD)  # type: ignore[union-attr]
    assert refused.status_code == 403
    assert other.cookie == ""
    assert other.post("/forgot", headers, email=ann.user.email).status_code == 403  # type: ignore[union-attr]


def test_the_token_of_another_session_is_none(home: Harness) -> None:
    ann, eve = new(home), new(home)
    ann.enter()
    eve.enter()
    eve.get("/account")
    ann.page = eve.page
    assert ann.post("/account/language", language="nl").status_code == 403


@pytest.mark.parametrize(
    "address",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/admin\\@evil.example", "/s/token", "/adminx",
     "javascript:alert(1)", "/admin/%0d%0aSet-Cookie:x=1\r\n", "/admin/" + "x" * 3000],
)  # fmt: skip
def test_nobody_is_led_out_of_the_house_after_the_sign_in(home: Harness, address: str) -> None:
    ann = new(home)
    ann.page = ""
    answer = ann.post("/sign-in", email=ann.user.email, password=PASSWORD, next=address)  # type: ignore[union-attr]
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/")


def test_after_the_sign_in_one_is_where_one_wanted_to_be(home: Harness) -> None:
    ann = new(home)
    there = ann.get("/account?x=1").headers["Location"]
    ann.get(there.removeprefix("/admin"))
    answer = ann.post("/sign-in", email=ann.user.email, password=PASSWORD)  # type: ignore[union-attr]
    assert answer.headers["Location"] == "/admin/account?x=1"


def test_an_unknown_address_gets_the_same_answer_at_the_door_and_by_mail(home: Harness) -> None:
    ann = new(home)
    known, unknown = stranger(home), stranger(home)
    answers = []
    for who, email in ((known, ann.user.email), (unknown, "nobody@bank.example")):  # type: ignore[union-attr]
        who.get("/sign-in")
        wrong = who.post("/sign-in", email=email, password="wrong")
        asked = who.post("/forgot", email=email)
        answers.append([(each.status_code, words(each)) for each in (wrong, asked)])
    assert answers[0] == answers[1]


def test_guesses_have_to_wait_and_are_told_how_long(home: Harness) -> None:
    ann, eve = new(home), stranger(home)
    eve.get("/sign-in")
    for _ in range(6):
        assert eve.post("/sign-in", email=ann.user.email, password="guess").status_code == 422  # type: ignore[union-attr]
    waits = eve.post("/sign-in", email=ann.user.email, password=PASSWORD)  # type: ignore[union-attr]
    assert waits.status_code == 429
    assert 0 < int(waits.headers["Retry-After"]) <= 60
    home.clock.move(seconds=int(waits.headers["Retry-After"]))
    assert eve.post("/sign-in", email=ann.user.email, password=PASSWORD).status_code == 303  # type: ignore[union-attr]


def test_codes_cannot_be_guessed_either(home: Harness) -> None:
    ada = new(home, "admin")
    ada.enter()
    eve = Person(home, home.client.application.test_client(), ada.user)
    eve.get("/sign-in")
    eve.post("/sign-in", email=ada.user.email, password=PASSWORD)  # type: ignore[union-attr]
    eve.get("/sign-in/code")
    assert [eve.post("/sign-in/code", code="000000").status_code for _ in range(7)][-1] == 429


def test_a_password_that_was_typed_stands_in_no_answer(home: Harness) -> None:
    ann = stranger(home)
    ann.get("/sign-in")
    wrong = ann.post("/sign-in", email="ann@bank.example", password="my secret words")
    assert "my secret words" not in wrong.get_data(as_text=True)
    assert "ann@bank.example" in wrong.get_data(as_text=True)


def test_what_every_answer_says_to_the_browser(home: Harness) -> None:
    headers = stranger(home).get("/sign-in").headers
    policy = headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'"):
        assert rule in policy
    assert "frame-ancestors 'none'" in policy
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")


# --- sessions


def test_a_session_that_is_not_used_ends_and_what_was_typed_is_sent_after_the_sign_in(home: Harness) -> None:
    ann = new(home)
    ann.enter()
    ann.get("/account")
    home.clock.move(minutes=31)
    ended = ann.post("/account/language", language="nl")
    assert ended.status_code == 401
    assert "Your session has ended" in words(ended)
    back = ann.post("/sign-in", email=ann.user.email, password=PASSWORD)  # type: ignore[union-attr]
    assert "Send it now?" in words(back)
    assert 'name="language" value="nl"' in ann.page
    done = ann.post("/account/language", language="nl")
    assert done.status_code == 303
    assert home.one(tables.users, tables.users.c.id == ann.user.id).language == "nl"  # type: ignore[union-attr]


def test_a_page_from_a_session_before_is_sent_again_after_a_look(home: Harness) -> None:
    ann = new(home)
    ann.enter()
    ann.get("/account")
    old = ann.page
    ann.post("/sign-out")
    ann.enter()
    ann.page = old
    shown = ann.post("/account/language", language="nl")
    assert (shown.status_code, "Send it now?" in words(shown)) == (403, True)
    assert home.one(tables.users, tables.users.c.id == ann.user.id).language == ""  # type: ignore[union-attr]
    assert ann.post("/account/language", language="nl").status_code == 303


def test_through_password_and_code_what_was_typed_comes_along_and_never_a_secret(home: Harness) -> None:
    ada = new(home, "admin")
    ada.enter()
    ada.get("/account")
    home.clock.move(minutes=31)
    ada.post("/account/password", old=PASSWORD, new="another green kettle", note="kept")
    assert PASSWORD not in ada.page
    assert "another green kettle" not in ada.page
    ada.post("/sign-in", email=ada.user.email, password=PASSWORD)  # type: ignore[union-attr]
    assert "Send it now?" in words(ada.post("/sign-in/code", code=ada.code))
    assert 'name="note" value="kept"' in ada.page


def test_users_and_tokens_need_a_sign_in_of_the_last_ten_minutes(home: Harness) -> None:
    ada = new(home, "admin")
    ada.enter()
    assert ada.get("/users/new").status_code == 200
    home.clock.move(minutes=11)
    assert ada.get("/users").status_code == 200
    asked = ada.get("/users/new").headers["Location"]
    assert asked.startswith("/admin/sign-in/again")
    old = ada.cookie
    ada.get(asked.removeprefix("/admin"))
    assert ada.post("/sign-in/again", password="wrong", code=ada.code).status_code == 422
    done = ada.post("/sign-in/again", password=PASSWORD, code=ada.code)
    assert done.headers["Location"] == "/admin/users/new"
    assert ada.cookie != old
    assert ada.get("/users/new").status_code == 200


def test_one_sees_ones_sessions_and_ends_another(home: Harness) -> None:
    ann = new(home)
    phone = Person(home, home.client.application.test_client(), ann.user)
    ann.enter()
    phone.enter()
    shown = ann.get("/account").get_data(as_text=True)
    [ending] = re.findall(r'action="/admin(/account/sessions/\w+/end)"', shown)
    assert ann.post(ending).status_code == 303
    assert phone.get("/").status_code == 303
    assert ann.get("/").status_code == 200


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one_under_another_cookie(home: Harness) -> None:
    ann = new(home)
    phone = Person(home, home.client.application.test_client(), ann.user)
    ann.enter()
    phone.enter()
    ann.get("/account")
    old = ann.cookie
    assert ann.post("/account/password", old="wrong", new="another green kettle").status_code == 422
    assert ann.post("/account/password", old=PASSWORD, new="short").status_code == 422
    assert ann.post("/account/password", old=PASSWORD, new="another green kettle").status_code == 303
    assert ann.cookie != old
    assert (ann.get("/").status_code, phone.get("/").status_code) == (200, 303)


def test_who_sits_at_a_screen_that_somebody_left_cannot_guess_their_password(home: Harness) -> None:
    ann = new(home)
    ann.enter()
    ann.get("/account")
    for _ in range(7):
        tried = ann.post("/account/password", old="guess", new="another green kettle")
    assert "That was tried too often" in words(tried)
    ann.get("/account")
    assert ann.post("/account/password", old=PASSWORD, new="another green kettle").status_code == 422
    home.clock.move(minutes=11)
    assert ann.post("/account/password", old="guess", new="another green kettle").status_code == 401


def test_a_change_of_rights_ends_the_sessions_at_once(home: Harness) -> None:
    ann = new(home)
    ann.enter()
    home.house.access.people.change_rights(BY_HAND, ann.user.id, Rights(role="viewer"), home.clock())  # type: ignore[union-attr]
    assert ann.get("/").status_code == 303


# --- newcomers


def test_an_invitation_comes_by_mail_and_works_once(home: Harness) -> None:
    ada = new(home, "admin")
    ada.enter()
    ada.get("/users/new")
    fields = {"name": "Ben Bos", "email": "ben@bank.example", "role": "lead", "personal": "yes"}
    more = {"teams_reach": "some", "teams": "care-team"}
    assert ada.post("/users/new", **fields, **more).headers["Location"] == "/admin/users"
    [mail] = home.mails("ben@bank.example")
    [address] = re.findall(r"/admin(/welcome/\S+)", mail.text)
    ben = stranger(home)
    assert "For Ben Bos" in words(ben.get(address))
    assert ben.post(address, password="short").status_code == 422
    assert ben.post(address, password=PASSWORD).status_code == 200
    assert ben.post(address, password=PASSWORD).status_code == 410
    row = home.one(tables.users, tables.users.c.email == "ben@bank.example")
    assert (row.role, row.teams) == ("lead", ["care-team"])
    ben.get("/sign-in")
    assert ben.post("/sign-in", email="ben@bank.example", password=PASSWORD).status_code == 303


def test_what_is_wrong_with_an_invitation_stands_at_its_field_and_all_stays_typed(home: Harness) -> None:
    ada = new(home, "admin")
    ada.enter()
    ada.get("/users/new")
    wrong = ada.post("/users/new", name="Ben", email="no address", role="lead", teams_reach="some", teams="care-team")
    assert wrong.status_code == 422
    assert "This is no e-mail address" in words(wrong)
    assert 'value="no address"' in ada.page
    assert re.search(r'name="teams" value="care-team" checked', ada.page)


def test_without_mail_the_admin_passes_the_address_on(home: Harness, tmp_path: Path, sqlite_template: Path) -> None:
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'mute.db')}"
    config = "connections:\n  survey-platform: {kind: inbound, webhook_secret: whsec_c2VjcmV0c2VjcmV0c2VjcmV0}\n"
    with a_house(url, home.world, {}, clock=home.clock, config=config) as mute:
        ada = a_person(mute, "admin")
        ada.enter()
        ada.get("/users/new")
        shown = ada.post("/users/new", name="Ben", email="ben@bank.example", role="agent")
        assert "The invitation did not leave by mail" in words(shown)
        [address] = re.findall(r"/admin(/welcome/[\w-]+)", shown.get_data(as_text=True))
        assert stranger(mute).get(address).status_code == 200


def test_a_forgotten_password_is_chosen_anew_by_mail(home: Harness) -> None:
    ann, asks = new(home), stranger(home)
    asks.get("/forgot")
    asks.post("/forgot", email=ann.user.email)  # type: ignore[union-attr]
    [mail] = home.world.mailbox.wait(ann.user.email)  # type: ignore[union-attr]
    [address] = re.findall(r"/admin(/welcome/\S+)", mail.text)
    asks.get(address)
    assert asks.post(address, password="another green kettle").status_code == 200
    assert ann.enter().status_code == 422
    assert ann.enter("another green kettle").status_code == 303


def test_before_there_is_an_admin_only_the_page_for_the_first_one_answers(
    home: Harness, tmp_path: Path, sqlite_template: Path
) -> None:
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'new.db')}"
    with a_house(url, home.world, {}, clock=home.clock) as fresh:
        who = stranger(fresh)
        for path in ("/", "/sign-in", "/forgot", "/welcome/x", "/account", "/first/nonsense", "/sign-in/again"):
            assert who.get(path).status_code == 404, path
        assert who.post("/sign-in", email="a@b.example", password="x").status_code == 404
        first = f"/first/{first_admin.token(fresh.house.secret_keys.first, home.clock())}"
        assert who.get(first).status_code == 200
        assert who.post(first, name="Ada", email="ada@bank.example", password="short").status_code == 422
        assert who.post(first, name="Ada", email="ada@bank.example", password=PASSWORD).status_code == 303
        assert who.get(first).status_code == 404, "it worked once"
        assert who.get("/sign-in").status_code == 200


# --- tokens and the log


def test_a_token_is_made_shown_once_and_revoked(home: Harness) -> None:
    ada = new(home, "admin")
    ada.enter()
    ada.get("/tokens/new")
    assert ada.post("/tokens/new", name="crm").status_code == 422
    made = ada.post("/tokens/new", name="crm", scopes=["runs:read", "personal:read"], days="30")
    [secret] = re.findall(r"rb_[\w-]{43}", made.get_data(as_text=True))
    asked = {"Authorization": f"Bearer {secret}"}
    assert home.client.get("/api/v1/runs", headers=asked).status_code == 200
    assert secret not in ada.get("/tokens").get_data(as_text=True)
    assert ada.post("/tokens/new", name="crm", scopes=["runs:read"]).status_code == 422
    assert ada.post("/tokens/revoke", name="crm").status_code == 303
    assert home.client.get("/api/v1/runs", headers=asked).status_code == 401


def test_the_log_is_read_and_taken_along_by_admins(home: Harness) -> None:
    ada = new(home, "admin")
    ada.enter()
    shown = words(ada.get(f"/audit?actor={ada.user.id}"))  # type: ignore[union-attr]
    assert "sign-in" in shown
    lines = ada.get("/audit/export").get_data(as_text=True).splitlines()
    assert len(lines) > 3
    assert "audit.export" in lines[-1]
    assert home.house.access.audit.verify().broken is None


def test_refusals_are_in_the_log(home: Harness) -> None:
    ann = new(home)
    ann.enter()
    assert ann.get("/users").status_code == 404
    last = list(home.house.access.audit.all_of(actor=ann.user.id))[-1]  # type: ignore[union-attr]
    assert (last.action, last.object) == ("refused", "users")


def test_a_person_without_a_session_row_is_nobody(home: Harness) -> None:
    ann = new(home)
    ann.enter()
    home.house.database.transact(lambda tx: tx.execute(delete(tables.user_sessions)))
    assert ann.get("/").status_code == 303


def test_the_pages_speak_dutch(home: Harness) -> None:
    who = stranger(home)
    shown = who.client.get("/admin/sign-in", headers={**OURS, "Accept-Language": "nl"}).get_data(as_text=True)
    assert "Inloggen" in shown


@pytest.mark.parametrize("path", ["/", "/users", "/sign-in"])
def test_while_the_database_is_away_everybody_is_told_so(
    home: Harness, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = new(home)
    ann.enter()

    def gone(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(home.house.database, "read", gone)
    answer = ann.get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "The database does not answer" in words(answer)


def test_an_admin_looks_at_the_pages_as_another_role_and_only_looks(home: Harness) -> None:
    ada = new(home, "admin")
    ada.enter()
    ada.get("/users")
    assert ada.post("/look-as", role="agent").status_code == 303
    assert "You look at the pages as this role: agent" in words(ada.get("/"))
    assert ada.get("/users").status_code == 404
    ada.get("/account")
    assert ada.post("/account/language", language="nl").status_code == 409
    ada.get("/")
    assert ada.post("/look-as/end").status_code == 303
    assert ada.get("/users").status_code == 200
    assert ada.post("/look-as", role="wizard").status_code == 422


def test_nobody_else_looks_as_somebody_who_may_more(home: Harness) -> None:
    ann = new(home)
    ann.enter()
    ann.get("/account")
    assert ann.post("/look-as", role="admin").status_code == 404
    home.house.database.transact(lambda tx: tx.execute(update(tables.user_sessions).values(looks_as="admin")))
    assert ann.get("/users").status_code == 404

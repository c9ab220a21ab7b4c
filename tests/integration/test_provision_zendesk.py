"""Setting up a Zendesk account by command: once, again, after somebody changed it, and taking it away again.

Every request of every test is held against Zendesk's own description of its API (see ``an_admin``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.clock import system_clock
from connector.secret_keys import SecretKeys
from connector.storage.stores.provisioned import FieldIds
from connector.storage.stores.webhook_secrets import HookSecrets
from integrations.callback_fields import FIELDS
from integrations.zendesk.setup.blueprint import SUBSCRIPTIONS
from sandbox.faults import Effect, Fault
from tests.support.provisioning import BASE_URL, SECRET_KEY, Admin, an_admin
from webhooks.delivery import Account, Delivery
from webhooks.zendesk.source import MEANINGS, PREFIX, ZendeskSource
from workflows.events import Event

MADE = {
    "ticket_fields": 11, "organization_fields": 3, "views": 3, "macros": 2, "webhooks": 1, "triggers": 0,
}  # fmt: skip


@pytest.fixture
def admin(tmp_path: Path, sqlite_template: Path) -> Iterator[Admin]:
    with an_admin(tmp_path, sqlite_template) as admin:
        yield admin


def ours(admin: Admin) -> dict[str, int]:
    """How many things of each kind bear our mark."""
    return {
        kind: sum("ringback provision:" in str(each.get("description")) for each in things)
        for kind, things in admin.furniture().items()
    }


# --- making ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_it_would_make_and_makes_nothing(admin: Admin) -> None:
    before = admin.furniture()
    said = admin.provision("--dry-run", code=1)
    assert "+ ticket field        Ringback: root cause" in said
    assert "+ view                Ringback: call now" in said
    assert "to make" in said
    assert admin.furniture() == before
    assert admin.writes == []


def test_provisioning_makes_everything_once_and_a_second_run_nothing(admin: Admin) -> None:
    assert "20 made" in admin.provision()
    made, wrote = admin.furniture(), len(admin.writes)
    assert ours(admin) == MADE | {"user_fields": 0}  # the account has those already
    assert "Nothing there needs to change" in admin.provision()
    assert admin.furniture() == made
    assert len(admin.writes) == wrote


def test_every_callback_field_is_known_by_its_key_afterwards(admin: Admin) -> None:
    admin.provision()
    with admin.database() as database:
        known = FieldIds(database, system_clock).ticket_fields("zendesk")
    titles = {str(each["id"]): each["title"] for each in admin.furniture()["ticket_fields"]}
    assert set(known) == {each.key for each in FIELDS}
    assert titles[known["ringback_outcome"]] == "Ringback: outcome"


def test_the_webhook_listens_to_every_event_that_has_a_meaning_and_to_no_other(admin: Admin) -> None:
    admin.provision()
    [webhook] = admin.furniture()["webhooks"]
    assert set(webhook["subscriptions"]) == set(SUBSCRIPTIONS) == {f"{PREFIX}{kind}" for kind in MEANINGS}
    assert (webhook["endpoint"], webhook["status"]) == (f"{BASE_URL}/webhooks/zendesk", "active")


def test_the_webhook_is_switched_on_only_after_its_secret_was_fetched(admin: Admin) -> None:
    admin.provision()
    about = [each for each in admin.zendesk.requests if "/webhooks" in each.path and each.path != "/api/v2/webhooks"]
    created = next(each for each in admin.writes if each.path == "/api/v2/webhooks")
    assert created.json()["webhook"]["status"] == "inactive"
    assert [each.method for each in about][:2] == ["GET", "PATCH"]
    assert about[0].path.endswith("/signing_secret")
    assert about[1].json() == {"webhook": {"status": "active"}}


def test_the_secret_is_kept_sealed_and_never_printed(admin: Admin) -> None:
    said = admin.provision()
    [webhook] = admin.furniture()["webhooks"]
    secret = admin.zendesk.desk.state.secrets[webhook["id"]]
    with admin.database() as database:
        assert HookSecrets(database, SecretKeys(SECRET_KEY), system_clock)() == {"zendesk": (secret,)}
        assert HookSecrets(database, SecretKeys("another key that is long enough.."), system_clock)() == {}
    stored = b"".join(each.read_bytes() for each in admin.folder.glob("ringback.db*"))
    assert secret.encode() not in stored
    assert secret not in said


def test_a_secret_that_zendesk_made_anew_is_fetched_and_the_old_one_still_counts(admin: Admin) -> None:
    admin.provision()
    [webhook] = admin.furniture()["webhooks"]
    old = admin.zendesk.desk.state.secrets[webhook["id"]]
    new = admin.zendesk.rotate_secret(webhook["id"])
    admin.provision()
    with admin.database() as database:
        assert HookSecrets(database, SecretKeys(SECRET_KEY), system_clock)() == {"zendesk": (new, old)}


def test_titles_are_in_the_language_of_the_account_or_in_the_one_that_is_asked_for(admin: Admin) -> None:
    admin.zendesk.desk.state.locale = "nl-NL"
    admin.provision()
    outcome = admin.thing("ticket_fields", "Ringback: uitkomst")
    assert outcome["custom_field_options"][0]["name"] == "Hersteld"
    admin.zendesk.desk.state.locale = "en-US"
    assert admin.plan() == {}, "what is there already says in which language to go on"
    admin.provision("--language", "en")
    assert outcome["title"] == "Ringback: outcome"
    assert outcome["custom_field_options"][0]["value"] == "ringback_outcome_recovered"
    assert outcome["custom_field_options"][0]["name"] == "Recovered"


def test_an_account_without_event_subscriptions_is_listened_to_by_triggers(admin: Admin) -> None:
    admin.provision("--triggers")
    [webhook] = admin.furniture()["webhooks"]
    assert webhook["subscriptions"] == ["conditional_ticket_events"]
    triggers = admin.furniture()["triggers"]
    assert {trigger["actions"][0]["value"][0] for trigger in triggers} == {webhook["id"]}
    assert len(triggers) == 5
    assert admin.plan("--triggers") == {}
    admin.provision()  # the plan was raised: now by events
    assert admin.furniture()["triggers"] == []
    assert [each["subscriptions"] for each in admin.furniture()["webhooks"]] == [list(SUBSCRIPTIONS)]


def test_what_the_triggers_send_is_understood_with_all_that_conditions_look_at(admin: Admin) -> None:
    """From the body we provision, through Zendesk's placeholders, to the event."""
    admin.provision("--triggers")
    zendesk, heard = admin.zendesk, list[bytes]()
    zendesk.desk.state.brand = 'Acme "Home" & Garden'
    zendesk.desk.webhooks.send = lambda _webhook, body: heard.append(body)
    zendesk.add_user("Ann", "ann@example.com", locale="nl")
    ticket = zendesk.write_in("Ann", "ann@example.com", 'Lamp "deluxe"', "Broken", tags=["lamp", "vip"])["id"]
    for action in ("assign", "solve", "reopen"):
        zendesk.act(action, ticket)
    zendesk.act("comment", ticket, comment='She said "no"', public=True)
    events = [_understood(body) for body in heard]
    assert [each.type for each in events] == [
        "ticket.created", "ticket.assigned", "ticket.solved", "ticket.reopened", "ticket.commented",
    ]  # fmt: skip
    for event in events:
        data = event.data
        told = (data["brand_name"], data["channel"], data["tags"])
        assert told == ('Acme "Home" & Garden', "email", ["lamp", "vip"])
        assert event.person is not None
        assert event.person.locale == "nl"
        assert not any("{{" in str(value) for value in data.values())
    assert [each.data["status"] for each in events] == ["new", "open", "solved", "open", "open"]


def _understood(body: bytes) -> Event:
    delivery = Delivery("zendesk", "k", system_clock(), "application/json", {}, body)
    [event] = ZendeskSource().translate(delivery, Account("zendesk", "zendesk")).events
    return event


def test_it_says_what_only_a_person_can_do(admin: Admin) -> None:
    admin.zendesk.desk.state.ticket_forms[1] = {"id": 1, "active": True, "ticket_field_ids": [7]}
    said = admin.provision("--dry-run", code=1)
    assert "SLA of callbacks" in said
    assert "fields on the ticket form" in said
    condition = {"field": "current_tags", "operator": "includes", "value": "ringback_callback"}
    admin.zendesk.desk.state.sla_policies[1] = {"id": 1, "filter": {"all": [condition], "any": []}}
    admin.provision()
    fields = [each["id"] for each in admin.furniture()["ticket_fields"]]
    admin.zendesk.desk.state.ticket_forms[1]["ticket_field_ids"] = fields
    assert "by hand" not in admin.provision("--dry-run").replace("made by hand", "")


# --- drift ----------------------------------------------------------------------------------------------------------


def test_what_somebody_changed_is_shown_and_mended_every_time(admin: Admin) -> None:
    admin.provision()
    for _ in range(2):
        admin.thing("views", "Ringback: call now")["conditions"]["all"].pop()
        admin.thing("webhooks", "Ringback")["status"] = "inactive"
        admin.thing("webhooks", "Ringback")["subscriptions"].pop()
        admin.thing("macros", "Ringback: not reached")["actions"].pop()
        admin.thing("ticket_fields", "Ringback: outcome")["raw_title"] = "Result"
        said = admin.provision("--dry-run", code=1)
        assert "its conditions differ" in said
        assert "status is 'inactive', and should be 'active'" in said
        assert "not subscribed to ticket.csat_received" in said
        assert "what it does differs" in said
        assert "title is 'Result', and should be 'Ringback: outcome'" in said
        assert "4 mended" in admin.provision()
        assert admin.plan() == {}


def test_what_somebody_deleted_is_made_again_and_what_refers_to_it_is_mended(admin: Admin) -> None:
    admin.provision()
    for _ in range(2):
        del admin.zendesk.desk.state.ticket_fields[admin.thing("ticket_fields", "Ringback: score")["id"]]
        admin.provision()
        score = admin.thing("ticket_fields", "Ringback: score")["id"]
        columns = [each["id"] for each in admin.thing("views", "Ringback: call now")["execution"]["columns"]]
        assert score in columns
        assert admin.plan() == {}


def test_choices_that_an_admin_added_or_renamed_stay_and_lost_ones_come_back(admin: Admin) -> None:
    admin.provision()
    cause = admin.thing("ticket_fields", "Ringback: root cause")
    own = {"id": 77, "name": "Parking", "value": "parking"}
    cause["custom_field_options"][0]["name"] = "Quality"
    cause["custom_field_options"][-1:] = [own]
    assert "these choices are gone: 'Something else'" in admin.provision()
    names = [each["name"] for each in cause["custom_field_options"]]
    assert names[0] == "Quality"
    assert {"Parking", "Something else"} <= set(names)
    assert admin.plan() == {}


def test_what_an_admin_made_by_hand_is_used_but_neither_renamed_nor_removed(admin: Admin) -> None:
    before = admin.furniture()["user_fields"]
    said = admin.provision()
    assert "made by hand: it is used, and never removed" in said
    assert admin.furniture()["user_fields"] == before
    admin.provision("--remove", "--yes")
    assert admin.furniture()["user_fields"] == before


def test_a_field_of_the_wrong_type_is_named_and_holds_up_nothing_else(admin: Admin) -> None:
    admin.thing("user_fields", "NPS score")["type"] = "text"
    said = admin.provision()
    assert "is of type text, and Ringback needs integer" in said
    assert "20 made" in said


# --- memory ---------------------------------------------------------------------------------------------------------


def test_a_lost_database_adopts_what_is_there(admin: Admin) -> None:
    admin.provision()
    before = admin.furniture()
    for _ in range(2):
        admin.lose_database()
        assert set(admin.plan()) == {"adopt"}
        admin.provision()
        assert admin.furniture() == before
        with admin.database() as database:
            assert len(FieldIds(database, system_clock).ticket_fields("zendesk")) == 11
            assert "zendesk" in HookSecrets(database, SecretKeys(SECRET_KEY), system_clock)()


def test_a_run_that_broke_off_goes_on_where_it_stopped(admin: Admin) -> None:
    admin.zendesk.faults.add(Fault("/api/v2/views$", "POST", times=1, status=502))
    said = admin.provision(code=1)
    assert "Broken off at view call_now" in said
    assert "run the same command again" in said
    so_far = len(admin.writes)
    assert "14 made" in said
    admin.provision()
    assert ours(admin) == MADE | {"user_fields": 0}
    assert len(admin.writes) - so_far == 3 + 2 + 2, "views, macros, and the webhook in two steps"


@pytest.mark.parametrize("path", ["ticket_fields", "organization_fields", "views", "macros", "webhooks"])
def test_nothing_is_made_twice_when_an_answer_is_lost(admin: Admin, path: str) -> None:
    admin.zendesk.faults.add(Fault(f"/api/v2/{path}$", "POST", effect=Effect.COMMIT_THEN_DROP))
    admin.provision(code=1)
    admin.provision()
    assert ours(admin) == MADE | {"user_fields": 0}
    assert admin.furniture()["webhooks"][0]["status"] == "active"


def test_one_refused_thing_stops_only_what_needs_it(admin: Admin) -> None:
    refused = {"error": "RecordInvalid", "details": {"title": [{"description": "Title: no"}]}}
    admin.zendesk.faults.add(Fault("/api/v2/ticket_fields$", "POST", status=422, body=refused))
    said = admin.provision(code=1)
    assert "✘ ticket field 'Ringback: score': Zendesk answered 422 RecordInvalid" in said
    assert "✘ view 'Ringback: call now': not tried: it needs ticket_field ringback_score" in said
    assert "made: webhook" in said
    admin.provision()
    assert ours(admin) == MADE | {"user_fields": 0}


def test_a_busy_account_is_waited_for(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("connector.cli.provision.output.time.sleep", slept.append)
    headers = {"Retry-After": "37"}
    admin.zendesk.faults.add(Fault("/api/v2/macros$", "POST", times=2, status=429, headers=headers))
    admin.provision()
    assert slept == [37.0, 37.0]


# --- removing -------------------------------------------------------------------------------------------------------


def test_removal_takes_away_what_was_made_and_nothing_else(admin: Admin) -> None:
    before = admin.furniture()
    for _ in range(2):
        admin.provision()
        plan = admin.plan("--remove")["remove"]
        assert plan[0] == ("webhook", "events")
        assert "20 removed" in admin.provision("--remove", "--yes")
        assert admin.furniture() == before
        assert "Nothing was done" in admin.provision("--remove", "--yes")


def test_removal_asks_first_and_does_nothing_without_a_yes(admin: Admin) -> None:
    admin.provision()
    before = admin.furniture()
    said = admin.provision("--remove", code=1)
    assert "Go on? [y/N]" in said
    assert admin.furniture() == before


def test_removal_finds_what_bears_our_mark_even_without_a_memory(admin: Admin) -> None:
    before = admin.furniture()
    admin.provision()
    admin.lose_database()
    admin.provision("--remove", "--yes")
    assert admin.furniture() == before


def test_what_is_gone_already_is_no_trouble(admin: Admin) -> None:
    admin.provision()
    admin.zendesk.desk.state.views.clear()
    said = admin.provision("--remove", "--yes")
    assert "it is gone already" in said
    assert ours(admin) == dict.fromkeys(MADE, 0) | {"user_fields": 0}


# --- two installations on one account ---


def a_neighbour(admin: Admin, folder: Path, template: Path) -> Admin:
    """Another Ringback, with a database and an address of its own, for the same account."""
    folder.mkdir()
    other = Admin(admin.world, folder, template)
    other.environment |= {"RINGBACK_BASE_URL": "https://other.example"}
    return other


@pytest.mark.parametrize("way", ["", "--triggers"])
def test_what_two_installations_share_stays_until_the_second_removes_it(
    admin: Admin, tmp_path: Path, sqlite_template: Path, way: str
) -> None:
    words = [way] if way else []
    admin.provision(*words)
    other = a_neighbour(admin, tmp_path / "other", sqlite_template)
    other.provision(*words)
    assert len(admin.furniture()["webhooks"]) == 2
    assert len(admin.furniture()["triggers"]) == (10 if way else 0)
    assert (admin.plan(*words), other.plan(*words)) == ({}, {}), "neither mends what the other made"
    said = admin.provision("--remove", "--yes")
    assert "the Ringback at other.example uses it, too: it stays until that one removes it" in said
    left = admin.furniture()
    assert [each["endpoint"] for each in left["webhooks"]] == ["https://other.example/webhooks/zendesk"]
    assert len(left["triggers"]) == (5 if way else 0)
    assert other.plan(*words) == {}, "the other one lacks nothing"
    other.provision("--remove", "--yes")
    assert ours(admin) == dict.fromkeys(MADE, 0) | {"user_fields": 0}


def test_the_figure_of_an_organisation_says_what_it_is(admin: Admin) -> None:
    admin.provision()
    field = admin.thing("organization_fields", "Ringback: NPS (-100 to 100)")
    assert "percentage of promoters minus percentage of detractors" in field["description"]


# --- what may be wrong ----------------------------------------------------------------------------------------------


def test_a_user_who_is_no_admin_is_told_so(admin: Admin) -> None:
    admin.zendesk.desk.integration["role"] = "agent"
    said = admin.provision(code=1)
    assert "only an admin may do that: give Ringback's user the role Admin" in said
    assert admin.writes == []


def test_a_role_that_was_lost_half_way_leaves_the_rest_for_the_next_run(admin: Admin) -> None:
    forbidden = {"error": {"title": "Forbidden", "message": "You do not have access to this page."}}
    admin.zendesk.faults.add(Fault("/api/v2/(views|macros|webhooks)$", "POST", times=6, status=403, body=forbidden))
    said = admin.provision(code=1)
    assert said.count("only an admin may do that") == 6
    assert "7 failed" in said, "and the webhook could not be switched on"
    admin.provision()
    assert ours(admin) == MADE | {"user_fields": 0}


def test_wrong_credentials_change_nothing(admin: Admin) -> None:
    admin.configure({"type": "oauth", "client_id": "ringback", "client_secret": "wrong"})
    said = admin.provision(code=1)
    assert "cannot be looked at: Zendesk refused our credentials (invalid_client)" in said
    assert admin.writes == []


def test_a_token_that_is_revoked_meanwhile_is_asked_for_again(admin: Admin) -> None:
    admin.provision()
    admin.zendesk.revoke_tokens()
    assert "Nothing there needs to change" in admin.provision()


def test_a_connection_of_another_kind_or_none_is_refused_with_its_name(admin: Admin) -> None:
    said = admin.run("provision", "zendesk", "helpdesk", code=2)
    assert "'helpdesk' is not configured" in said


def test_an_api_token_works_and_its_end_is_told(admin: Admin) -> None:
    token = {"type": "api_token", "email": admin.zendesk.integration_email, "token": admin.zendesk.api_token}
    admin.configure(token)
    said = admin.provision()
    assert "its API token ends on 2027-04-30" in said
    assert "20 made" in said


def test_doctor_knows_the_secret_that_was_fetched_and_the_end_of_api_tokens(admin: Admin) -> None:
    assert "webhook_secret is missing" in admin.run("doctor", "--offline")
    admin.provision()
    assert "webhook_secret is missing" not in admin.run("doctor", "--offline")
    admin.configure({"type": "api_token", "email": "bot@acme.example", "token": "hush"})
    assert "its API token ends on 2027-04-30" in admin.run("doctor", "--offline")

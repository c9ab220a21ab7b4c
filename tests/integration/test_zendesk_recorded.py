"""What real Zendesk accounts answered, as others recorded it, read by the code that reads it in the product."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.provisioning import Performed, Step, Verb
from integrations.zendesk.history import ZendeskHistory
from integrations.zendesk.setup.blueprint import TRIGGER, USER_FIELD, WEBHOOK, AccountNames, blueprint
from integrations.zendesk.setup.provision import ZendeskProvisioner
from tests.oracles import oracle_path
from tests.support.clients import build
from tests.support.http import Reply, Server, serving

WEBHOOK_ID = "01HAN96XNH1J7DY8D7RZ22QMT9"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(lambda _seen: Reply(500)) as running:
        yield running


@pytest.fixture
def helpdesk(server: Server) -> Iterator[Any]:
    auth = {"type": "api_token", "email": "bot@acme.example", "token": "hush"}
    client = build("zendesk", "zendesk", {"base_url": server.url, "auth": auth})
    yield client
    client.session.close()


def recorded(name: str, method: str = "") -> list[Reply]:
    """The answers of a recording, in order; of one method only, if it is named."""
    cassette = json.loads(oracle_path(f"zendesk/cassettes/{name}.json").read_text())
    made = [each for each in cassette["http_interactions"] if method in ("", each["request"]["method"])]
    return [Reply(each["response"]["status"]["code"], _raw(each["response"]["body"])) for each in made]


def _raw(body: dict[str, str]) -> bytes:
    raw = base64.b64decode(body["base64_string"]) if "base64_string" in body else body["string"].encode()
    return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw


def made(helpdesk: Any, kind: str) -> Performed:
    """Make the first thing of a kind."""
    account = AccountNames("en", "https://feedback.acme.example/webhooks/zendesk", helpdesk.fields, by_trigger=True)
    one = next(each for each in blueprint(account) if each.kind == kind)
    step = Step(Verb.MAKE, one.kind, one.key, one.title, needs=one.needs, body=one.body)
    return ZendeskProvisioner(helpdesk.session, account).perform(step, {(WEBHOOK, "triggers"): WEBHOOK_ID})


def a_ticket(helpdesk: Any, server: Server) -> None:
    server.replies = recorded("TestTicketCreateUpdateDelete.test_single_object_update-update-single")[:2]
    assert helpdesk.open_ticket({"ticket": {"comment": {"body": "b"}}}, key="k")["ticket_id"] == "4016"
    assert helpdesk.update_ticket("4016", {"status": "open"}, key="k", repeated=False)["ticket_id"] == "4016"


def a_user(helpdesk: Any, server: Server) -> None:
    server.replies = recorded("TestUserCreateUpdateDelete.test_single_object_creation-create-single")[:1]
    user = helpdesk.get_user("6164039664282")
    assert (user.id, user.name, user.locale, user.suspended) == ("6164039664282", "testUser", "en-US", False)


def a_trigger(helpdesk: Any, server: Server) -> None:
    server.replies = recorded("TestTriggers.test_single_object_creation-create-single", "POST")
    assert made(helpdesk, TRIGGER).vendor_id == "6164111062810"


def a_user_field(helpdesk: Any, server: Server) -> None:
    server.replies = recorded("UserFieldsCreateUpdateDelete.test_single_object_creation-create-single", "POST")
    assert made(helpdesk, USER_FIELD).vendor_id == "6164056736410"


def a_webhook_and_its_secret(helpdesk: Any, server: Server) -> None:
    server.replies = recorded("TestWebhooks.test_webhook_show_secret-show-secret")[:2]
    done = made(helpdesk, WEBHOOK)
    assert done.vendor_id == "01HANAHHBNJDDW768TX5J4YFX7"
    assert len(done.secret) > 30
    assert done.secret not in repr(done)


def the_log_of_a_webhook(helpdesk: Any, server: Server) -> None:
    server.replies = recorded("TestWebhooks.test_invocation_attempts-invocation-attemps")[1:]
    ledger, since = ZendeskHistory(helpdesk.session), datetime(2023, 9, 12, tzinfo=UTC)
    page = ledger.invocations(WEBHOOK_ID, since)
    assert page.invocations
    assert all(each.id and each.at > since for each in page.invocations)
    sent = ledger.sent(WEBHOOK_ID, page.invocations[0].id)
    assert sent is not None
    assert json.loads(sent.body)["type"].startswith("zen:event-type:")
    assert "x-zendesk-webhook-signature" in sent.headers


READ_BY: dict[str, Callable[[Any, Server], None]] = {
    "TestTicketCreateUpdateDelete.test_single_object_update-update-single": a_ticket,
    "TestTriggers.test_single_object_creation-create-single": a_trigger,
    "TestUserCreateUpdateDelete.test_single_object_creation-create-single": a_user,
    "TestWebhooks.test_invocation_attempts-invocation-attemps": the_log_of_a_webhook,
    "TestWebhooks.test_webhook_show_secret-show-secret": a_webhook_and_its_secret,
    "UserFieldsCreateUpdateDelete.test_single_object_creation-create-single": a_user_field,
}


def test_no_recording_is_left_unread() -> None:
    assert {each.stem for each in oracle_path("zendesk/cassettes").glob("*.json")} == set(READ_BY)


@pytest.mark.parametrize("name", READ_BY)
def test_what_a_real_account_answered_is_understood(helpdesk: Any, server: Server, name: str) -> None:
    READ_BY[name](helpdesk, server)

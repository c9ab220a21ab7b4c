"""The world as a whole: pages for people, the control API, the mail box, faults, and a clean end."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
import requests

from sandbox.clock import HandClock
from sandbox.faults import Effect, Fault
from sandbox.mailbox.store import Stage
from sandbox.server import addresses, run
from sandbox.world import World

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def world() -> Iterator[World]:
    with World(clock=HandClock()) as world:
        yield world


def get(url: str, **more: Any) -> requests.Response:
    return requests.get(url, timeout=30, **more)


def post(url: str, **more: Any) -> requests.Response:
    return requests.post(url, timeout=30, **more)


def mail(to: str, subject: str = "Hoi", text: str = "Tekst", html: str = "") -> EmailMessage:
    message = EmailMessage()
    message["To"], message["From"], message["Subject"] = to, "care@acme.example", subject
    message["List-Unsubscribe"] = "<http://127.0.0.1/u/1>"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def send(world: World, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", world.mailbox.smtp_port, timeout=30) as smtp:
        smtp.send_message(message)


# --- Zendesk's pages and control API ---------------------------------------------------------------------------


def test_an_agent_sees_a_ticket_and_solves_and_reopens_it_by_plain_forms(world: World) -> None:
    ticket = world.zendesk.write_in("Bo", "bo@x.example", "Help", "It broke", tags=["vip"])["id"]
    url = f"{world.zendesk_url}/agent/tickets/{ticket}"
    page = get(url).text
    assert all(
        word in page for word in ("Stand-in for Zendesk", "bo@x.example", "It broke", "vip", ">Solve<")
    )
    solved = post(f"{url}/solve", data={"comment": "Called, all well"})
    assert (world.zendesk.ticket(ticket)["status"], ">Reopen<" in solved.text) == ("solved", True)
    assert "internal note" in solved.text
    assert post(f"{url}/reopen").url == url
    assert world.zendesk.ticket(ticket)["status"] == "open"
    assert f"/agent/tickets/{ticket}" in get(f"{world.zendesk_url}/").text


def test_a_customers_words_never_become_markup_on_a_page(world: World) -> None:
    ticket = world.zendesk.write_in(HOSTILE, "bo@x.example", HOSTILE, "&lt;script&gt;")["id"]
    contact = world.salesforce.add_contact(HOSTILE, NPS_Comment__c=HOSTILE)["Id"]
    send(world, mail("bo@x.example", HOSTILE, HOSTILE))
    pages = (
        f"{world.zendesk_url}/agent/tickets",
        f"{world.zendesk_url}/agent/tickets/{ticket}",
        f"{world.salesforce_url}/lightning/o/Contact/list",
        f"{world.salesforce_url}/lightning/r/Contact/{contact}/view",
        f"{world.mail_url}/mails",
        f"{world.mail_url}/mails/1",
    )
    for page in pages:
        text = get(page).text
        assert "&lt;script&gt;" in text, page
        assert HOSTILE not in text, page


def test_what_zendesk_refuses_an_agent_is_shown(world: World) -> None:
    ticket = world.zendesk.write_in("Bo", "bo@x.example", "Help", "It broke")["id"]
    world.zendesk.act("close", ticket)
    refused = post(f"{world.zendesk_url}/agent/tickets/{ticket}/solve")
    assert refused.status_code == 422
    assert "closed prevents ticket update" in refused.text
    assert get(f"{world.zendesk_url}/agent/tickets/99").status_code == 404


def test_people_can_be_played_by_json(world: World) -> None:
    url = f"{world.zendesk_url}/sandbox"
    letter = {"name": "Bo", "email": "bo@x.example", "subject": "Help", "body": "It broke"}
    ticket = post(f"{url}/tickets", json=letter).json()["ticket"]["id"]
    for action, status in [
        ("solve", "solved"),
        ("reply", "open"),
        ("pend", "pending"),
        ("reopen", "open"),
        ("close", "closed"),
    ]:
        answer = post(f"{url}/tickets/{ticket}/{action}", json={"comment": action})
        assert answer.json()["ticket"]["status"] == status
    assert post(f"{url}/tickets/{ticket}/solve").status_code == 422
    state = get(f"{url}/state").json()
    assert [each["body"] for each in state["comments"][str(ticket)]][1:] == [
        "solve",
        "reply",
        "pend",
        "reopen",
        "close",
    ]
    assert get(f"{url}/notices").json() == {"notices": []}


def test_a_webhook_can_be_set_up_by_json_with_a_known_secret(world: World) -> None:
    url = f"{world.zendesk_url}/sandbox"
    given = {"endpoint": f"{world.mail_url}/", "events": ["ticket.created"], "secret": "known"}
    assert post(f"{url}/webhooks", json=given).json()["webhook"]["secret"] == "known"
    world.zendesk.write_in("Bo", "bo@x.example", "Help", "It broke")
    assert world.zendesk.settle()
    assert len(get(f"{url}/deliveries").json()["deliveries"]) == 1


# --- faults and the log of requests ----------------------------------------------------------------------------


def test_faults_are_programmed_by_json_and_requests_are_written_down_without_credentials(
    world: World,
) -> None:
    url = world.zendesk_url
    fault = {
        "path": "/api/v2/tickets",
        "method": "GET",
        "status": 503,
        "body": {"error": "x"},
        "headers": {"Retry-After": "7"},
    }
    assert post(f"{url}/sandbox/faults", json=fault).status_code == 201
    assert len(get(f"{url}/sandbox/faults").json()["faults"]) == 1
    refused = get(f"{url}/api/v2/tickets.json?page=1", headers={"Authorization": "Bearer very-secret"})
    assert (refused.status_code, refused.json(), refused.headers["Retry-After"]) == (503, {"error": "x"}, "7")
    seen = get(f"{url}/sandbox/requests")
    assert "very-secret" not in seen.text
    request = seen.json()["requests"][0]
    assert (request["method"], request["path"], request["query"], request["status"]) == (
        "GET",
        "/api/v2/tickets.json",
        "page=1",
        503,
    )
    requests.delete(f"{url}/sandbox/requests", timeout=30)
    assert world.zendesk.requests == ()


def test_a_fault_that_cannot_be_read_is_refused(world: World) -> None:
    for wrong in ({}, {"path": "/", "effect": "explode"}, {"path": "("}, {"path": "/", "sttus": 1}):
        assert post(f"{world.salesforce_url}/sandbox/faults", json=wrong).status_code == 400


def test_a_connection_can_be_cut_before_or_after_the_deed(world: World) -> None:
    url, auth = (
        f"{world.zendesk_url}/api/v2/tickets",
        (f"{world.zendesk.integration_email}/token", world.zendesk.api_token),
    )
    for effect, done in ((Effect.DROP_BEFORE, 0), (Effect.COMMIT_THEN_DROP, 1)):
        world.zendesk.faults.add(Fault(path="/tickets", effect=effect))
        with pytest.raises(requests.ConnectionError):
            post(url, json={"ticket": {"comment": {"body": "x"}}}, auth=auth)
        assert len(world.zendesk.tickets) == done
    assert [seen.status for seen in world.zendesk.requests] == [0, 0]


# --- Salesforce's pages and control API ------------------------------------------------------------------------


def test_sales_sees_the_score_on_the_record_page(world: World) -> None:
    account = world.salesforce.add_account("Acme")["Id"]
    known = world.salesforce.add_contact(
        "Berg", "bo@x.example", AccountId=account, NPS_Score__c=9, NPS_Band__c="promoter"
    )["Id"]
    page = get(f"{world.salesforce_url}/lightning/r/Contact/{known[:15]}/view").text
    assert all(
        word in page
        for word in ("Stand-in for Salesforce", 'id="score">9<', "promoter", "Acme", "Sam Jansen")
    )
    assert get(f"{world.salesforce_url}/lightning/r/Account/{account}/view").status_code == 200
    assert get(f"{world.salesforce_url}/lightning/r/Contact/nonsense/view").status_code == 404
    assert get(f"{world.salesforce_url}/lightning/r/Lead/{known}/view").status_code == 404


def test_salesforce_is_played_by_json(world: World) -> None:
    url = f"{world.salesforce_url}/sandbox"
    known = post(f"{url}/contacts", json={"LastName": "Berg"}).json()["Id"]
    assert (
        post(f"{url}/outbound", json={"endpoint": f"{world.mail_url}/"}).json()["endpoint"]
        == f"{world.mail_url}/"
    )
    assert post(f"{url}/contacts/{known}", json={"Title": "Boss"}).json()["Title"] == "Boss"
    assert post(f"{url}/records/{known}/faults", json={"statusCode": "UNABLE_TO_LOCK_ROW"}).status_code == 204
    assert (
        post(f"{url}/contacts/{known}", json={"Title": "Chief"}).json()[0]["errorCode"]
        == "UNABLE_TO_LOCK_ROW"
    )
    assert post(f"{url}/usage", json={"most": 5}).json() == {"most": 5, "used": 0}
    assert [row["Title"] for row in get(f"{url}/state").json()["Contact"]] == ["Boss"]


# --- the mail box ----------------------------------------------------------------------------------------------


def test_a_mail_is_kept_with_its_parts_and_shown(world: World) -> None:
    send(
        world,
        mail(
            "Bo@x.example",
            "Hoe tevreden bent u? ☎",
            "Geef een cijfer",
            "<p>Geef een <a href='/s/1'>cijfer</a></p>",
        ),
    )
    kept = world.mailbox.to("bo@X.example")[0]
    assert (kept.subject, kept.text.strip(), kept.header("list-unsubscribe")) == (
        "Hoe tevreden bent u? ☎",
        "Geef een cijfer",
        "<http://127.0.0.1/u/1>",
    )
    page = get(f"{world.mail_url}/mails/{kept.number}").text
    assert all(word in page for word in ("Geef een cijfer", "List-Unsubscribe", "<iframe sandbox="))
    html = get(f"{world.mail_url}/mails/1/html")
    assert html.headers["Content-Security-Policy"].startswith("sandbox ")
    assert "allow-scripts" not in html.headers["Content-Security-Policy"]
    assert get(f"{world.mail_url}/mails/2").status_code == 404


def test_a_test_can_wait_for_a_mail(world: World) -> None:
    url = f"{world.mail_url}/sandbox/mails"
    assert get(url, params={"to": "bo@x.example", "wait": 0.01}).json() == {"mails": []}
    later = threading.Timer(0.05, send, (world, mail("bo@x.example")))
    later.start()
    found = get(url, params={"to": "bo@x.example", "wait": 5}).json()["mails"]
    later.join()
    assert [each["subject"] for each in found] == ["Hoi"]
    requests.delete(url, timeout=30)
    assert world.mailbox.mails == []


def test_mail_is_refused_at_the_recipient_or_after_the_content_and_then_taken(world: World) -> None:
    world.mailbox.refuse("bo@", Stage.RCPT, 550)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(world, mail("bo@x.example"))
    post(
        f"{world.mail_url}/sandbox/refusals",
        json={"to": "bo@", "stage": "data", "code": 451, "text": "4.3.0 Later"},
    )
    with pytest.raises(smtplib.SMTPDataError) as later:
        send(world, mail("bo@x.example"))
    assert later.value.smtp_code == 451
    assert world.mailbox.mails == []
    send(world, mail("bo@x.example"))
    assert len(world.mailbox.mails) == 1


def test_the_connection_can_break_after_the_mail_was_taken(world: World) -> None:
    world.mailbox.refuse(stage=Stage.DROP_AFTER_DATA)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(world, mail("bo@x.example"))
    assert len(world.mailbox.mails) == 1


def test_a_refusal_that_cannot_be_read_is_refused(world: World) -> None:
    for wrong in ({"stage": "never"}, {"whom": "x"}, {"to": "("}):
        assert post(f"{world.mail_url}/sandbox/refusals", json=wrong).status_code == 400


# --- beginning and end -----------------------------------------------------------------------------------------


def test_everything_is_gone_after_the_end_also_with_connections_open(world: World) -> None:
    with World() as other, requests.Session() as session:
        ports = [
            int(url.rpartition(":")[2])
            for url in (other.zendesk_url, other.salesforce_url, other.mail_url, other.smtp_url)
        ]
        session.get(f"{other.zendesk_url}/agent/tickets")
        other.zendesk.faults.add(Fault(path="/", delay=30, effect=Effect.DELAY))
        asked = threading.Thread(target=lambda: get(f"{other.zendesk_url}/api/v2/tickets"))
        asked.start()
        while other.zendesk.faults.pending:  # until the request is in the stand-in's hands
            asked.join(0.005)
        other.close()
        asked.join(30)
        assert not asked.is_alive()
    for port in ports:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=1)
    assert get(f"{world.zendesk_url}/agent/tickets").status_code == 200


def test_a_taken_port_leaves_nothing_behind(world: World) -> None:
    threads = threading.active_count()
    with pytest.raises(OSError, match="in use"):
        World(salesforce_port=int(world.zendesk_url.rpartition(":")[2]))
    assert threading.active_count() == threads


def test_a_process_of_its_own_says_where_everything_is() -> None:
    said: list[str] = []
    stop = threading.Event()
    stop.set()
    run(0, 0, 0, 0, say=said.append, stop=stop)
    assert [line.split()[0] for line in said] == ["Zendesk", "Salesforce", "Mail", "SMTP"]
    with World() as world:
        assert world.smtp_url in addresses(world)[3]

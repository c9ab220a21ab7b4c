"""SES through SNS, and Mailgun: what they tell of returned mail counts when they signed it, and once; nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.config.file import read_config
from connector.storage.schema import tables as t
from connector.vendors.clients import Connections
from connector.vendors.registry import VENDORS, table
from connector.vendors.ses.vendor import vendor as ses_vendor
from integrations.errors import Transient
from integrations.ses.certificates import FetchedCertificates
from integrations.ses.client import Amazon
from sandbox.clock import HandClock
from sandbox.mail_providers.mailgun import MailgunStandIn
from sandbox.mail_providers.sns import AMAZON, CERTIFICATE, TOPIC, SnsStandIn
from sandbox.world import World
from tests.integration import test_returned_mail as returned
from tests.integration.test_returned_mail import ask, bounce, came, envelope, events, on_sqlite, outcomes, suppressed
from tests.support.house import Harness, a_house, config_of
from webhooks.errors import Refused
from webhooks.ses.signature import expect_certificate_address, expect_confirmation_address, host_of

PROVIDERS = f"""\
  ses: {{{{kind: ses, topic_arn: "{TOPIC}"}}}}
  mailgun: {{{{kind: mailgun, webhook_secret: {MailgunStandIn.signing_key}}}}}
"""
ANN = "ann@example.com"


class StandInAmazon(Amazon):
    """Amazon's addresses lead to the stand-in."""

    def __init__(self, sns: SnsStandIn) -> None:
        self.sns, self.asked, self.is_away = sns, 0, False

    def certificate(self, address: str) -> bytes:
        self.asked += 1
        if self.is_away:
            raise Transient("away")
        assert address == f"{AMAZON}{CERTIFICATE}"
        return super().certificate(address.replace(AMAZON, self.sns.url))

    def confirm(self, address: str) -> None:
        super().confirm(address.replace(AMAZON, self.sns.url))


@dataclass
class Scene:
    home: Harness
    sns: SnsStandIn
    mailgun: MailgunStandIn
    amazon: StandInAmazon

    @property
    def ses_url(self) -> str:
        return f"{self.home.url}/webhooks/ses"

    @property
    def mailgun_url(self) -> str:
        return f"{self.home.url}/webhooks/mailgun"

    def kept(self, connection: str) -> list[tuple[str, str]]:
        rows = self.home.rows(t.deliveries, t.deliveries.c.connection == connection)
        return [(row.status, row.reason) for row in rows]


@contextmanager
def a_scene(database_url: str) -> Iterator[Scene]:
    clock = HandClock()
    sns, mailgun = SnsStandIn(clock), MailgunStandIn(clock)
    amazon = StandInAmazon(sns)
    try:
        with World(clock=clock) as world:
            sender = '    sender: "Acme <feedback@acme.example>"\n'
            config = config_of(world).replace(sender, returned.MAIL + PROVIDERS.format())
            certificates = FetchedCertificates(amazon.certificate, lambda work: work())
            vendors = table(*VENDORS.values(), ses_vendor(amazon, certificates))
            with (
                a_house(database_url, world, returned.FLOWS, clock=clock, config=config, surveys=returned.ALWAYS,
                        vendors=vendors) as home,
                home.on_the_network(),
            ):  # fmt: skip
                yield Scene(home, sns, mailgun, amazon)
    finally:
        sns.close()
        mailgun.close()


@pytest.fixture
def scene(database_url: str) -> Iterator[Scene]:
    with a_scene(database_url) as scene:
        yield scene


# SES


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_bounce_that_ses_tells_suppresses_the_address(scene: Scene, version: str) -> None:
    ask(scene.home)
    scene.sns.version = version
    assert scene.sns.bounce(scene.ses_url, ANN, envelope(scene.home)) == 200
    scene.home.settle()
    assert suppressed(scene.home) == [ANN]
    assert len(events(scene.home, "survey.bounced")) == 1


@on_sqlite
def test_a_complaint_that_ses_tells_is_an_opt_out(scene: Scene) -> None:
    ask(scene.home)
    scene.sns.complaint(scene.ses_url, ANN, envelope(scene.home))
    scene.home.settle()
    assert scene.home.one(t.customers).opted_out_at is not None
    scene.sns.complaint(scene.ses_url, ANN, envelope(scene.home), kind="not-spam")
    scene.home.settle()
    assert scene.kept("ses")[-1][0] == "ignored"


@on_sqlite
def test_who_is_known_by_the_address_alone_is_believed_because_ses_signed(scene: Scene) -> None:
    ask(scene.home)
    scene.sns.bounce(scene.ses_url, "Ann@Example.com", "somebody@acme.example")
    scene.sns.bounce(scene.ses_url, "stranger@example.com", "somebody@acme.example")
    scene.home.settle()
    assert suppressed(scene.home) == [ANN]
    assert len([each for each in outcomes(scene.home) if each == returned.UNKNOWN]) == 1


@pytest.mark.parametrize(
    ("detail", "hard"),
    [
        ({"bounceType": "Transient", "bounceSubType": "MailboxFull", "status": "4.2.2"}, False),
        ({"bounceType": "Transient", "bounceSubType": "General"}, False),
        ({"bounceSubType": "Suppressed", "status": "", "diagnosticCode": "Amazon SES has suppressed it"}, True),
        ({"bounceSubType": "OnAccountSuppressionList", "status": "", "diagnosticCode": ""}, True),
        ({"status": "", "diagnosticCode": ""}, True),
        ({"status": "5.7.1", "diagnosticCode": "550 5.7.1 blocked for spam"}, False),
    ],
)
@on_sqlite
def test_only_what_is_the_addresss_fault_is_hard(scene: Scene, detail: dict[str, Any], hard: bool) -> None:
    ask(scene.home)
    scene.sns.bounce(scene.ses_url, ANN, envelope(scene.home), **detail)
    scene.home.settle()
    assert [row.kind for row in scene.home.rows(t.mail_returns)] == ["hard" if hard else "soft"]


def _forged(sns: SnsStandIn) -> None:
    sns.faults.signature = "AAAA"


def _tampered(sns: SnsStandIn) -> None:
    sns.faults.tamper = {"Message": "{}"}


def _another_certificate(sns: SnsStandIn) -> None:
    sns.faults.certificate_url = "https://sns.eu-west-1.amazonaws.com.evil.example" + CERTIFICATE


def _old(sns: SnsStandIn) -> None:
    sns.faults.tamper = {}
    hours = sns.clock
    sns.clock = lambda: hours() - timedelta(hours=3)


FORGERIES = {"forged": _forged, "tampered": _tampered, "another certificate": _another_certificate, "old": _old}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=list(FORGERIES))
@on_sqlite
def test_what_sns_did_not_sign_lately_is_kept_shown_and_has_no_effect(
    scene: Scene, forge: Callable[[SnsStandIn], None]
) -> None:
    ask(scene.home)
    forge(scene.sns)
    assert scene.sns.bounce(scene.ses_url, ANN, envelope(scene.home)) == 401
    scene.home.settle()
    [(status, reason)] = scene.kept("ses")
    assert status == "unreadable"
    assert reason
    assert (suppressed(scene.home), outcomes(scene.home)) == ([], [])


@on_sqlite
def test_forgeries_do_not_fill_the_disk_and_replaying_one_does_nothing(scene: Scene) -> None:
    ask(scene.home)
    scene.sns.faults.signature = "AAAA"
    for number in range(40):
        scene.sns.bounce(scene.ses_url, f"p{number}@example.com", envelope(scene.home))
    assert 1 <= len(scene.kept("ses")) <= 16
    with scene.home.house.database.write() as tx:
        tx.execute(t.deliveries.update().where(t.deliveries.c.connection == "ses").values(status="new"))
    scene.home.settle()
    assert {status for status, _ in scene.kept("ses")} == {"unreadable"}
    assert outcomes(scene.home) == []


@on_sqlite
def test_another_topics_messages_are_refused_though_sns_signed_them(scene: Scene) -> None:
    scene.sns.faults.topic = "arn:aws:sns:eu-west-1:999999999999:somebody-elses"
    assert scene.sns.bounce(scene.ses_url, ANN, "x@acme.example") == 403
    assert scene.kept("ses") == []


@on_sqlite
def test_a_repeated_message_is_the_same_delivery(scene: Scene) -> None:
    ask(scene.home)
    scene.sns.bounce(scene.ses_url, ANN, envelope(scene.home))
    assert scene.sns.again(scene.ses_url) == 200
    assert len(scene.kept("ses")) == 1
    assert scene.amazon.asked == 1


@on_sqlite
def test_a_subscription_is_confirmed_after_it_was_verified_and_once(scene: Scene) -> None:
    assert scene.sns.subscribe(scene.ses_url) == 200
    scene.home.settle()
    assert scene.sns.confirmed == []
    scene.home.run_job("confirm SNS subscriptions")
    scene.home.run_job("confirm SNS subscriptions")
    assert scene.sns.confirmed == [TOPIC]
    assert scene.kept("ses")[0][0] == "ignored"


@on_sqlite
def test_a_forged_subscription_is_never_visited(scene: Scene) -> None:
    scene.sns.faults.tamper = {"SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"}
    assert scene.sns.subscribe(scene.ses_url) == 401
    scene.home.run_job("confirm SNS subscriptions")
    assert scene.sns.confirmed == []


@on_sqlite
def test_a_confirmation_that_amazon_does_not_take_is_tried_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.sns.subscribe(scene.ses_url)
    with monkeypatch.context() as failing:
        failing.setattr(scene.sns, "url", "http://127.0.0.1:1")
        scene.home.run_job("confirm SNS subscriptions")
    scene.home.clock.move(minutes=2)
    scene.home.run_job("confirm SNS subscriptions")
    assert scene.sns.confirmed == [TOPIC]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"Type": "Notification"}', b"\xff"])
@on_sqlite
def test_what_is_no_message_of_sns_is_answered_and_harms_nobody(scene: Scene, body: bytes) -> None:
    answer = scene.home.client.post("/webhooks/ses", data=body, content_type="text/plain")
    assert answer.status_code in (400, 403)


@on_sqlite
def test_a_signed_message_with_nothing_readable_inside_is_kept_and_shown(scene: Scene) -> None:
    assert scene.sns.notify(scene.ses_url, {"notificationType": "Bounce", "bounce": {}}) == 200
    assert scene.sns.notify(scene.ses_url, {"notificationType": "AmazonSnsSubscriptionSucceeded"}) == 200
    scene.home.settle()
    assert [status for status, _ in scene.kept("ses")] == ["unreadable", "ignored"]


# whose certificate


@pytest.mark.parametrize(
    "address",
    [
        "http://sns.eu-west-1.amazonaws.com" + CERTIFICATE,
        "https://sns.us-east-1.amazonaws.com" + CERTIFICATE,
        "https://evil.example" + CERTIFICATE,
        "https://sns.eu-west-1.amazonaws.com.evil.example" + CERTIFICATE,
        "https://sns.eu-west-1.amazonaws.com@evil.example" + CERTIFICATE,
        "https://user@sns.eu-west-1.amazonaws.com" + CERTIFICATE,
        "https://sns.eu-west-1.amazonaws.com:8443" + CERTIFICATE,
        "https://sns.eu-west-1.amazonaws.com/other.pem",
        "https://sns.eu-west-1.amazonaws.com" + CERTIFICATE + "?x=https://evil.example",
        "https://s3.amazonaws.com/bucket" + CERTIFICATE,
        "",
        "https://[",
    ],
)
def test_a_certificate_comes_from_amazons_own_host_alone(address: str) -> None:
    with pytest.raises(Refused, match="SigningCertURL"):
        expect_certificate_address(address, TOPIC)


def test_the_host_is_that_of_the_topics_region() -> None:
    expect_certificate_address(f"{AMAZON}{CERTIFICATE}", TOPIC)
    assert host_of("arn:aws-cn:sns:cn-north-1:123456789012:x") == "sns.cn-north-1.amazonaws.com.cn"
    assert host_of("arn:aws:sns:evil.example/:123456789012:x") == "sns..amazonaws.com"


@pytest.mark.parametrize(
    "query",
    [
        "", "?Action=Publish&TopicArn=" + TOPIC, "?Action=ConfirmSubscription",
        "?Action=ConfirmSubscription&TopicArn=other",
    ],
)
def test_an_address_that_does_something_else_is_not_visited(query: str) -> None:
    with pytest.raises(Refused, match="SubscribeURL"):
        expect_confirmation_address(f"{AMAZON}/{query}", TOPIC)


def test_while_a_certificate_is_fetched_nobody_waits_and_a_failure_is_tried_again() -> None:
    work: list[Callable[[], None]] = []
    told: list[bytes | Exception] = [Transient("away"), b"pem"]

    def fetch(_address: str) -> bytes:
        given = told.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    certificates = FetchedCertificates(fetch, work.append)
    assert certificates("a") is None
    assert certificates("a") is None
    assert len(work) == 1, "it is asked for once"
    work.pop()()
    assert certificates("a") is None, "that failed, and the next begins anew"
    work.pop()()
    assert certificates("a") == b"pem"


@on_sqlite
def test_sns_is_asked_to_come_back_while_the_certificate_is_fetched(scene: Scene) -> None:
    scene.amazon.is_away = True
    assert scene.sns.bounce(scene.ses_url, ANN, "x@acme.example") == 503
    assert scene.kept("ses") == []


@on_sqlite
def test_an_expired_certificate_proves_nothing(scene: Scene) -> None:
    scene.home.clock.move(days=400)
    assert scene.sns.bounce(scene.ses_url, ANN, "x@acme.example") == 401


# Mailgun


def test_a_bounce_that_mailgun_tells_suppresses_the_address(scene: Scene) -> None:
    ask(scene.home)
    assert scene.mailgun.failed(scene.mailgun_url, ANN, envelope(scene.home)) == 200
    scene.home.settle()
    assert suppressed(scene.home) == [ANN]


@on_sqlite
def test_what_mailgun_still_tries_is_no_bounce(scene: Scene) -> None:
    ask(scene.home)
    scene.mailgun.failed(scene.mailgun_url, ANN, envelope(scene.home), severity="temporary")
    scene.mailgun.tell(scene.mailgun_url, ANN, envelope(scene.home), {"event": "delivered"})
    scene.home.settle()
    assert [status for status, _ in scene.kept("mailgun")] == ["ignored", "ignored"]


@pytest.mark.parametrize("way", ["complained", "unsubscribed"])
@on_sqlite
def test_a_complaint_and_a_way_out_at_mailgun_are_opt_outs(scene: Scene, way: str) -> None:
    ask(scene.home)
    getattr(scene.mailgun, way)(scene.mailgun_url, ANN, envelope(scene.home))
    scene.home.settle()
    assert scene.home.one(t.customers).opted_out_at is not None


@pytest.mark.parametrize("fault", [{"signing_key": "guessed"}, {"seconds_old": 13 * 3600}, {"seconds_old": -3600}])
@on_sqlite
def test_what_mailgun_did_not_sign_lately_has_no_effect_and_is_sent_again(
    scene: Scene, fault: dict[str, Any]
) -> None:
    ask(scene.home)
    for name, value in fault.items():
        setattr(scene.mailgun.faults, name, value)
    assert scene.mailgun.failed(scene.mailgun_url, ANN, envelope(scene.home)) == 401
    scene.home.settle()
    assert ([status for status, _ in scene.kept("mailgun")], suppressed(scene.home)) == (["unreadable"], [])


@on_sqlite
def test_a_token_counts_once_whatever_is_told_with_it(scene: Scene) -> None:
    ask(scene.home)
    scene.mailgun.tell(scene.mailgun_url, ANN, envelope(scene.home), {"event": "delivered"})
    replayed = {**scene.mailgun.sent[-1], "event-data": {"event": "complained", "recipient": ANN}}
    answer = scene.home.client.post("/webhooks/mailgun", data=json.dumps(replayed), content_type="application/json")
    assert (answer.status_code, answer.json["status"]) == (200, "duplicate")
    scene.home.settle()
    assert scene.home.one(t.customers).opted_out_at is None


@on_sqlite
def test_what_is_signed_and_cannot_be_read_is_kept_and_not_repeated(scene: Scene) -> None:
    assert scene.home.client.post("/webhooks/mailgun", data=b"{", content_type="application/json").status_code == 406
    assert scene.mailgun.tell(scene.mailgun_url, ANN, "", {"event": ""}) == 200
    scene.home.settle()
    assert [status for status, _ in scene.kept("mailgun")] == ["unreadable", "unreadable"]


# together


@on_sqlite
def test_a_report_and_both_webhooks_end_the_same_in_any_order(scene: Scene) -> None:
    home, ends = scene.home, set()
    for number, order in enumerate(permutations(range(3)), start=1):
        email = f"p{number}@example.com"
        user = home.know(email, f"Person {number}")
        ask(home, f"{number}1", user=user)
        [mail] = home.mails(email)
        told: list[Callable[[], Any]] = [
            lambda to=mail.sender, n=number: came(home, bounce(to, number=n)),
            lambda to=mail.sender, who=email: scene.sns.bounce(scene.ses_url, who, to),
            lambda to=mail.sender, who=email: scene.mailgun.failed(scene.mailgun_url, who, to),
        ]  # fmt: skip
        for place in order:
            told[place]()
            home.settle()
        [row] = home.rows(t.mail_returns, t.mail_returns.c.address == email)
        [held] = home.rows(t.mail_suppressions, t.mail_suppressions.c.address == email)
        bounced = home.rows(t.events, t.events.c.type == "survey.bounced", t.events.c.customer_id == row.customer_id)
        ends.add((row.kind, row.status, held.kind, held.reason, len(bounced)))
    assert ends == {("hard", "5.1.1", "hard", "the address does not exist, 5.1.1", 1)}


@on_sqlite
def test_the_stand_ins_show_what_they_sent(scene: Scene) -> None:
    scene.mailgun.complained(scene.mailgun_url, ANN, "<x>@acme.example")
    assert "answered 200" in requests.get(scene.mailgun.url, timeout=10).text
    assert "Nothing was sent yet" in requests.get(scene.sns.url, timeout=10).text


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("{kind: ses}", "connections.x.topic_arn"),
        ("{kind: ses, topic_arn: nonsense}", "connections.x.topic_arn"),
        ('{kind: ses, topic_arn: "arn:aws:sns:eu-west-1:123456789012:a", secret: b}', "connections.x.secret"),
        ("{kind: mailgun}", "connections.x.webhook_secret"),
        ("{kind: mailgun, webhook_secret: a, key: b}", "connections.x.key"),
    ],
)
def test_settings_that_would_let_nobody_or_everybody_in_are_refused(line: str, path: str) -> None:
    config = read_config(f"connections: {{x: {line}}}", Path("ringback.yaml"), {})
    assert path in [mistake.path for mistake in Connections(config).check()]

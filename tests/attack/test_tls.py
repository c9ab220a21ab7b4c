"""A server with a certificate that it has no right to gets neither password nor word, whatever the protocol."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from connector.config.settings import Settings, SettingsError
from connector.observe.machine import check_broker, check_encryption
from connector.runtime.queues.celery_app import make_celery, sender
from connector.storage.engine.database import Database
from connector.vendors.health_checks import told_time
from integrations.alerts.client import AppriseAlerter
from integrations.error_mapping import Dialect
from integrations.http import VendorSession
from integrations.smtp.client import SmtpMessenger
from tests.support.certificates import Authority, listening

_SMTP = b"220 mail.example ready\r\n"


def _vendor(port: int) -> None:
    with VendorSession(f"https://127.0.0.1:{port}", Dialect("Vendor")) as session:
        session.get("/secret")


def _mail(port: int) -> None:
    SmtpMessenger(f"smtps://user:secret@127.0.0.1:{port}", "Acme <feedback@acme.example>", timeout=5).greet()


def _alert(port: int) -> None:
    AppriseAlerter().alert([f"jsons://127.0.0.1:{port}/secret"], "Jan is unhappy", "x")


def _alert_without_a_look(port: int) -> None:
    AppriseAlerter().alert([f"jsons://127.0.0.1:{port}/secret?verify=no"], "Jan is unhappy", "x")


def _alert_by_mail(port: int) -> None:
    address = f"mailtos://user:secret@127.0.0.1:{port}?mode=ssl&from=a@acme.example&to=b@acme.example"
    AppriseAlerter().alert([address], "Jan is unhappy", "x")


def _redis(port: int) -> None:
    _ring(f"rediss://user:secret@127.0.0.1:{port}/0")


def _rabbit(port: int) -> None:
    _ring(f"amqps://user:secret@127.0.0.1:{port}//")


def _ring(broker: str) -> None:
    celery = make_celery(broker)
    celery.conf.broker_transport_options = {"max_retries": 0, "socket_timeout": 5, "socket_connect_timeout": 5}
    celery.conf.broker_connection_timeout = 5
    with suppress(Exception):
        sender(celery)("intake")


def _redis_of_the_doctor(port: int) -> None:
    check_broker(f"rediss://user:secret@127.0.0.1:{port}/0", in_memory=False)


def _rabbit_of_the_doctor(port: int) -> None:
    check_broker(f"amqps://user:secret@127.0.0.1:{port}//", in_memory=False)


def _postgres(port: int) -> None:
    url = f"postgresql://user:secret@127.0.0.1:{port}/db?sslmode=verify-full&connect_timeout=5"
    with Database(url).read():
        pass


def _clock(port: int) -> None:
    told_time(f"https://127.0.0.1:{port}/")


WAYS = [
    _vendor, _mail, _alert, _alert_by_mail, _redis, _rabbit, _redis_of_the_doctor, _rabbit_of_the_doctor, _clock,
    _postgres,
]  # fmt: skip


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


def _first_words(way: Callable[[int], None], certificate: Path) -> list[bytes]:
    with listening(certificate, _SMTP if "mail" in way.__name__ else b"", 8 if way is _postgres else 0) as server:
        with suppress(Exception):
            way(server.port)
        server.heard.wait(0.2)
        return server.said


@pytest.mark.parametrize("way", [*WAYS, _alert_without_a_look])
def test_a_certificate_that_nobody_vouches_for_hears_nothing(way: Callable[[int], None], authority: Authority) -> None:
    assert _first_words(way, authority.certificate("127.0.0.1")) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_certificate_of_another_host_hears_nothing_although_our_authority_signed_it(
    way: Callable[[int], None], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBACK_CA_FILE", str(authority.file))
    assert _first_words(way, authority.certificate("other.example")) == []


@pytest.mark.parametrize("way", WAYS)
def test_an_authority_of_our_own_is_trusted_by_a_setting(
    way: Callable[[int], None], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBACK_CA_FILE", str(authority.file))
    assert _first_words(way, authority.certificate("127.0.0.1"))


@pytest.mark.parametrize("content", [None, "no certificate at all"])
def test_a_file_without_an_authority_is_refused_at_the_start(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match="RINGBACK_CA_FILE"):
        Settings.from_environment({"RINGBACK_CA_FILE": str(file)})


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://u:p@db.example/ringback", True),
        ("postgresql://u:p@db.example/ringback?sslmode=require", True),
        ("postgresql://u:p@db.example/ringback?sslmode=verify-full", False),
        ("postgresql://u:p@127.0.0.1/ringback", False),
        ("postgresql:///ringback", False),
        ("sqlite:///ringback.db", False),
    ],
)
def test_the_doctor_tells_of_a_database_that_need_not_prove_who_it_is(url: str, told: bool) -> None:
    finding = check_encryption(url)
    assert (finding is not None) == told
    assert finding is None or "u:p" not in finding.says

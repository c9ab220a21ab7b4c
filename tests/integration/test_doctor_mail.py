"""ringback doctor mail: what receivers will make of our mail, asked of a real name server on loopback."""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dns.resolver import Resolver

from connector.cli.main import main
from connector.observe.findings import Finding, Verdict
from connector.vendors.smtp.https_check import check_https
from connector.vendors.smtp.mail_checks import MailSetup, check_mail
from integrations.mail.sender_checks import dkim_record, dmarc, spf
from integrations.mail.sender_checks.dns import Dns, DnsSilentError
from integrations.mail.sender_checks.spf import SpfResult
from integrations.smtp.client import Postal
from integrations.smtp.dkim import DkimKey
from tests.integration.test_smtp import certificate
from tests.support.dns_server import NameServer, Zone, name_server

__all__ = ["certificate"]

OUTSIDE, OTHER = "5.9.10.11", "5.9.99.99"  # addresses of the world, which nobody is asked at
RSA = DkimKey("acme.example", "one", rsa.generate_private_key(65537, 2048))
ED25519 = DkimKey("acme.example", "two", ed25519.Ed25519PrivateKey.generate())


def text(value: str) -> str:
    """A TXT record, in parts of 255 characters as DNS wants them."""
    return " ".join(f'"{value[start : start + 255]}"' for start in range(0, len(value), 255))


GOOD: Zone = {
    ("smtp.acme.example", "A"): [OUTSIDE],
    ("11.10.9.5.in-addr.arpa", "PTR"): ["smtp.acme.example."],
    ("acme.example", "TXT"): [text("v=spf1 ip4:5.9.10.0/24 -all"), text("site-verification=1")],
    ("acme.example", "MX"): ["10 smtp.acme.example."],
    ("one._domainkey.acme.example", "TXT"): [text(RSA.record)],
    ("two._domainkey.acme.example", "TXT"): [text(ED25519.record)],
    ("_dmarc.acme.example", "TXT"): [text("v=DMARC1; p=reject; rua=mailto:dmarc@acme.example")],
}
POSTAL = Postal(bounce_address="bounces@acme.example", keys=(RSA, ED25519))
SETUP = MailSetup("smtp.acme.example", {"acme.example": "connection mail"}, POSTAL, frozenset({"acme.example"}))


@contextmanager
def asked(zone: Zone, *, silent: str = "") -> Iterator[Dns]:
    with name_server(zone) as server:
        server.out_of_order = frozenset({silent})
        yield Dns(resolver_of(server))


def resolver_of(server: NameServer) -> Resolver:
    resolver = Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], server.server_address[1]
    return resolver


def findings(changes: dict[tuple[str, str], list[str]] | None = None, setup: MailSetup = SETUP) -> list[Finding]:
    zone = {place: records for place, records in (GOOD | (changes or {})).items() if records}
    with asked(zone) as dns:
        return list(check_mail(setup, dns))


def troubles(found: list[Finding]) -> dict[str, tuple[Verdict, str, str]]:
    return {each.check: (each.verdict, each.says, each.remedy) for each in found if each.verdict is not Verdict.OK}


def test_mail_that_receivers_like_has_nothing_to_mend() -> None:
    found = findings()
    assert troubles(found) == {}
    assert [each.check for each in found] == [
        "SPF of acme.example", "DKIM key one._domainkey.acme.example", "DKIM key two._domainkey.acme.example",
        "DMARC of acme.example", f"name of {OUTSIDE}",
        "mail to acme.example (bounce_address)", "mail to acme.example (replies to acme.example)",
    ]  # fmt: skip


KEY = ("one._domainkey.acme.example", "TXT")
TROUBLES: list[tuple[dict[tuple[str, str], list[str]], str, Verdict, str, str]] = [
    ({("acme.example", "TXT"): []}, "SPF of acme.example", Verdict.BROKEN, "no SPF record",
     f'"v=spf1 ip4:{OUTSIDE} -all"'),
    ({("acme.example", "TXT"): [text("v=spf1 ip4:5.9.99.0/24 ~all")]}, "SPF of acme.example", Verdict.WARNING,
     f"does not let {OUTSIDE} send for acme.example (softfail)", "Add the addresses"),
    ({("acme.example", "TXT"): [text("v=spf1 -all"), text("v=spf1 a -all")]}, "SPF of acme.example", Verdict.BROKEN,
     "has 2 SPF records", "Correct the TXT record"),
    ({KEY: []}, "DKIM key one._domainkey.acme.example", Verdict.BROKEN, "DNS shows no key", RSA.record),
    ({KEY: [text(ED25519.record)]}, "DKIM key one._domainkey.acme.example", Verdict.BROKEN,
     "holds a key of kind ed25519, and ours is rsa", RSA.record),
    ({KEY: [text("v=DKIM1; p=")]}, "DKIM key one._domainkey.acme.example", Verdict.BROKEN, "withdraws", RSA.record),
    ({KEY: [text(f"{RSA.record}; t=y")]}, "DKIM key one._domainkey.acme.example", Verdict.WARNING, "(t=y)", "Remove"),
    ({("_dmarc.acme.example", "TXT"): []}, "DMARC of acme.example", Verdict.BROKEN, "no DMARC record", "p=none; rua="),
    ({("_dmarc.acme.example", "TXT"): [text("v=DMARC1; p=never")]}, "DMARC of acme.example", Verdict.BROKEN,
     "none of none, quarantine and reject", "Correct the TXT record at _dmarc.acme.example"),
    ({("_dmarc.acme.example", "TXT"): [text("v=DMARC1; p=none")]}, "DMARC of acme.example", Verdict.WARNING,
     "nobody gets reports", "Add rua="),
    ({("11.10.9.5.in-addr.arpa", "PTR"): []}, f"name of {OUTSIDE}", Verdict.BROKEN, "has no name (PTR)", "PTR record"),
    ({("11.10.9.5.in-addr.arpa", "PTR"): ["other.example."]}, f"name of {OUTSIDE}", Verdict.BROKEN,
     "called other.example, and that name does not lead back", f"address record of other.example with {OUTSIDE}"),
    ({("acme.example", "MX"): ["0 ."]}, "mail to acme.example (bounce_address)", Verdict.BROKEN, "takes no mail", "MX"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "check", "verdict", "says", "remedy"), TROUBLES)
def test_each_trouble_is_found_with_its_remedy(
    changes: dict[tuple[str, str], list[str]], check: str, verdict: Verdict, says: str, remedy: str
) -> None:
    told = troubles(findings(changes))
    assert check in told
    assert told[check][0] is verdict
    assert says in told[check][1]
    assert remedy in told[check][2]


def test_the_record_that_the_remedy_names_mends_the_key() -> None:
    told = troubles(findings({KEY: [text("v=DKIM1; p=AAAA")]}))
    record = told["DKIM key one._domainkey.acme.example"][2].split('"')[1]
    assert troubles(findings({KEY: [text(record)]})) == {}


@pytest.mark.parametrize(
    ("postal", "policy", "verdict", "says"),
    [
        (Postal(bounce_address="b@acme.example"), "v=DMARC1; p=reject; rua=mailto:a@b", Verdict.WARNING, "only SPF is"),
        (Postal(bounce_address="b@other.example", keys=(RSA,)), "v=DMARC1; p=none; rua=mailto:a@b", Verdict.WARNING,
         "only the signature is aligned"),
        (Postal(bounce_address="b@other.example"), "v=DMARC1; p=none", Verdict.BROKEN, "DMARC fails (p=none)"),
        (Postal(bounce_address="b@mail.acme.example", keys=(RSA,)), "v=DMARC1; p=none; aspf=s; rua=mailto:a@b",
         Verdict.WARNING, "only the signature is aligned"),
    ],
)  # fmt: skip
def test_what_is_not_aligned_is_told(postal: Postal, policy: str, verdict: Verdict, says: str) -> None:
    setup = MailSetup("smtp.acme.example", {"acme.example": "connection mail"}, postal)
    told = troubles(findings({("_dmarc.acme.example", "TXT"): [text(policy)]}, setup))
    assert told["DMARC of acme.example"][0] is verdict
    assert says in told["DMARC of acme.example"][1]


def test_mail_that_nothing_signs_and_bounces_that_nobody_reads_are_told() -> None:
    setup = MailSetup("smtp.acme.example", {"acme.example": "connection mail", "brand.example": "brand care"}, Postal())
    told = troubles(findings(setup=setup))
    assert "no key signs the mail of brand care" in told["DKIM of brand.example"][1]
    assert "domain: brand.example" in told["DKIM of brand.example"][2]
    assert "bounce_address" in told["mailboxes"][2]


def test_a_question_that_nobody_answers_is_told_in_its_place_and_stops_no_other() -> None:
    with asked(GOOD, silent="_dmarc.acme.example") as dns:
        dns_with_little_patience = Dns(dns._resolver, seconds=0.3)
        found = list(check_mail(SETUP, dns_with_little_patience))
    told = troubles(found)
    assert list(told) == ["DMARC of acme.example"]
    assert "no name server tells of _dmarc.acme.example" in told["DMARC of acme.example"][1]
    assert found[-1].verdict is Verdict.OK


def test_a_mail_server_inside_has_no_address_to_judge() -> None:
    setup = MailSetup("127.0.0.1", {"acme.example": "connection mail"}, POSTAL)
    found = {each.check: each for each in findings(setup=setup)}
    assert "not known here" in found["SPF of acme.example"].says
    assert f"name of {OUTSIDE}" not in found
    anybody = findings({("acme.example", "TXT"): [text("v=spf1 +all")]}, setup)
    assert "lets anybody send" in troubles(anybody)["SPF of acme.example"][1]


# The judges


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 -all", SpfResult.FAIL),
        ("v=spf1 ?all", SpfResult.NEUTRAL),
        ("v=spf1", SpfResult.NEUTRAL),
        ("v=spf10 -all", SpfResult.NONE),
        (f"V=SPF1 IP4:{OUTSIDE} -ALL", SpfResult.PASS),
        ("v=spf1 ip6:2001:db8::/32 ip4:5.9.10.11/33 -all", SpfResult.PERMERROR),
        ("v=spf1 a:host.example -all", SpfResult.PASS),
        ("v=spf1 a:near.example/24 -all", SpfResult.PASS),
        ("v=spf1 a:near.example -all", SpfResult.FAIL),
        ("v=spf1 mx:mx.example -all", SpfResult.PASS),
        ("v=spf1 include:good.example -all", SpfResult.PASS),
        ("v=spf1 include:bad.example ~all", SpfResult.SOFTFAIL),
        ("v=spf1 include:none.example -all", SpfResult.PERMERROR),
        ("v=spf1 redirect=good.example", SpfResult.PASS),
        ("v=spf1 redirect=none.example", SpfResult.PERMERROR),
        ("v=spf1 exists:%{ir}.list.example -all", SpfResult.PASS),
        ("v=spf1 exists:%{i}.list.example -all", SpfResult.FAIL),
        ("v=spf1 exists:%(i) -all", SpfResult.PERMERROR),
        ("v=spf1 ptr:acme.example -all", SpfResult.PASS),
        ("v=spf1 nonsense -all", SpfResult.PERMERROR),
        ("v=spf1 a:no1.example a:no2.example a:no3.example -all", SpfResult.PERMERROR),
        ("v=spf1 include:loop.example -all", SpfResult.PERMERROR),
    ],
)
def test_spf_is_judged_as_receivers_judge_it(record: str, result: SpfResult) -> None:
    zone: Zone = {
        **GOOD,
        ("d.example", "TXT"): [text(record)],
        ("host.example", "A"): [OTHER, OUTSIDE],
        ("near.example", "A"): ["5.9.10.200"],
        ("mx.example", "MX"): ["10 host.example."],
        ("good.example", "TXT"): [text(f"v=spf1 ip4:{OUTSIDE} -all")],
        ("bad.example", "TXT"): [text("v=spf1 -all")],
        ("loop.example", "TXT"): [text("v=spf1 include:loop.example -all")],
        ("11.10.9.5.list.example", "A"): ["127.0.0.2"],
    }
    with asked(zone) as dns:
        assert spf.judge(dns, OUTSIDE, "d.example").result is result


def test_spf_of_ipv6_has_lengths_of_its_own() -> None:
    record = [text("v=spf1 a/32//64 ip6:2a01::/16 -all")]
    zone: Zone = {("d.example", "TXT"): record, ("d.example", "AAAA"): ["2a02:1::1"]}
    with asked(zone) as dns:
        answers = [spf.judge(dns, each, "d.example").result for each in ("2a02:1::9", "2a02:2::1", "2a01::1")]
    assert answers == [SpfResult.PASS, SpfResult.FAIL, SpfResult.PASS]


@pytest.mark.parametrize(
    ("shown", "fault"),
    [
        (RSA.record, ""),
        (RSA.record.replace("; ", " ;\t"), ""),
        (RSA.record.replace("v=DKIM1; k=rsa; ", ""), ""),
        (f"{RSA.record}; h=sha1", "does not allow sha256"),
        (f"{RSA.record}; s=tlsrpt", "is not for e-mail"),
        ("v=DKIM2; p=AAAA", "is of another version"),
        ("v=DKIM1; p=A!", "holds another key"),
    ],
)
def test_a_key_in_dns_is_compared_with_ours(shown: str, fault: str) -> None:
    assert dkim_record.fault(shown, RSA.record).startswith(fault)
    assert bool(dkim_record.fault(shown, RSA.record)) == bool(fault)


def test_the_policy_of_the_domain_above_holds_below_with_its_own_wish() -> None:
    zone: Zone = {("_dmarc.acme.co.uk", "TXT"): [text("v=DMARC1; p=reject; sp=quarantine; adkim=s")]}
    with asked(zone) as dns:
        policy, fault = dmarc.find(dns, "mail.acme.co.uk")
    assert fault == ""
    assert policy == dmarc.Policy("acme.co.uk", "quarantine", strict_dkim=True)
    assert dmarc.is_aligned("news.acme.co.uk", "mail.acme.co.uk", strict=False)
    assert not dmarc.is_aligned("news.acme.co.uk", "mail.acme.co.uk", strict=True)
    assert not dmarc.is_aligned("other.co.uk", "acme.co.uk", strict=False)


def test_a_silent_name_server_is_not_an_empty_one() -> None:
    with asked({}, silent="acme.example") as dns, pytest.raises(DnsSilentError):
        Dns(dns._resolver, seconds=0.3).texts("acme.example")


# https


@contextmanager
def served(certificate: Path, status: bytes) -> Iterator[str]:
    """A TLS server that answers each request alike."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.request = context.wrap_socket(self.request, server_side=True)
            self.request.recv(4096)
            self.request.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
            self.request.close()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Clients that refuse the certificate are part of the tests."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_the_way_out_must_be_reached_by_good_https(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(certificate, b"200 OK") as url:
        [unknown] = check_https(url)
        monkeypatch.setenv("RINGBACK_CA_FILE", str(certificate))
        [good] = check_https(url)
    [gone] = check_https(url)
    with served(certificate, b"502 Bad Gateway") as url:
        [other] = check_https(url)
    [plain] = check_https("http://feedback.acme.example")
    told = [(each.verdict, each.remedy[:9]) for each in (unknown, good, gone, other, plain)]
    assert told == [(Verdict.BROKEN, "Renew it,"), (Verdict.OK, ""), (Verdict.WARNING, "See that "),
                    (Verdict.BROKEN, "See that "), (Verdict.BROKEN, "Put a TLS")]  # fmt: skip


# The command


CONFIG = """\
connections:
  mail:
    kind: smtp
    url: smtp://127.0.0.1:1025
    sender: "Acme <feedback@acme.example>"
    bounce_address: bounces@acme.example
    dkim:
      - {domain: acme.example, selector: one, private_key_file: keys/one.pem}
brands:
  default: {title: Acme}
  care: {title: Care, sender: "Care <hello@brand.example>"}
"""


def test_the_command_tells_all_of_it_and_keys_are_found_beside_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys").mkdir()
    key = tmp_path / "keys" / "one.pem"
    key.write_bytes(RSA.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)
    (tmp_path / "ringback.yaml").write_text(CONFIG)
    environment = {"RINGBACK_BASE_URL": "http://feedback.acme.example", "RINGBACK_SECRET_KEY": "k" * 40}
    with name_server(GOOD) as server:
        options = ["doctor", "mail", "--name-server", server.address]
        said = CliRunner().invoke(main, [*options, "--json"], env=environment)
        table = CliRunner().invoke(main, options, env=environment)
    told = {each["check"]: each["verdict"] for each in json.loads(said.output)["findings"]}
    assert told["DKIM key one._domainkey.acme.example"] == "ok"
    assert told["DKIM of brand.example"] == "broken"
    assert told["https"] == "broken"
    assert (said.exit_code, table.exit_code) == (1, 1)
    assert "✘ DKIM of brand.example" in table.output


def test_a_name_server_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(main, ["doctor", "mail", "--name-server", "dns.example"])
    assert said.exit_code == 2
    assert "is no name server. Write its address as 192.0.2.53" in said.output

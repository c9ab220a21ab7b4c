"""What receivers will make of our mail: SPF, DKIM, DMARC and the mail server's name, each finding with its remedy.

Asked of DNS alone; nothing is sent to anybody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connector.observe.findings import Finding, broken, ok, warning
from integrations.base_url import is_local
from integrations.mail.sender_checks import dkim_record, dmarc, spf
from integrations.mail.sender_checks.dmarc import Policy
from integrations.mail.sender_checks.dns import Dns, DnsSilentError
from integrations.mail.sender_checks.spf import SpfResult
from integrations.smtp.client import Postal
from integrations.smtp.dkim import DkimKey, fitting

_BULK = "Gmail, Yahoo and Outlook refuse or hide mail to many people without it"


@dataclass(frozen=True, slots=True)
class MailSetup:
    """How mail leaves: ``server`` is the host it is handed to, ``senders`` the domains of From and whose they are,
    ``replies`` the domains that answers go to."""

    server: str
    senders: Mapping[str, str]
    postal: Postal
    replies: frozenset[str] = frozenset()

    def envelope(self, sender: str) -> str:
        """The domain that bounces of a sender's mail go to: SPF is asked about this one."""
        return self.postal.bounce_address.rpartition("@")[2] or sender


def check_mail(setup: MailSetup, dns: Dns) -> Iterator[Finding]:
    """Every finding. A question that nobody answers is told in its place, and stops no other."""
    addresses = list(_outside(setup.server, dns))
    for domain in dict.fromkeys(map(setup.envelope, setup.senders)):
        yield from _asked(f"SPF of {domain}", _check_spf, dns, domain, addresses)
    for key in setup.postal.keys:
        yield from _asked(f"DKIM key {key.record_name}", _check_key, dns, key)
    for domain, whose in setup.senders.items():
        yield from _unsigned(setup, domain, whose)
        yield from _asked(f"DMARC of {domain}", _check_dmarc, dns, setup, domain)
    for address in addresses:
        yield from _asked(f"name of {address}", _check_name, dns, address)
    yield from _check_mailboxes(setup, dns)


def _asked(check: str, look: Callable[..., Iterator[Finding]], dns: Dns, *what: object) -> Iterator[Finding]:
    try:
        yield from look(check, dns, *what)
    except DnsSilentError as error:
        yield warning(check, f"{error}.", "Look at this machine's name servers (/etc/resolv.conf), then ask again.")


def _outside(server: str, dns: Dns) -> Iterator[str]:
    """The mail server's addresses that the world sees; none of one that stands inside, and hands on to another."""
    try:
        found = [server] if _is_address(server) else [] if is_local(server) else dns.addresses(server)
    except DnsSilentError:
        return
    yield from (each for each in found if ipaddress.ip_address(each).is_global)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_spf(check: str, dns: Dns, domain: str, addresses: Sequence[str]) -> Iterator[Finding]:
    found = spf.records(dns, domain)
    if not found:
        named = " ".join(f"ip{ipaddress.ip_address(each).version}:{each}" for each in addresses) or "include:…"
        remedy = f'Add a TXT record at {domain}: "v=spf1 {named} -all", with what your mail provider tells to include.'
        yield broken(check, f"{domain} has no SPF record, so nobody knows who may send for it.", remedy)
        return
    answers = {each: spf.judge(dns, each, domain) for each in addresses or _ANYBODY}
    wrong = next((answer.reason for answer in answers.values() if answer.result is SpfResult.PERMERROR), "")
    if wrong:
        yield broken(check, f"receivers cannot use it: {wrong}.", "Correct the TXT record.")
    elif not addresses:
        yield _of_anybody(check, answers)
    else:
        yield _of_server(check, domain, {each: answer.result for each, answer in answers.items()})


_ANYBODY = ("192.0.2.1",)  # RFC 5737: nobody's, and so in no honest record


def _of_anybody(check: str, answers: Mapping[str, spf.SpfAnswer]) -> Finding:
    """The mail server stands inside: only what the record says of strangers can be judged."""
    if answers[_ANYBODY[0]].result in (SpfResult.PASS, SpfResult.NEUTRAL):
        return warning(check, "it lets anybody send for the domain.", "End the record with -all or ~all.")
    return ok(check, "there, and read; the mail server's address outside is not known here, so see that it is named")


def _of_server(check: str, domain: str, results: Mapping[str, SpfResult]) -> Finding:
    refused = [each for each, result in results.items() if result is not SpfResult.PASS]
    if not refused:
        return ok(check, f"lets the mail server send ({', '.join(results)})")
    result = results[refused[0]].value
    says = f"it does not let {', '.join(refused)} send for {domain} ({result})."
    remedy = "Add the addresses from which mail really leaves, or your mail provider's include:, to the TXT record."
    return warning(check, says, f"{remedy} If the provider sends from other addresses, all may be well.")


def _check_key(check: str, dns: Dns, key: DkimKey) -> Iterator[Finding]:
    shown = dns.texts(key.record_name)
    publish = f'Publish this TXT record at {key.record_name}: "{key.record}"'
    if not shown:
        yield broken(check, "DNS shows no key, so every signature by it fails.", publish)
    elif len(shown) > 1:
        yield broken(check, f"DNS shows {len(shown)} records, and receivers may take any.", f"{publish}, and no other.")
    elif fault := dkim_record.fault(shown[0], key.record):
        yield broken(check, f"the record in DNS {fault}, so every signature by it fails.", publish)
    elif dkim_record.is_test(shown[0]):
        yield warning(check, "it is marked as a test (t=y), so receivers act as if it were not.", "Remove t=y.")
    else:
        yield ok(check, f"DNS shows the key that signs ({key.algorithm})")


def _unsigned(setup: MailSetup, domain: str, whose: str) -> Iterator[Finding]:
    if not fitting(setup.postal.keys, domain):
        remedy = f"Make keys and name them under dkim: of the connection, with domain: {domain} (docs/mail.md)."
        yield broken(f"DKIM of {domain}", f"no key signs the mail of {whose}; {_BULK}.", remedy)


def _check_dmarc(check: str, dns: Dns, setup: MailSetup, domain: str) -> Iterator[Finding]:
    policy, fault = dmarc.find(dns, domain)
    place = f"_dmarc.{dmarc.organisation(domain)}"
    start = f'Add a TXT record at {place}: "v=DMARC1; p=none; rua=mailto:…", and raise p= when the reports are clean.'
    if fault:
        yield broken(check, f"{domain} {fault}.", f"Correct the TXT record at {place}.")
    elif policy is None:
        yield broken(check, f"there is no DMARC record; {_BULK}.", start)
    else:
        yield _alignment(check, setup, domain, policy)


def _alignment(check: str, setup: MailSetup, domain: str, policy: Policy) -> Finding:
    keys, envelope = fitting(setup.postal.keys, domain), setup.envelope(domain)
    by_dkim = any(dmarc.is_aligned(key.domain, domain, strict=policy.strict_dkim) for key in keys)
    by_spf = dmarc.is_aligned(envelope, domain, strict=policy.strict_spf)
    if not by_dkim and not by_spf:
        says = f"neither signature nor envelope ({envelope}) is aligned with {domain}: DMARC fails (p={policy.wish})."
        return broken(check, says, f"Sign with a key of {domain}, and let bounce_address stand in its domain.")
    if not by_dkim:
        says = f"only SPF is aligned, and forwarded mail loses it (p={policy.wish})."
        return warning(check, says, f"Sign with a key of {domain}.")
    if not by_spf:
        says = f"only the signature is aligned; the envelope's domain {envelope} is not (p={policy.wish})."
        return warning(check, says, f"Let bounce_address stand in {dmarc.organisation(domain)}.")
    if not policy.reports:
        remedy = "Add rua=mailto:… to the record: reports show who else sends in your name."
        return warning(check, f"signature and envelope are aligned (p={policy.wish}), but nobody gets reports.", remedy)
    return ok(check, f"signature and envelope are aligned; p={policy.wish}")


def _check_name(check: str, dns: Dns, address: str) -> Iterator[Finding]:
    """Receivers refuse machines without a name that leads back to them (RFC 8499, forward-confirmed)."""
    names = dns.names(address)
    if not names:
        remedy = "Ask whoever gives you the address to set its PTR record to the mail server's name."
        yield broken(check, "the mail server's address has no name (PTR), and many receivers refuse it.", remedy)
    elif not any(address in dns.addresses(name) for name in names):
        says = f"it is called {names[0]}, and that name does not lead back to it."
        yield broken(check, says, f"Add an address record of {names[0]} with {address}, or correct the PTR record.")
    else:
        yield ok(check, f"{names[0]}, and back")


def _check_mailboxes(setup: MailSetup, dns: Dns) -> Iterator[Finding]:
    postal, check = setup.postal, "mailboxes"
    if not postal.bounce_address:
        remedy = "Set bounce_address: on the connection to a mailbox that takes plus addresses (docs/mail.md)."
        yield warning(check, "bounces go to the sender's mailbox, where nothing reads them.", remedy)
    places = {"bounce_address": postal.bounce_address, "unsubscribe_address": postal.unsubscribe_address}
    domains = {name: address.rpartition("@")[2] for name, address in places.items() if address}
    domains |= {f"replies to {domain}": domain for domain in sorted(setup.replies)}
    for name, domain in domains.items():
        yield from _asked(f"mail to {domain} ({name})", _check_way_in, dns, domain)


def _check_way_in(check: str, dns: Dns, domain: str) -> Iterator[Finding]:
    hosts = dns.mail_hosts(domain)
    if hosts == [""] or not (hosts or dns.addresses(domain)):
        yield broken(check, f"{domain} takes no mail.", f"Add an MX record to {domain}, or use a mailbox elsewhere.")
    else:
        yield ok(check, f"goes to {hosts[0] if hosts else domain}")

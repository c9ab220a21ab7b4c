"""``ringback doctor mail``: what receivers will make of our mail."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import click
from dns.resolver import Resolver

from connector.cli.common.output import as_json_option
from connector.cli.doctor.telling import read_part, report, silence
from connector.clock import Clock, system_clock
from connector.config.file import Config, load_config
from connector.config.settings import Settings
from connector.feedback.messaging.brands import Brand, read_brands
from connector.observe.findings import Finding, broken
from connector.vendors import health_checks
from connector.vendors.clients import Connections
from connector.vendors.registry import VENDORS
from connector.vendors.smtp.https_check import check_https
from connector.vendors.smtp.mail_checks import MailSetup, check_mail
from integrations.errors import OptionsError
from integrations.mail.sender_checks.dns import Dns
from integrations.roles import Role
from integrations.smtp.client import SmtpMessenger, parse_sender


def _resolver(_context: click.Context, _option: click.Parameter, given: str | None) -> Resolver | None:
    """An address, and a port where it is not 53."""
    if given is None:
        return None
    place, _, port = given.rpartition(":") if given.count(":") == 1 else (given, "", "53")
    try:
        ipaddress.ip_address(place)
        resolver = Resolver(configure=False)
        resolver.nameservers, resolver.port = [place], int(port)
    except ValueError as error:
        said = f"{given!r} is no name server. Write its address as 192.0.2.53 or 192.0.2.53:5353."
        raise click.BadParameter(said) from error
    return resolver


@click.command()
@click.option("--name-server", callback=_resolver, help="Ask this one in place of the machine's own.")
@as_json_option
def mail(name_server: Resolver | None, as_json: bool) -> None:
    """Check what receivers check: may the mail server send for us (SPF), does DNS show the keys that sign (DKIM), are
    both aligned with the sender (DMARC), has the server a name, is the way out reached by https, is the clock right.

    Asks DNS and our own address, sends no mail. Each finding says what to do.
    """
    with silence():
        found = list(examine_mail(Dns(name_server)))
    report(found, as_json=as_json, may_hold_secrets=False)


def examine_mail(dns: Dns, clock: Clock = system_clock) -> Iterator[Finding]:
    """Every finding about every mail connection."""
    settings, mistakes = read_part(Settings.from_environment, "settings")
    yield from mistakes
    if settings is None:
        return
    config, mistakes = read_part(lambda: load_config(settings.config, named=settings.config_named), "configuration")
    yield from mistakes
    if config is not None:
        yield from _senders(config, dns)
        yield from check_https(settings.base_url)
        yield from health_checks.check_vendor_clocks(list(config.connections.values()), clock, VENDORS)


def _senders(config: Config, dns: Dns) -> Iterator[Finding]:
    brands, mistakes = read_part(lambda: read_brands(config.brands), "brands")
    yield from mistakes
    connections = Connections(config)
    names = connections.having(Role.MESSENGER)
    if not names:
        remedy = "Add one of kind smtp to ringback.yaml."
        yield broken("connections", "no connection can send mail.", remedy)
    for place, name in enumerate(names):  # brands send through the first, as long as no step names another
        yield from _sender(connections, name, dns, (brands or {}) if place == 0 else {})


def _sender(connections: Connections, name: str, dns: Dns, brands: dict[str, Brand]) -> Iterator[Finding]:
    try:
        client = connections.client(name)
    except OptionsError as error:
        yield from (broken(f"connection {name}", f"{each}.", "Correct it.") for each in error.mistakes)
        return
    if isinstance(client, SmtpMessenger):
        yield from check_mail(_setup(client, name, brands), dns)


def _setup(client: SmtpMessenger, name: str, brands: dict[str, Brand]) -> MailSetup:
    senders = {client.sender.domain: f"connection {name}"}
    for brand in brands.values():
        if brand.sender:
            senders.setdefault(parse_sender(brand.sender).domain, f"brand {brand.name}")
    replies = frozenset(parse_sender(brand.reply_to).domain for brand in brands.values() if brand.reply_to)
    return MailSetup(client.host, senders, client.postal, replies)

"""``ringback demo``: the product and stand-ins for the vendors in one process, and a guided tour of the loop.

Nothing of the product is replaced. The connectors call over HTTP and SMTP on this machine, webhooks come in
signed, and the configuration is a ``ringback.yaml`` like anybody's; only the workflows' pauses are shorter.
"""

from __future__ import annotations

import logging
import secrets
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import click
from flask import Flask

from connector import logs
from connector.cli.common.context import BadInputError
from connector.cli.common.ports import PORT
from connector.cli.serve.commands import prepare, release_orphans, ticking, working
from connector.cli.serve.sockets import WebServer, address_of, bind, why
from connector.cli.serve.startup import assemble
from connector.config.file import load_config
from connector.config.settings import Settings
from connector.demo import cast, pages, shortened
from connector.demo.cast import Person
from connector.demo.http import call
from connector.demo.outside import Outside
from connector.demo.tour import Tour
from connector.demo.values import Customer, Places
from connector.services import Services
from connector.web.admin.entry.guest import Guest
from connector.web.app import front_door, web_app
from sandbox.world import World
from webhooks.asgi import App
from workflows import yaml_text

CARE, LEAD, ADMIN = "care@acme.example", "care-lead@acme.example", "ada@acme.example"
EVENTS = (
    "ticket.created", "ticket.status_changed", "ticket.agent_assignment_changed", "ticket.comment_added",
    "ticket.merged", "ticket.soft_deleted",
)  # fmt: skip
_ANY = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=PORT,
    help="The port; 0 picks a free one.",
)
def demo(host: str, port: int) -> None:
    """Show the whole loop with stand-ins for Zendesk, Salesforce and a mail box, and invented customers.

    Everything runs in this process and nothing leaves this machine. The database is made in a temporary
    folder and removed at the end. Stop it with Ctrl-C.
    """
    logs.set_up(level=logging.ERROR)  # the page shows failures and tries better than a log does
    with ExitStack() as stack:
        stack.enter_context(_leaving_on_signal())
        listening = stack.enter_context(_bound(host, port))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="ringback-demo-")))
        world = stack.enter_context(World())
        places = _places(host, listening, world)
        house = stack.enter_context(_house(folder, world, places))
        tour = _tour(house, world, places)
        stack.callback(tour.close)
        stack.enter_context(working(house))
        stack.enter_context(ticking(house))
        _greet(places, folder)
        _listen(front_door(house, _app(house, tour)), listening)


@contextmanager
def _leaving_on_signal() -> Iterator[None]:
    """SIGTERM and Ctrl-C end the demo in good order, from its first moment to its last."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stay)  # asked once is enough: a second one must not cut the end short
        raise SystemExit(0)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stay(_number: int, _frame: FrameType | None) -> None:
    """Not SIG_IGN: of a signal that is already on its way Python would complain on standard error."""


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket on the address; a port that is taken is said, and a free one used."""
    try:
        listening = bind(host, port)
    except OSError as error:
        if not port:
            said = f"--host {host} cannot be used here ({why(error)}). Try 127.0.0.1."
            raise BadInputError(said) from error
        click.echo(f"Port {port} cannot be used ({why(error)}); taking a free one.")
        listening = bind(host, 0)
    try:
        yield listening
    finally:
        listening.close()


def _places(host: str, listening: socket.socket, world: World) -> Places:
    address = address_of(listening, "127.0.0.1" if host in _ANY else host)
    return Places(address, world.zendesk_url, world.salesforce_url, world.mail_url, CARE)


@contextmanager
def _house(folder: Path, world: World, places: Places) -> Iterator[Services]:
    """The product, configured by a file in ``folder`` and ready to work."""
    (folder / "workflows").mkdir()
    for slug, text in shortened.library().items():
        (folder / "workflows" / f"{slug}.yaml").write_text(text, "utf-8")
    (folder / "ringback.yaml").write_text(yaml_text.write(_configuration(world, places)), "utf-8")
    settings = Settings.from_environment(
        {
            "RINGBACK_DATABASE_URL": f"sqlite:///{folder / 'ringback.db'}",
            "RINGBACK_BASE_URL": places.ringback,
            "RINGBACK_CONFIG": str(folder / "ringback.yaml"),
        }
    )
    house = assemble(settings, load_config(settings.config))
    try:
        prepare(house)
        release_orphans(house)
        yield house
    finally:
        house.close()


def _configuration(world: World, places: Places) -> Mapping[str, Any]:
    """What stands in ringback.yaml. The webhooks on both sides are registered on the way."""
    token = secrets.token_urlsafe(24)
    secret = _subscribe(world, f"{places.ringback}/webhooks/zendesk")
    _send_messages(world, f"{places.ringback}/webhooks/salesforce/{token}")
    shop_secret = f"whsec_{secrets.token_hex(24)}"  # hexadecimal digits are base64, too
    return {
        "connections": {
            "zendesk": {
                "kind": "zendesk",
                "plan": "unlimited",
                "base_url": world.zendesk_url,
                "auth": {"type": "oauth", **_client(world.zendesk)},
                "webhook_secret": secret,
            },
            "salesforce": {
                "kind": "salesforce",
                "base_url": world.salesforce_url,
                "auth": {"type": "client_credentials", **_client(world.salesforce)},
                "organization_id": world.salesforce.organization_id,
                "webhook_token": token,
            },
            "shop": {"kind": "inbound", "webhook_secret": shop_secret},
            "mail": {
                "kind": "smtp",
                "url": world.smtp_url,
                "sender": "Acme Bicycles <feedback@acme.example>",
            },
        },
        "brands": {"default": {"title": "Acme Bicycles", "accent": "#0b6e4f", "footer": _FOOTER}},
        "teams": {"care-team": {"email": [CARE]}, "care-lead": {"email": [LEAD]}},
        "calendar": {"timezone": "Europe/Amsterdam", "hours": "mon-fri 09:00-17:30", "holidays": "NL"},
        "quiet_hours": "none",  # whoever looks at a demo at night wants to see its mails, too
        "workflows": "workflows/",
        "answers": {"settle_after_send": 0, "settle_after_touch": "1 minute"},
    }


_FOOTER = {"en": "Acme Bicycles, Amsterdam", "nl": "Acme Fietsen, Amsterdam"}


def _client(standin: Any) -> Mapping[str, str]:
    return {"client_id": standin.client_id, "client_secret": standin.client_secret}


def _subscribe(world: World, endpoint: str) -> str:
    """Register our webhook by Zendesk's API, as an admin would. → the secret it signs with."""
    grant = {"grant_type": "client_credentials", "scope": "read write", **_client(world.zendesk)}
    token = call("POST", f"{world.zendesk_url}/oauth/tokens", json=grant).json()["access_token"]
    webhook = {
        "name": "Ringback",
        "endpoint": endpoint,
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": [f"zen:event-type:{event}" for event in EVENTS],
    }
    allowed = {"Authorization": f"Bearer {token}"}
    hooks = f"{world.zendesk_url}/api/v2/webhooks"
    made = call("POST", hooks, json={"webhook": webhook}, headers=allowed).json()["webhook"]
    signing = call("GET", f"{hooks}/{made['id']}/signing_secret", headers=allowed).json()["signing_secret"]
    return str(signing["secret"])


def _send_messages(world: World, endpoint: str) -> None:
    """Outbound messages are set up by clicks in Salesforce; the stand-in has its control API for it."""
    call("POST", f"{world.salesforce_url}/sandbox/outbound", json={"endpoint": endpoint})


def _tour(house: Services, world: World, places: Places) -> Tour:
    outside = Outside(places, _repeater(world))
    known = [_admit(world, each) for each in cast.PEOPLE]  # on both sides before anybody asks anything

    def customer(number: int) -> Customer:
        return known[number] if number < len(known) else _admit(world, cast.person(number))

    return Tour(house.database, outside, customer, house.clock)


def _admit(world: World, who: Person) -> Customer:
    """Enter a customer on both sides, as support and sales have them for years."""
    user = world.zendesk.add_user(who.name, who.email, locale=who.locale, phone=who.phone)
    account = world.salesforce.add_account(who.company)
    first, _, last = who.name.partition(" ")
    score = {} if who.earlier is None else {"NPS_Score__c": who.earlier}
    contact = world.salesforce.add_contact(
        last, who.email, FirstName=first, Phone=who.phone, AccountId=account["Id"], **score
    )
    return Customer(who, str(user["id"]), str(contact["Id"]))


def _repeater(world: World) -> Callable[[str], bool]:
    """Deliver a webhook once more, as at-least-once senders do. It is signed anew, with its own time."""

    def repeat(invocation: str) -> bool:
        sent = [each for each in world.zendesk.deliveries if each.invocation == invocation]
        for each in sent[:1]:
            world.zendesk.redeliver(each)
        return bool(sent)

    return repeat


def _app(house: Services, tour: Tour) -> Flask:
    return web_app(house, home=pages.blueprint(tour, Guest(house, ADMIN, "Ada Admin").welcome))


def _greet(places: Places, folder: Path) -> None:
    click.echo(f"""
Ringback, the guided tour. Everything below runs in this one process, on this machine only:

  Ringback with its database and workflows (in {folder}, removed at the end)
  stand-ins for Zendesk, Salesforce and a mail box, with invented customers

  Open   {places.ringback}

  Stop with Ctrl-C.
""")


def _listen(app: App, listening: socket.socket) -> None:
    """Serve until a signal; requests under way are answered first."""
    server = WebServer(app)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.leave())
    server.run([listening])

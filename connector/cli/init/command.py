"""``ringback init``: what is asked, what is written, and what to type next."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from connector.checks.installation import Examiner
from connector.cli.common.context import BadInputError
from connector.cli.common.environment_file import NAME, values_in, write_private
from connector.cli.init.environment_text import environment_text, missing
from connector.cli.init.installation import Account, Installation
from connector.cli.init.library_choice import LibraryChoice, choose
from connector.cli.init.settings_text import settings_text
from connector.config.file import load_config
from connector.config.settings import DEFAULT_CONFIG, Settings
from workflows.errors import DefinitionError

_STAND_INS = {"zendesk": 8001, "salesforce": 8002, "smtp": 1025}
"""The ports that `ringback sandbox` takes when it is not told others."""

_TO_COME = {"SALESFORCE_ORGANIZATION_ID": "00D000000000001"}
"""What stands for what is to be filled in while the rest is checked, where not any word will do."""

_ASKED: Mapping[str, tuple[str, str | None]] = {
    "title": ("What is your organisation called", None),
    "zendesk": ("Zendesk's address, as https://acme.zendesk.com (empty: none)", ""),
    "salesforce": ("Salesforce's address, as https://acme.my.salesforce.com (empty: none)", ""),
    "mail": ("The mail server, as smtp://user:password@host:587", "smtp://localhost:25"),
    "sender": ("Whom mails are from, as Acme <feedback@acme.example>", None),
    "team": ("E-mail address of the team that calls unhappy customers back", None),
}
"""Option → question, and what an empty answer means (None: it must be answered)."""


@click.command()
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), show_default="here",
              help="Where to write it.")  # fmt: skip
@click.option("--title", help="What your organisation is called.")
@click.option("--zendesk", help="Your Zendesk, as https://acme.zendesk.com.")
@click.option("--salesforce", help="Your Salesforce, as https://acme.my.salesforce.com.")
@click.option("--mail", help="The mail server, as smtp://user:password@host:587.")
@click.option("--sender", help='Whom mails are from, as "Acme <feedback@acme.example>".')
@click.option("--team", help="E-mail address of who calls unhappy customers back.")
@click.option("--lead", default="", help="E-mail address of who hears of a second bad answer; else the team's.")
@click.option("--country", default="NL", show_default=True, help="Whose holidays and phone numbers are meant.")
@click.option("--time-zone", default="Europe/Amsterdam", show_default=True, help="In which you are open.")
@click.option("--base-url", default="http://127.0.0.1:8000", show_default=True, help="Where Ringback is reached.")
@click.option("--workflow", "more", multiple=True, metavar="NAME", help="A built-in workflow more; may be repeated.")
@click.option("--sandbox", is_flag=True, help="For `ringback sandbox`: stand-ins instead of vendors, nothing is asked.")
def init(folder: Path, more: tuple[str, ...], sandbox: bool, **given: Any) -> None:
    """Write a whole installation: ringback.yaml, secrets in ringback.env, workflows and surveys of your own.

    What is not given as an option is asked for. Nothing that is there is overwritten.
    """
    wanted = _of_stand_ins(given) if sandbox else _wanted(_asked(given))
    chosen = _chosen(wanted, more, hurried=sandbox)
    _write(folder, settings_text(wanted), _environment(wanted), chosen)
    _say_what_next(folder, wanted, chosen, sandbox)


def _asked(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """With what was not given: asked where somebody can answer, refused by name where nobody can."""
    given = {name: value.strip() if isinstance(value, str) else value for name, value in given.items()}
    open_ = [name for name in _ASKED if given[name] is None]
    if not open_ or sys.stdin.isatty():
        return {**given, **{name: click.prompt(_ASKED[name][0], default=_ASKED[name][1]) for name in open_}}
    needed = [f"--{name}" for name in open_ if _ASKED[name][1] is None]
    if needed:
        raise BadInputError(f"Not given, and nobody is here to be asked: {', '.join(needed)}. Give them, or --sandbox.")
    return {**given, **{name: _ASKED[name][1] for name in open_}}


def _wanted(given: Mapping[str, Any]) -> Installation:
    return Installation(
        title=given["title"], sender=given["sender"], team=given["team"], lead=given["lead"], mail_url=given["mail"],
        country=given["country"], time_zone=given["time_zone"], base_url=given["base_url"],
        zendesk=Account(given["zendesk"]) if given["zendesk"] else None,
        salesforce=Account(given["salesforce"]) if given["salesforce"] else None,
    )  # fmt: skip


def _of_stand_ins(given: Mapping[str, Any]) -> Installation:
    """Everything as `ringback sandbox` has it: addresses (unless others are given), clients, the organisation's id."""
    from sandbox.salesforce.standin import SalesforceStandIn
    from sandbox.zendesk.standin import ZendeskStandIn

    at = {name: given[name] or f"http://127.0.0.1:{_STAND_INS[name]}" for name in ("zendesk", "salesforce")}
    return Installation(
        title=given["title"] or "Acme Bicycles", sender=given["sender"] or "Acme Bicycles <feedback@acme.example>",
        team=given["team"] or "care@acme.example", lead=given["lead"] or "care-lead@acme.example",
        mail_url=given["mail"] or f"smtp://127.0.0.1:{_STAND_INS['smtp']}", base_url=given["base_url"],
        country=given["country"], time_zone=given["time_zone"],
        zendesk=Account(at["zendesk"], ZendeskStandIn.client_id, ZendeskStandIn.client_secret),
        salesforce=Account(at["salesforce"], SalesforceStandIn.client_id, SalesforceStandIn.client_secret),
        organization_id=SalesforceStandIn.organization_id, hurried=True,
    )  # fmt: skip


def _environment(wanted: Installation) -> str:
    try:
        return environment_text(wanted)
    except ValueError as error:
        raise BadInputError(f"{error}. Leave it empty here, and write it into {NAME} by hand.") from error


def _chosen(wanted: Installation, more: tuple[str, ...], *, hurried: bool) -> LibraryChoice:
    try:
        return choose(wanted.connected, more, hurried=hurried)
    except ValueError as error:
        raise BadInputError(f"--workflow: {error}.") from error


def _write(folder: Path, settings: str, environment: str, chosen: LibraryChoice) -> None:
    """Everything is made aside and read as it will be read; then it takes its place, the secrets last. Raises
    BadInputError with every mistake, and when something is there already."""
    files = {DEFAULT_CONFIG: settings, **_below("workflows", chosen.workflows), **_below("surveys", chosen.surveys)}
    if there := [str(folder / name) for name in (*files, NAME) if (folder / name).exists()]:
        raise BadInputError(f"{', '.join(there)}: there already. Move it away, or choose another --folder.")
    with TemporaryDirectory(prefix="ringback-init-") as aside:
        for name, text in files.items():
            _written(Path(aside) / name, text)
        _expect_good(Path(aside) / DEFAULT_CONFIG, environment)
    for name, text in files.items():
        _written(folder / name, text)
    write_private(folder / NAME, environment)


def _below(folder: str, texts: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in texts.items()}


def _written(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def _expect_good(file: Path, environment: str) -> None:
    """Raises BadInputError with every mistake; what is only to be filled in is none."""
    values = {name: value or _TO_COME.get(name, "to-come") for name, value in values_in(environment).items()}
    try:
        Settings.from_environment(values)
        if mistakes := Examiner(load_config(file, environ=values)).everything().mistakes:
            raise DefinitionError(DEFAULT_CONFIG, mistakes)
    except DefinitionError as error:
        told = "\n".join(f"  {each}" for each in error.mistakes)
        raise BadInputError(f"What was given does not fit together:\n{told}") from error


def _say_what_next(folder: Path, wanted: Installation, chosen: LibraryChoice, sandbox: bool) -> None:
    click.echo(f"Wrote {folder / DEFAULT_CONFIG}, {folder / NAME} (secrets, for you alone), {len(chosen.workflows)} "
               f"workflows and {len(chosen.surveys)} surveys, to be read and changed.")  # fmt: skip
    click.echo("Next:")
    for number, line in enumerate(_next(folder, wanted, sandbox), start=1):
        click.echo(f"  {number}. {line}")


def _next(folder: Path, wanted: Installation, sandbox: bool) -> list[str]:
    lines = [] if folder == Path() else [f"cd {folder}"]
    if open_ := missing(wanted):
        lines.append(f"fill in in {NAME}: {', '.join(open_)}")
    lines += ["ringback config check", *(["ringback sandbox      (leave it running)"] if sandbox else [])]
    lines.append("ringback serve        (leave it running)")
    return [*lines, *(f"ringback provision {name}" for name in sorted(wanted.connected, reverse=True))]

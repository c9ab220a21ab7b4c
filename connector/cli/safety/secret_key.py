"""``ringback secret-key …``: changing the secret key without losing what it sealed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from connector.access.audit import Audit, AuditEntry
from connector.access.errors import AccessError
from connector.cli.common.acting import acting_here
from connector.cli.common.context import BadInputError, open_database, read_settings
from connector.cli.common.output import as_json_option, show_json
from connector.clock import system_clock
from connector.config.settings import Settings, new_key, write_keys
from connector.observe.keys import KeyState, states
from connector.secret_keys import SecretKeys, mark_of
from connector.storage.engine.database import Database
from connector.storage.sealing import sealed_rows, sealing_since


@click.group(name="secret-key")
def secret_key() -> None:
    """Change the secret key: `rotate`, start everything anew, `reseal`, and `remove` the old one.

    Keys are named by their marks, eight letters that do not tell the key. docs/operations.md has the whole way.
    """


@dataclass(frozen=True, slots=True)
class _Place:
    """What the commands work on."""

    settings: Settings
    keys: SecretKeys
    database: Database

    def states(self) -> list[KeyState]:
        with self.database.read() as tx:
            return states(tx, self.keys, system_clock())

    def note(self, action: str, mark: str, after: Mapping[str, Any]) -> None:
        """For the audit log."""
        entry = AuditEntry(action=action, object_kind="secret key", object=mark, after=after)
        try:
            Audit(self.database, self.keys).note(acting_here(), entry, system_clock())
        except AccessError as error:
            click.echo(f"Not in the audit log: {error}", err=True)


@contextmanager
def _place() -> Iterator[_Place]:
    settings = read_settings()
    with open_database() as database:
        yield _Place(settings, settings.secret_keys(lambda said: click.echo(said, err=True)), database)


@secret_key.command()
@as_json_option
def status(as_json: bool) -> None:
    """Show the keys by their marks, and what hangs on each."""
    with _place() as place:
        found = place.states()
    if as_json:
        show_json(found)
        return
    for each in found:
        until = f"; wanted until {each.needed_until:%Y-%m-%d} for mail that comes back" if each.needed_until else ""
        click.echo(f"{each.mark}  {each.role:<8} {each.held or 'nothing hangs on it'}{until}")


@secret_key.command()
def rotate() -> None:
    """Make a new key. Where the key is kept in a file, it is put there, before the old ones; else you are told what to
    set. Nothing is sealed with it until everything was started anew."""
    settings = read_settings()
    keys = settings.secret_keys(lambda said: click.echo(said, err=True))
    made = new_key()
    if settings.key_file is None:
        click.echo(f"RINGBACK_SECRET_KEY={made}")
        click.echo("Set this, and put the key of now into RINGBACK_SECRET_KEYS_OLD, for every process.", err=True)
    else:
        write_keys(settings.key_file, [made, *(key for key in keys.every if key not in settings.old_keys)])
        click.echo(f"The new key {mark_of(made)} is in {settings.key_file}, before {keys.mark}.")
    click.echo("Start everything anew, then run `ringback secret-key reseal`.", err=True)


@secret_key.command()
@click.option("--stopped", is_flag=True, help="Nothing of Ringback runs just now, so nothing has to know the key yet.")
def reseal(stopped: bool) -> None:
    """Move everything that is sealed to the key in use, while all runs. Interrupted, it goes on from there."""
    with _place() as place:
        if not stopped:
            _refuse_before_the_start(place)
        moved = 0
        for count in sealed_rows.reseal(place.database, place.keys, system_clock()):
            moved += count
            click.echo(f"\r{moved} resealed", nl=False, err=True)
        click.echo("\r", nl=False, err=True)
        click.echo(f"{moved} resealed with the key {place.keys.mark}.")
        place.note("secret-key.resealed", place.keys.mark, {"moved": moved})
        for each in place.states()[1:]:
            _tell_of_rest(each)


@secret_key.command()
@click.argument("mark")
@click.option("--lost", is_flag=True, help="Give up what still hangs on the key.")
def remove(mark: str, lost: bool) -> None:
    """Take the key MARK out of the key file, once nothing hangs on it any more."""
    with _place() as place:
        found = next((each for each in place.states() if each.mark == mark), None)
        if found is None:
            raise BadInputError(f"MARK: {mark!r} is no key here. See `ringback secret-key status`.")
        if found.role == "in use":
            raise BadInputError(f"MARK: {mark} is the key in use. Make another first: `ringback secret-key rotate`.")
        if found.held and not lost:
            raise click.ClickException(f"On the key {mark} hang: {found.held}. Run `ringback secret-key reseal` first.")
        if found.held:
            sealed_rows.give_up(place.database, mark)
            click.echo(f"Given up: {found.held}. Run `ringback provision` for webhooks, and authorize what needs it.")
        _take_out(place, mark)
        place.note("secret-key.removed", mark, {"given_up": found.held})


def _take_out(place: _Place, mark: str) -> None:
    file, key = place.settings.key_file, place.keys.of(mark)
    if key is not None and key in place.settings.old_keys:
        click.echo("Take it out of RINGBACK_SECRET_KEYS_OLD now.")
    elif key is not None and file is not None:
        write_keys(file, [each for each in place.keys.every if each not in (key, *place.settings.old_keys)])
        click.echo(f"The key {mark} is no longer in {file}.")


def _refuse_before_the_start(place: _Place) -> None:
    with place.database.read() as tx:
        runs_with = sealing_since.in_use(tx)
    if runs_with != place.keys.mark:
        said = f"the key {place.keys.mark}" if runs_with is None else f"{place.keys.mark}, but with {runs_with}"
        raise click.ClickException(
            f"Nothing was started with {said}: processes that run would not open what it seals. "
            "Start `ringback serve` (or web, workers and schedulers) anew with the new key, then run this again; "
            "or say --stopped if nothing runs."
        )


def _tell_of_rest(state: KeyState) -> None:
    if state.role == "missing":
        click.echo(f"The key {state.mark} is not here, so this stays: {state.held}.", err=True)
    elif state.needed_until:
        click.echo(f"Keep the old key {state.mark} until {state.needed_until:%Y-%m-%d}: mail may still come back.")
    elif not state.held:
        click.echo(f"The old key {state.mark} may go: `ringback secret-key remove {state.mark}`.")

"""What all ``ringback provision`` commands have in common: the options, the plan, the progress, the summary."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from connector.cli.common.output import printable, show_json
from connector.vendors.provisioning import ProvisioningMemory, ProvisioningOutcome, StepResult, carry_out
from integrations.errors import IntegrationError
from integrations.provisioning import CHANGING, Provisioner, Step, Verb

Command = TypeVar("Command", bound=Callable[..., Any])

_MARKS = {
    Verb.MAKE: "+", Verb.ADOPT: "=", Verb.MEND: "~", Verb.KEEP: "=", Verb.REMOVE: "-", Verb.FORGET: "·", Verb.TELL: "!",
    Verb.BLOCKED: "✘",
}  # fmt: skip
_PLANNED = {
    Verb.MAKE: "to make", Verb.ADOPT: "there already, to be used", Verb.MEND: "to mend", Verb.KEEP: "as they should be",
    Verb.REMOVE: "to remove", Verb.FORGET: "to leave there", Verb.TELL: "to be done by hand",
    Verb.BLOCKED: "in the way",
}  # fmt: skip
_DONE = {
    Verb.MAKE: "made", Verb.ADOPT: "found and used", Verb.MEND: "mended", Verb.KEEP: "as they should be",
    Verb.REMOVE: "removed", Verb.FORGET: "left there", Verb.TELL: "to be done by hand", Verb.BLOCKED: "in the way",
}  # fmt: skip
_QUIET = frozenset({Verb.KEEP, Verb.TELL})
"""Verbs of which the progress says nothing: nothing happens."""


@dataclass(frozen=True, slots=True)
class ProvisionOptions:
    """What the admin asked for."""

    dry_run: bool = False
    remove: bool = False
    yes: bool = False
    as_json: bool = False


def provision_options(command: Command) -> Command:
    """--dry-run, --remove, --yes and --json, which arrive as the keywords of ``ProvisionOptions``."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs."),
        click.option("--yes", is_flag=True, help="Remove without asking."),
        click.option("--remove", is_flag=True, help="Take away again what this command made, and nothing else."),
        click.option("--dry-run", is_flag=True, help="Print the plan and change nothing."),
    ):
        command = option(command)
    return command


def provision(account: str, provisioner: Provisioner, memory: ProvisioningMemory, wish: ProvisionOptions) -> bool:
    """Plan, show the plan, and unless it is a dry run carry it out. ``account`` says where. → whether all is well, and
    nothing is left to do.

    Exits with a sentence when the vendor cannot be looked at, or the admin does not agree to a removal.
    """
    known = memory.known()
    try:
        steps = provisioner.plan_removal(known) if wish.remove else provisioner.plan(known)
    except IntegrationError as error:
        raise click.ClickException(f"{account} cannot be looked at: {error.reason}.") from error
    if wish.as_json:
        return _as_json(steps, provisioner, memory, wish)
    show_plan(account, steps)
    if any(each.verb is Verb.BLOCKED for each in steps):
        click.echo("Nothing was changed: mend what is marked ✘, then run the same command again.", err=True)
        return False
    if wish.dry_run:
        return not _open(steps)
    if wish.remove and not wish.yes and any(each.verb is Verb.REMOVE for each in steps):
        click.confirm("What stands in removed fields goes with them. Go on?", abort=True)
    outcome = carry_out(steps, provisioner, memory, show_told, time.sleep)
    show_summary(outcome)
    return outcome.ok


def show_plan(account: str, steps: Sequence[Step]) -> None:
    """The steps that change something, each with its reasons; those that change nothing as a number."""
    click.echo(f"Plan for {account}:")
    shown = [each for each in steps if each.verb is not Verb.KEEP]
    width = max((len(each.kind) for each in shown), default=0)
    for each in shown:
        click.echo(_clean(f"  {_MARKS[each.verb]} {each.kind.replace('_', ' '):<{width}}  {each.title}"))
        for reason in each.says:
            click.echo(_clean(f"    {'':<{width}}  {reason}"))
    click.echo(f"  {_counts(steps)}")


def show_told(told: StepResult) -> None:
    """One line of progress."""
    step = told.step
    if step.verb in _QUIET and told.ok:
        return
    what = f"{step.kind.replace('_', ' ')} {step.title!r}"
    if told.ok:
        number = f" ({told.vendor_id})" if told.vendor_id else ""
        click.echo(_clean(f"✔ {_DONE[step.verb]}: {what}{number}"))
    else:
        click.echo(_clean(f"✘ {what}: {told.trouble}"))


def show_summary(outcome: ProvisioningOutcome) -> None:
    """The last line: what came of it, and what to do when something is left."""
    counts = [f"{outcome.count(verb)} {_DONE[verb]}" for verb in Verb if outcome.count(verb)]
    failed = sum(not each.ok for each in outcome.told)
    if failed:
        counts.append(f"{failed} failed")
    click.echo(f"{', '.join(counts) or 'Nothing was done'}.")
    if outcome.broken_off:
        click.echo(_clean(f"Broken off at {outcome.broken_off}."), err=True)
    if not outcome.ok:
        click.echo("Mend the cause and run the same command again: it goes on where this one stopped.", err=True)


def _counts(steps: Sequence[Step]) -> str:
    counted = {verb: sum(each.verb is verb for each in steps) for verb in Verb}
    told = [f"{count} {_PLANNED[verb]}" for verb, count in counted.items() if count]
    nothing = "" if any(counted[verb] for verb in CHANGING) else " Nothing there needs to change."
    return f"{', '.join(told) or 'nothing of ours is there'}.{nothing}"


def _as_json(
    steps: Sequence[Step], provisioner: Provisioner, memory: ProvisioningMemory, wish: ProvisionOptions
) -> bool:
    blocked = any(each.verb is Verb.BLOCKED for each in steps)
    if wish.dry_run or blocked:
        show_json({"plan": [_plain(each) for each in steps]})
        return not blocked and not _open(steps)
    if wish.remove and not wish.yes:
        raise click.UsageError("--remove with --json needs --yes: nobody can be asked.")
    outcome = carry_out(steps, provisioner, memory, lambda _told: None, time.sleep)
    done = [_plain(each.step) | {"vendor_id": each.vendor_id, "trouble": each.trouble} for each in outcome.told]
    show_json({"ok": outcome.ok, "done": done, "broken_off": outcome.broken_off})
    return outcome.ok


def _open(steps: Sequence[Step]) -> bool:
    """Whether there is something to do."""
    return any(each.verb in CHANGING for each in steps)


def _plain(step: Step) -> dict[str, Any]:
    return {
        "verb": step.verb, "kind": step.kind, "key": step.key, "title": step.title, "vendor_id": step.vendor_id,
        "says": step.says,
    }  # fmt: skip


def _clean(line: str) -> str:
    """Titles come from the vendor, where anybody may have written them."""
    return printable(line).rstrip()


def leave(well: bool) -> None:
    """End the command: 0 when all is well, else 1."""
    sys.exit(not well)

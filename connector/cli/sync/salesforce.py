"""``ringback sync salesforce``: take in an org's contacts, and write earlier scores onto its records."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import click

from connector.cli.common.context import BadInputError
from connector.cli.common.output import as_json_option, show_json
from connector.cli.serve.startup import opened
from connector.feedback.base.actions import NotPossibleError
from connector.feedback.messaging.brands import home_country
from connector.runtime.doorbell import INTAKE
from connector.services import Services
from connector.storage.stores import definitions
from connector.storage.stores.definitions import DefinitionKind
from connector.vendors.salesforce.backfill import WORKFLOW, BusyError, Plan, Sync
from integrations.errors import IntegrationError
from integrations.salesforce.client import SalesforceCrm

_LOOK_AGAIN = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """What the person asked for."""

    contacts: bool
    scores: bool
    again: bool
    wait: bool


@click.command()
@click.argument("connection")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--contacts/--no-contacts", default=True, help="Take in the contacts.  [default: contacts]")
@click.option("--scores/--no-scores", default=True, help="Write earlier scores.  [default: scores]")
@click.option("--again", is_flag=True, help="Begin at the first contact, not where the last sync stopped.")
@click.option("--wait", is_flag=True, help="Wait until `ringback serve` or a worker has written the scores.")
@as_json_option
def salesforce(
    connection: str, dry_run: bool, contacts: bool, scores: bool, again: bool, wait: bool, as_json: bool
) -> None:
    """Take in the contacts of CONNECTION as customers, and write the scores they gave earlier onto their records.

    It may be stopped at any time, also by a power failure: the next one goes on from there.
    """
    with opened() as house:
        try:
            work, wanted = _sync(house, connection), SyncOptions(contacts, scores, again, wait)
            if dry_run:
                _tell(work.plan(), as_json)
            else:
                _run(house, work, wanted, as_json)
        except (NotPossibleError, BusyError) as error:
            raise BadInputError(str(error)) from error
        except IntegrationError as error:
            told = f"Stopped: {error.reason}. What was done stays; run it again to go on."
            raise click.ClickException(told) from error


def _sync(house: Services, connection: str) -> Sync:
    client = house.connections.crm(connection)
    if not isinstance(client, SalesforceCrm):
        raise NotPossibleError(f"connection: {connection!r} is a CRM, but no Salesforce org.")
    country = home_country(house.mailer.brands)
    return Sync(house.database, connection, client.changes, house.connections.ids, house.clock, country)


def _run(house: Services, work: Sync, wanted: SyncOptions, as_json: bool) -> None:
    if wanted.scores:
        _expect_workflow(house)
    if wanted.again:
        work.start_over()
    taken = _counted(work.contacts(), "contacts") if wanted.contacts else 0
    asked = _counted(work.scores(), "scores") if wanted.scores else 0
    house.bell.ring(INTAKE)
    if wanted.wait and asked:
        _wait(work)
    if as_json:
        show_json({"contacts": taken, "scores": asked})
    else:
        click.echo(f"{taken} contacts were taken in, {asked} scores are on their way to the records.")


def _counted(steps: Iterator[int], what: str) -> int:
    done = 0
    for count in steps:
        done += count
        _progress(f"{done} {what}")
    return done


def _tell(plan: Plan, as_json: bool) -> None:
    if as_json:
        show_json(plan)
        return
    click.echo(
        f"It would read {plan.contacts} contacts in about {plan.calls} calls ({plan.already} are known already), and "
        f"write {plan.scores} scores in at least {plan.write_calls} calls. Contacts that are new may bring more."
    )


def _expect_workflow(house: Services) -> None:
    with house.database.read() as tx:
        known = {each.slug for each in definitions.active(tx, DefinitionKind.WORKFLOW)}
    if WORKFLOW not in known:
        raise BadInputError(
            f"The workflow {WORKFLOW} is not installed, so nobody would write the scores. Run "
            f"`ringback workflow import --library {WORKFLOW}`, or use --no-scores."
        )


def _wait(work: Sync) -> None:
    """Until everything that was asked for has come to its end."""
    ended, all_ = work.written()
    while ended < all_ or not all_:
        _progress(f"{ended} of {all_} scores written")
        time.sleep(_LOOK_AGAIN)
        ended, all_ = work.written()


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{text}   ", nl=False, err=True)
    else:
        click.echo(text, err=True)

"""``ringback doctor``: is everything in order, and if not, what to do."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace

import click

from connector.checks.installation import Examiner
from connector.cli.common.lazy import LazyGroup
from connector.cli.common.looking import known_here
from connector.cli.common.output import as_json_option
from connector.cli.doctor.people import check_people
from connector.cli.doctor.telling import read_part, report, silence
from connector.clock import Clock, system_clock
from connector.config.file import Config, load_config
from connector.config.settings import Settings, masked
from connector.feedback.base.actions import NotPossibleError
from connector.feedback.mail_feedback.complaint_share import measure
from connector.feedback.messaging.brands import home_country, read_brands
from connector.observe import complaints, machine, stored, usage
from connector.observe.backlog import read_backlog
from connector.observe.customer_values import check_values
from connector.observe.definition_checks import check_definitions
from connector.observe.findings import Finding, Verdict, of_mistakes, ok, warning
from connector.observe.keys import check_keys
from connector.runtime.queues.celery_app import in_memory
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.stores.oauth_tokens import DatabaseTokenStore
from connector.storage.stores.webhook_secrets import HookSecrets, Secrets
from connector.vendors import health_checks
from connector.vendors.base import Vendors
from connector.vendors.clients import Connections, needs_agreement
from connector.vendors.registry import VENDORS
from integrations.auth.tokens import TokenStore
from integrations.errors import OptionsError

_COMMANDS = {"mail": ("doctor.mail:mail", "What receivers will make of our mail: SPF, DKIM, DMARC, names, https.")}


@click.group(cls=LazyGroup, table=_COMMANDS, invoke_without_command=True)
@click.option("--offline", is_flag=True, help="Call no vendor and no mail server.")
@click.option("--vendor-clocks", is_flag=True, help="Compare this machine's clock with the vendors', too.")
@as_json_option
@click.pass_context
def doctor(context: click.Context, offline: bool, vendor_clocks: bool, as_json: bool) -> None:
    """Check everything that Ringback stands on, and say for each trouble what to do.

    Python and packages, settings, database, migrations, clock, broker, secret key, configuration, and each
    connection's credentials. Changes nothing, sends nothing to anybody. ✔ in order, ! worth a look, ✘ broken;
    the exit code is 1 when something is broken.
    """
    if context.invoked_subcommand is not None:
        return
    with silence():
        found = list(examine(offline=offline, vendor_clocks=vendor_clocks))
    report(found, as_json=as_json)


def examine(
    *, offline: bool = False, vendor_clocks: bool = False, clock: Clock = system_clock, vendors: Vendors = VENDORS
) -> Iterator[Finding]:
    """Every finding, from the ground up; what stands on something broken is not looked at."""
    yield machine.check_python()
    yield from machine.check_packages()
    settings, mistakes = read_part(Settings.from_environment, "settings")
    yield from mistakes
    if settings is None:
        return
    yield health_checks.check_address(settings.base_url)
    yield _key(settings)
    yield machine.check_broker(settings.broker_url, in_memory=in_memory(settings.broker_url))
    config, mistakes = read_part(
        lambda: load_config(settings.config, named=settings.config_named), "configuration"
    )
    yield from mistakes
    workflows: Mapping[str, str] = {}
    if config is not None:
        workflows = yield from _configuration(config, Examiner(config, vendors, known_here(settings)))
    kept = yield from _database(settings, config or Config(), workflows, clock, vendors)
    if config is not None:
        yield from _way_in(config, kept, clock, vendors)
        if not offline:
            yield from _connections(settings, config, clock, vendors)
        if vendor_clocks and not offline:
            yield from health_checks.check_vendor_clocks(list(config.connections.values()), clock, vendors)


def _key(settings: Settings) -> Finding:
    """Never makes one: that is for the process that uses it."""
    if settings.key_file is not None and not settings.key_file.exists():
        return ok("secret key", "none yet; the first start makes one beside the database")
    _, mistakes = read_part(lambda: settings.secret_keys(lambda _said: None), "secret key")
    return mistakes[0] if mistakes else ok("secret key", "there, and long enough")


def _configuration(config: Config, examiner: Examiner) -> Generator[Finding, None, Mapping[str, str]]:
    """→ the workflows of the folder, by slug."""
    looked = examiner.everything()
    yield from of_mistakes("configuration", looked.mistakes)
    if config.path is None:
        remedy = "Write one (see examples/), or set RINGBACK_CONFIG."
        yield warning("configuration", "there is no ringback.yaml here.", remedy)
    elif not looked.mistakes:
        files = f"{len(looked.workflows)} workflows, {len(looked.surveys)} surveys"
        yield ok("configuration", f"{config.path}: {len(config.connections)} connections, {files}")
    return looked.workflows


def _database(
    settings: Settings, config: Config, workflows: Mapping[str, str], clock: Clock, vendors: Vendors
) -> Generator[Finding, None, Secrets]:
    """→ the webhook secrets that provisioning fetched."""
    file = settings.database_file
    if file is not None and not file.exists() and file.parent.is_dir():
        yield warning(
            "database", f"there is none at {file} yet.", "`ringback serve` makes it, or `ringback migrate`."
        )
        return {}
    if file is not None:
        checks = (machine.check_file_system, machine.check_rights, machine.check_users)
        yield from filter(None, (check(file) for check in checks))
    yield from filter(None, [machine.check_encryption(settings.database_url)])
    with closing(Database(settings.database_url, pool_size=1)) as database:
        found = stored.check_database(database, masked(settings.database_url))
        yield from found
        if all(each.verdict is Verdict.OK for each in found):
            yield stored.check_clock(database, clock)
            yield from _work(database, Connections(config, vendors=vendors), workflows, clock)
            yield from _values(database, config)
            yield _people(database, config)
            yield from _sealed(settings, database, clock)
            return _kept_secrets(settings, database, clock)
    return {}


def _people(database: Database, config: Config) -> Finding:
    with database.read() as tx:
        return check_people(tx, config.sign_in)


def _kept_secrets(settings: Settings, database: Database, clock: Clock) -> Secrets:
    keys = _present_keys(settings)
    return HookSecrets(database, keys, clock)() if keys else {}


def _sealed(settings: Settings, database: Database, clock: Clock) -> Iterator[Finding]:
    if keys := _present_keys(settings):
        with database.read() as tx:
            yield from check_keys(tx, keys, clock())


def _work(
    database: Database, connections: Connections, workflows: Mapping[str, str], clock: Clock
) -> Iterator[Finding]:
    now = clock()
    with database.read() as tx:
        backlog = read_backlog(tx, connections.kinds, connections.budget, now)
        yield from check_definitions(tx, workflows)
        yield from stored.check_work(backlog, now)
        yield from stored.check_parked(tx)
        yield from stored.check_proxies(tx, now)
        yield from stored.check_senders_clocks(tx, now)
        yield from stored.paused(tx, backlog, now)
        yield from usage.check_usage(usage.forecasts(tx, _reserve(connections), now))
        yield complaints.check_complaints(measure(tx, now))


def _values(database: Database, config: Config) -> Iterator[Finding]:
    """What customers are said to be worth, read with the house's country, which settles what 12.000 is; brands that
    cannot be read are told elsewhere."""
    brands, _ = read_part(lambda: read_brands(config.brands), "brands")
    with database.read() as tx:
        yield from check_values(tx, replace(config.customer_value, country=home_country(brands or {})))


def _reserve(connections: Connections) -> Callable[[str], float]:
    """Settings that cannot be used are told elsewhere."""

    def reserve(connection: str) -> float:
        try:
            return connections.daily_reserve(connection)
        except (NotPossibleError, OptionsError):
            return 0.0

    return reserve


@contextmanager
def _agreements(settings: Settings, config: Config, clock: Clock) -> Iterator[Callable[[str], TokenStore | None]]:
    """The tokens that somebody agreed to: they cannot be asked for anew, as others can. Only where a key is there."""
    agreed = {each.name for each in config.connections.values() if needs_agreement(each)}
    keys = _present_keys(settings) if agreed else None
    if not keys:
        yield lambda _name: None
        return
    with closing(Database(settings.database_url, pool_size=2)) as database:
        yield lambda name: DatabaseTokenStore(database, name, keys, clock) if name in agreed else None


def _present_keys(settings: Settings) -> SecretKeys | None:
    """The secret keys, if there are any and the database is: the doctor makes neither."""
    file = settings.database_file
    if file is not None and not (file.exists() and (settings.key_file is None or settings.key_file.exists())):
        return None
    return read_part(lambda: settings.secret_keys(lambda _said: None), "secret key")[0]


def _way_in(config: Config, kept: Secrets, clock: Clock, vendors: Vendors) -> Iterator[Finding]:
    configured = list(config.connections.values())
    yield from health_checks.check_way_in(configured, kept, vendors)
    yield from health_checks.check_settings(configured, clock().date(), vendors)


def _connections(settings: Settings, config: Config, clock: Clock, vendors: Vendors) -> Iterator[Finding]:
    with _agreements(settings, config, clock) as store:
        connections = Connections(config, store, vendors=vendors)
        yield from health_checks.check_connections(connections, list(config.connections.values()))

"""Checks of the database: whether it answers and takes writes, its shape, its clock, and what it holds up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from connector.clock import Clock
from connector.observe import disk
from connector.observe.backlog import LATE, PARKED, Backlog, ConnectionState, QueueLine
from connector.observe.findings import Finding, broken, ok, warning
from connector.storage.engine.database import Database
from connector.storage.flow_control import connection_state
from connector.storage.schema.migrate import current_revision, newest_revision
from connector.storage.schema.tables import STOPPED_RUNS, runs
from connector.storage.stores import cursors
from connector.storage.stores.run_queries import MOST_COUNTED
from workflows.runs import Status

_SHORT = timedelta(minutes=1)

TOLERANCE = 2.0
"""Seconds that two clocks may differ before someone is told."""

_RESUMES = {
    "paused": "Mend its credentials; one call is tried every minute, and all goes on when it succeeds.",
    "open": "Its vendor does not work; one call is tried at least every minute, and all goes on when it is answered.",
    "probing": "One call is tried now; when it is answered, all goes on.",
    "held": "Its vendor told us to wait; `ringback connections resume NAME` asks again at once.",
    "stopped": "A person stopped it; `ringback connections resume NAME` lets it go on.",
}

CALLS_LATE = 300.0
"""Seconds that calls may be due before someone is told: their pace is the vendor's, too."""

_SAME_AGAIN = text("UPDATE alembic_version SET version_num = version_num")
_NEW_TABLE = text("CREATE TABLE ringback_probe (a INT)")
_CLOCK_REMEDY = "Switch on time synchronisation (systemd-timesyncd, chrony) on both machines."


def check_database(database: Database, where: str) -> list[Finding]:
    """Whether it answers, has this version's shape, and takes writes. Changes nothing."""
    try:
        with database.read() as tx:
            revision = current_revision(tx)
    except SQLAlchemyError as error:
        return [broken("database", f"{where} does not answer ({_kind(error)}).", _reach(database))]
    full = disk.full(database)
    found = [_writable(database, where, revision), _shape(revision)]
    return [*found, broken("disk", f"{full}.", "Make room: nothing can be kept.")] if full else found


def _reach(database: Database) -> str:
    if database.is_sqlite:
        return "Check that the folder is there and ours to write, and RINGBACK_DATABASE_URL."
    return "Check that PostgreSQL runs, and RINGBACK_DATABASE_URL."


def _writable(database: Database, where: str, revision: str | None) -> Finding:
    """By a write that is taken back."""
    change = _SAME_AGAIN if revision else _NEW_TABLE
    try:
        with database.write() as tx:
            tx.execute(change)
            tx.rollback()
    except SQLAlchemyError as error:
        remedy = "Give our user the right to write there, and look for a full disk."
        return broken("database", f"{where} takes no writes ({_kind(error)}).", remedy)
    return ok("database", f"{where} answers and takes writes")


def _shape(revision: str | None) -> Finding:
    newest = newest_revision()
    if revision == newest:
        return ok("migrations", f"up to date, revision {newest}")
    if revision is None:
        return broken(
            "migrations", "the database is empty.", "Run `ringback migrate`; `ringback serve` does it, too."
        )
    remedy = "Run `ringback migrate`; it says so when a newer version made this database."
    return broken("migrations", f"revision {revision} is not this version's, which is {newest}.", remedy)


def check_clock(database: Database, clock: Clock) -> Finding:
    """The database server's clock beside ours: time-outs and leases are written by one and read by others."""
    if database.is_sqlite:
        return ok("clock", "the database has this machine's clock")
    with database.read() as tx:
        before = clock()
        theirs: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
        half = (clock() - before) / 2
    ahead = (theirs - before - half).total_seconds()
    return compare("clock", "the database server", ahead, TOLERANCE + half.total_seconds())


def compare(check: str, whose: str, ahead: float, tolerance: float) -> Finding:
    """``ahead``: seconds by which another clock is before ours. ``tolerance`` includes half of what the question took:
    when in that time the other looked at its clock nobody knows, and a slow answer is no wrong clock."""
    if abs(ahead) <= tolerance:
        return ok(check, f"within {tolerance:g} s of {whose}")
    way = "ahead of" if ahead > 0 else "behind"
    return warning(check, f"{whose} is {abs(ahead):.1f} s {way} this machine.", _CLOCK_REMEDY)


FORWARDED_BY = "forwarded for by"
"""The position of who last handed on a request without being trusted (see ``web.senders``)."""

CLOCKS_APART = "clocks apart"
"""The position of the last sender whose signature was right and whose time was not (see ``web.clocks_apart``)."""

_NEWS, _JUST_NOW = timedelta(days=7), timedelta(minutes=10)


def check_senders_clocks(tx: Connection, now: datetime) -> list[Finding]:
    """Whether genuine webhooks were refused just now for their time. What was noted in a wrong hour is no news in the
    right one."""
    seen = cursors.since(tx, CLOCKS_APART)
    if seen is None or abs(now - seen[1]) > _JUST_NOW:
        return []
    seconds, _, connection = seen[0].partition(" ")
    way = "behind" if float(seconds) > 0 else "ahead of"
    apart = f"{abs(float(seconds)):.0f} s {way} this machine's time"
    says = f"webhooks of {connection} are refused: rightly signed, and {apart}."
    remedy = "Compare this machine's clock with another (`ringback doctor --vendor-clocks`); set the one that is wrong."
    return [warning("clock", says, remedy)]


def check_proxies(tx: Connection, now: datetime) -> list[Finding]:
    """Whether somebody hands requests on whom nobody trusts: then everybody has their address."""
    seen = cursors.since(tx, FORWARDED_BY)
    if seen is None or now - seen[1] > _NEWS:
        return []
    peer, at = seen
    says = f"{peer} handed on requests (X-Forwarded-For), last at {at:%Y-%m-%d %H:%M} UTC, and is not trusted: "
    says += "whoever comes through it counts as one network."
    remedy = f"If it is a proxy of yours: RINGBACK_TRUSTED_PROXIES={peer}. If it is a stranger, nothing is wrong."
    return [warning("proxies", says, remedy)]


def check_parked(tx: Connection) -> list[Finding]:
    """Runs that were not let begin, as their record had had too many."""
    c = runs.c
    asked = select(c.workflow, func.count()).where(STOPPED_RUNS, c.reason.startswith(PARKED)).group_by(c.workflow)
    return [
        warning(
            "work", f"{_many(count)} runs of {workflow} are parked: their record had too many within an hour.",
            f"If it answers itself, mend it. Then let them begin: `ringback runs retry --workflow {workflow}`.",
        )
        for workflow, count in tx.execute(asked.order_by(c.workflow))
    ]  # fmt: skip


def check_work(backlog: Backlog, now: datetime) -> list[Finding]:
    """What is set aside, and what should have been done by now."""
    return [*_dead_letters(backlog), *_behind(backlog, now)] or [
        ok("work", "nothing is late, nothing was set aside")
    ]


def _dead_letters(backlog: Backlog) -> Iterator[Finding]:
    if backlog.set_aside:
        said = f"{_many(backlog.set_aside)} deliveries could not be read or processed."
        yield warning("work", said, "See `ringback deliveries --status unreadable` and `--status failed`.")
    if runs := sum(backlog.stopped[status] for status in (Status.FAILED, Status.DEAD, Status.DONE_WITH_FAILURE)):
        remedy = "See `ringback runs --dead-letters`: mend the cause and retry them, or dismiss them with a reason."
        yield warning("work", f"{_many(runs)} runs stopped with a failure.", remedy)
    failed = sum(each.failed for each in backlog.connections)
    if failed:
        yield warning("work", f"{_many(failed)} calls ended badly.", "See `ringback runs --status failed`.")
    review = sum(each.review for each in backlog.connections)
    if review:
        yield warning(
            "work", f"{_many(review)} calls need a person.", "See `ringback runs --status needs_review`."
        )


def _behind(backlog: Backlog, now: datetime) -> Iterator[Finding]:
    remedy = "Check that `ringback serve`, or a worker and a scheduler, run."
    ours = {"deliveries wait to be understood": backlog.deliveries, "runs are due": backlog.runs}
    calls = {
        f"calls at {each.name} are due": each.due for each in backlog.connections if each.state == "active"
    }
    for lines, late in ((ours, LATE), (calls, CALLS_LATE)):
        for what, line in lines.items():
            if line.lag(now) > late:
                yield warning("work", f"{_many(line.waiting)} {what}, since {_span(line, now)}.", remedy)


def paused(tx: Connection, backlog: Backlog, now: datetime) -> list[Finding]:
    """Connections on which nothing goes out, with the reason that was kept."""
    return [
        warning(
            f"connection {each.name}", f"is {each.state}: {_reason(tx, each.name)}.", _RESUMES[each.state]
        )
        for each in backlog.connections
        if each.state in _RESUMES and not _is_short(tx, each, now)
    ]


def _reason(tx: Connection, name: str) -> str:
    row = connection_state.state(tx, name)
    if row is not None and row.status == connection_state.ACTIVE:
        return f"its vendor asked us to wait until {row.blocked_until:%Y-%m-%d %H:%M:%S} UTC"
    return row.reason if row is not None and row.reason else "no reason was kept"


def _is_short(tx: Connection, each: ConnectionState, now: datetime) -> bool:
    """Waits of a minute are every day's."""
    row = connection_state.state(tx, each.name) if each.state == "held" else None
    return row is not None and row.blocked_until is not None and row.blocked_until - now <= _SHORT


def _many(count: int) -> str:
    return f"{count} or more" if count >= MOST_COUNTED else str(count)


def _span(line: QueueLine, now: datetime) -> str:
    seconds = int(line.lag(now))
    return f"{seconds // 60} minutes" if seconds >= 120 else f"{seconds} seconds"


def _kind(error: Exception) -> str:
    """Whose error it is: its text may hold a password or a name."""
    return type(getattr(error, "orig", None) or error).__name__

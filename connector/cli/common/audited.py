"""What commands tell the audit log: who changed what from the machine, once it is done.

Commands for tokens and admins write rows of their own, with more in them. Those for secret keys write none: a process
that does not have the new key yet could not add to a log that begins a stretch under it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from connector.config.settings import Settings
    from connector.secret_keys import SecretKeys
    from connector.storage.engine.database import Database

_CHANGES = frozenset({
    "runs cancel", "runs retry", "runs restart", "runs dismiss", "runs skip", "runs review", "deliveries replay",
    "connections pause", "connections resume", "customers review decide", "responses doubtful release", "mail release",
    "workflow import", "workflow export", "workflow resolve", "workflow off", "workflow on",
    "survey import", "survey export", "survey resolve", "retention",
})  # fmt: skip
_SYNCS = "sync "
"""Whatever is synced with."""

_ONLY_WITH = {"workflow export": "write", "survey export": "write", "retention": "now"}
"""Commands that only show something unless this is said."""

_CODE = re.compile(r"[A-Za-z0-9_.:-]{0,60}")
_TOLD = "ringback.told"


def keys(settings: Settings) -> SecretKeys | None:
    """What the log needs of the command that is under way, asked for before anything is done; None: it is one that
    changes nothing, or has its row already. Raises ``SettingsError``."""
    context = click.get_current_context(silent=True)
    if context is None or not _changed(_path(context), context.params) or context.meta.get(_TOLD):
        return None
    return settings.secret_keys(lambda _: None)


def tell(database: Database, secret_keys: SecretKeys) -> None:
    """A row for the command that is under way."""
    from connector.access.audit import Audit, AuditEntry  # slow to import, and most commands only show something
    from connector.cli.common.acting import acting_here
    from connector.clock import system_clock

    context = click.get_current_context()
    context.meta[_TOLD] = True
    audit = Audit(database, secret_keys)
    given = {name: value for name, value in sorted(context.params.items()) if value not in (None, (), "")}
    after = {name: _plain(audit, value) for name, value in given.items()}
    entry = AuditEntry(action=_path(context).replace(" ", "."), object_kind="command", after=after)
    audit.note(acting_here(), entry, system_clock())


def _path(context: click.Context) -> str:
    """The command without the program's name."""
    return context.command_path.partition(" ")[2]


def _changed(path: str, given: dict[str, Any]) -> bool:
    only_with = _ONLY_WITH.get(path)
    changes = path in _CHANGES or path.startswith(_SYNCS)
    return changes and not given.get("dry_run") and (only_with is None or bool(given.get(only_with)))


def _plain(audit: Any, value: Any) -> Any:
    """Words of ours and ids as they are, what people wrote by its fingerprint."""
    if isinstance(value, bool | int):
        return value
    if isinstance(value, tuple | list):
        return [_plain(audit, each) for each in value]
    return str(value) if _CODE.fullmatch(str(value)) else audit.fingerprint(str(value))

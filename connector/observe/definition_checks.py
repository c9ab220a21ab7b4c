"""Checks of workflows and surveys: which are in force, and where file and browser do not say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection

from connector.observe.findings import Finding, ok, warning
from connector.storage.stores import definition_states, definitions
from connector.storage.stores.definitions import DefinitionKind, digest_of


def check_definitions(tx: Connection, in_files: Mapping[str, str]) -> Iterator[Finding]:
    """``in_files``: slug → YAML of the workflows folder."""
    yield from _differing(tx)
    yield from _switched_off(tx)
    yield _in_force(tx, in_files)


def _differing(tx: Connection) -> Iterator[Finding]:
    for kind in DefinitionKind:
        for slug, state in sorted(definition_states.states(tx, kind).items()):
            if state.differs:
                said = f"{slug}: its file and the browser's text both changed; the browser's is in force."
                remedy = f"`ringback {kind} diff {slug}` shows it, `ringback {kind} resolve {slug}` decides."
                yield warning(f"{kind}s", said, remedy)


def _switched_off(tx: Connection) -> Iterator[Finding]:
    found = definition_states.states(tx, DefinitionKind.WORKFLOW)
    off = [f"{slug} (by {each.off_by}: {each.off_reason})" for slug, each in sorted(found.items()) if each.off_at]
    if off:
        yield warning("workflows", f"switched off: {_list(off)}.", "`ringback workflow on SLUG` lets one start again.")


def _in_force(tx: Connection, in_files: Mapping[str, str]) -> Finding:
    states = definition_states.states(tx, DefinitionKind.WORKFLOW)
    new = sorted(
        slug
        for slug, body in in_files.items()
        if slug not in states or (states[slug].file_digest != digest_of(body) and states[slug].waiting != body)
    )
    if new:
        said = f"not in force as they stand in their files: {_list(new)}."
        return warning("workflows", said, "Run `ringback workflow import`, or start Ringback again.")
    newest = definitions.newest(tx, DefinitionKind.WORKFLOW)
    if not any(each.active for each in newest):
        remedy = "Put some into the folder that ringback.yaml names, or see `ringback workflow import --help`."
        return warning("workflows", "none is in force, so nothing follows from what arrives.", remedy)
    return ok("workflows", f"in force: {_list(each.slug for each in definitions.active(tx, DefinitionKind.WORKFLOW))}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"

"""Writes the initial migration anew from ``tables.py``: `make migration`. Only until the first release."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from connector.storage.schema.migrate import alembic_config

_VERSIONS = Path(__file__).parent / "versions"
_REVISION = "0001"


def regenerate() -> Path:
    """Replace the one migration that there is; refuses when there are more. Returns the file."""
    old = sorted(_VERSIONS.glob("[0-9]*.py"))
    if len(old) > 1:
        raise SystemExit(f"There are {len(old)} migrations: write the next one with alembic instead.")
    for file in old:
        file.unlink()
    engine = create_engine("sqlite://")  # empty, so that every table is a difference
    with engine.begin() as connection:
        command.revision(alembic_config(connection), "initial", autogenerate=True, rev_id=_REVISION)
    engine.dispose()
    return _tidied(_VERSIONS / f"{_REVISION}_initial.py")


def _tidied(file: Path) -> Path:
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.lstrip().startswith("# ###")))
    return file


if __name__ == "__main__":
    print(regenerate())

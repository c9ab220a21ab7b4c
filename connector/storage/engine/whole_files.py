"""Files that people keep, written whole or not at all, and never outside their folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_READABLE = 0o644


class OutsideError(OSError):
    """A symbolic link leads out of the folder."""


def write_whole(folder: Path, file: Path, text: str) -> None:
    """Put ``text`` in place of the file's content: whoever reads it, or starts after a crash, finds the old text or the
    new. The rights of a file that is there stay. Raises OSError; OutsideError where a link leads out of ``folder``."""
    real = file.resolve()
    if not real.is_relative_to(folder.resolve()):
        raise OutsideError(f"{file} leads out of {folder}")
    mode = real.stat().st_mode & 0o777 if real.exists() else _READABLE
    handle, draft = tempfile.mkstemp(dir=real.parent, prefix=f".{real.stem}-", suffix=".part")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        os.chmod(draft, mode)
        os.replace(draft, real)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    _keep_name(real.parent)


def _keep_name(folder: Path) -> None:
    """A rename is durable when its folder is. (Windows cannot open folders, and needs no such thing.)"""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""A file and what was published in the browser: which of the two counts. Pure.

Three texts are compared by their digests, each "" where there is none: what the file says, what it said when it was
last taken into account, and the newest version. Whichever of file and browser moved away from the middle one counts;
when both did, a person decides.
"""

from __future__ import annotations

from enum import StrEnum


class Reconciled(StrEnum):
    SAME = "same"  # the newest version is what the file says
    KEEP = "keep"  # the file is as it was: what was published since stays
    TAKE = "take"  # only the file changed
    RETIRE = "retire"  # only the file changed: it is gone
    DIFFER = "differ"  # both changed


def judge(file: str, known: str, newest: str, *, in_force: bool) -> Reconciled:
    """``in_force`` is whether the newest version is: what was retired with its file gives way to a new one."""
    if file == newest:
        return Reconciled.SAME
    if file == known:
        return Reconciled.KEEP
    if newest in ("", known) or not (known or in_force):
        return Reconciled.TAKE if file else Reconciled.RETIRE
    return Reconciled.DIFFER

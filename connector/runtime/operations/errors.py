"""What people at the controls may hear.

ControlError
├── UnknownError    nothing has that name
├── InputError      what was given cannot be used: field, value, remedy
└── RefusedError    it exists and was understood, but cannot be done now; ``possible`` names what can
    └── ConflictError   somebody else was quicker: what is there now, and the lines in which it differs
"""

from __future__ import annotations


class ControlError(Exception):
    """Something that was asked for by hand was not done; nothing was changed."""


class UnknownError(ControlError):
    """There is no such run, delivery or connection."""

    def __init__(self, what: str, name: object, remedy: str) -> None:
        self.what, self.name, self.remedy = what, str(name), remedy
        super().__init__(f"There is no {what} {name!r}. {remedy}")


class InputError(ControlError):
    """A value that cannot be used."""

    def __init__(self, field: str, trouble: str, remedy: str) -> None:
        self.field, self.trouble, self.remedy = field, trouble, remedy
        super().__init__(f"{field}: {trouble} {remedy}")


class RefusedError(ControlError):
    """An action that the thing's state does not allow."""

    def __init__(self, why: str, *possible: str) -> None:
        self.why, self.possible = why, possible
        instead = f" Possible instead: {', '.join(possible)}." if possible else ""
        super().__init__(f"{why}{instead}")


class ConflictError(RefusedError):
    """What was changed by hand is no longer what one began with. ``difference`` has the lines, "+" before those of
    the text that was refused; ``version`` is the newest now."""

    def __init__(self, why: str, version: int, difference: str) -> None:
        self.version, self.difference = version, difference
        super().__init__(why, "look at the difference, and publish again on the newest version")

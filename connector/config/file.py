"""``ringback.yaml``: what an organisation decides about its connections, teams, hours and folders.

    connections:
      zendesk: {kind: zendesk, base_url: https://acme.zendesk.com, webhook_secret: "${ZENDESK_SECRET}"}
    brands:
      acme: {title: Acme, accent: "#0b5fff", country: NL}
    teams:
      care-team: {email: [care@acme.example], notify: ["slack://…"]}
    calendar: {timezone: Europe/Amsterdam, hours: mon-fri 09:00-17:30, holidays: NL}
    workflows: workflows/
    workflows_write: true
    surveys: surveys/
    translations: translations/
    fatigue_days: 90
    runs_per_record: 30
    answers: {settle_after_send: 2 minutes, settle_after_touch: 30 minutes}
    quiet_hours: {from: "20:00", until: "09:00", weekends: true, holidays: true}
    household: {by: [address]}
    dates: [{field: customer.birthday}]
    customer_value: {high_from: 10000, high: [gold, enterprise]}
    retention: {runs: 400 days, archive: archive/}
    sign_in: {second_factor: [admin, editor], idle: 30 minutes}

Every key may be left out. Folders are relative to the file. A connection's own options and a brand's are
checked by whoever uses them; here they are mappings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from connector.config.answers import SettlingWindows
from connector.config.customer_value import Valuation
from connector.config.dates import CustomerDate
from connector.config.household import Household
from connector.config.quiet_hours import QuietRules
from connector.config.retention import Retention
from connector.config.schema import config_schema
from connector.config.schema_parts import mistakes_of
from connector.config.sign_in.rules import SignInRules
from connector.config.yaml_reader import UnreadableError, put_in, read_yaml
from workflows.calendars import BusinessCalendar
from workflows.errors import DefinitionError, Mistake

FATIGUE_DAYS = 90
"""How long a person is left in peace after a survey when the file does not say."""

RUNS_PER_RECORD = 30
"""Runs that one workflow begins about one record within an hour, when the file does not say."""


class ConfigError(DefinitionError):
    """The configuration is refused: every mistake with its path and remedy."""


@dataclass(frozen=True, slots=True)
class ConnectionConfig:
    """One configured account. ``options`` is everything but ``kind``; it may hold secrets."""

    name: str
    kind: str
    options: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Team:
    """Whom an alert reaches. ``notify`` holds Apprise URLs, which may carry tokens. ``language`` is what its tickets
    are written in, ``group`` the helpdesk's group that they go to ("": none), ``caller`` who calls customers back."""

    name: str
    email: tuple[str, ...] = field(default=(), repr=False)
    notify: tuple[str, ...] = field(default=(), repr=False)
    language: str = "en"
    group: str = ""
    caller: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """The file's values. ``path`` is None when there is no file: then everything has its default."""

    path: Path | None = None
    connections: Mapping[str, ConnectionConfig] = field(default_factory=dict)
    brands: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    calendar: BusinessCalendar = field(default_factory=BusinessCalendar)
    workflows: Path | None = None
    workflows_write: bool = False
    surveys: Path | None = None
    surveys_write: bool = False
    translations: Path | None = None
    fatigue_days: int = FATIGUE_DAYS
    runs_per_record: int = RUNS_PER_RECORD
    answers: SettlingWindows = field(default_factory=SettlingWindows)
    quiet_hours: QuietRules = field(default_factory=QuietRules)
    household: Household = field(default_factory=Household)
    dates: tuple[CustomerDate, ...] = ()
    customer_value: Valuation = field(default_factory=Valuation)
    retention: Retention = field(default_factory=Retention)
    sign_in: SignInRules = field(default_factory=SignInRules)

    def of_kind(self, kind: str) -> tuple[ConnectionConfig, ...]:
        """The connections of a kind, in the file's order."""
        return tuple(each for each in self.connections.values() if each.kind == kind)


def load_config(path: Path, *, named: bool = True, environ: Mapping[str, str] | None = None) -> Config:
    """Read the file. Raises ``ConfigError`` with all its mistakes.

    A missing file is an error when it was asked for by name; else the configuration is empty (``path`` None).
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        if not named:
            return Config()
        raise _refuse(
            path, Mistake("file", "does not exist.", "Create it, or correct RINGBACK_CONFIG.")
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        remedy = "It must be a readable file in UTF-8."
        raise _refuse(path, Mistake("file", f"cannot be read ({type(error).__name__}).", remedy)) from error
    return read_config(text, path, os.environ if environ is None else environ)


def read_config(text: str, path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in ``text``. ``path`` is where it stands, for folders and messages."""
    try:
        raw = read_yaml(text)
    except UnreadableError as error:
        raise _refuse(path, error.mistake) from error
    values, missing = put_in(_without_empty(raw), environ)
    try:
        loaded = config_schema(path.parent).load(values)
    except ValidationError as error:
        said = {mistake.path for mistake in missing}  # a value that is not there needs no second complaint
        found = [each for each in mistakes_of(error, raw) if each.path not in said]
        raise _refuse(path, *missing, *found) from error
    if missing:
        raise _refuse(path, *missing)
    return _config(path, loaded)


def _without_empty(raw: Any) -> Any:
    """A key whose lines are all commented out is as good as absent."""
    if isinstance(raw, dict):
        return {key: value for key, value in raw.items() if value is not None}
    return {} if raw is None else raw


def _config(path: Path, loaded: Mapping[str, Any]) -> Config:
    named = {
        "connections": {
            name: _connection(name, each) for name, each in loaded.get("connections", {}).items()
        },
        "teams": {name: _team(name, each) for name, each in loaded.get("teams", {}).items()},
    }
    return Config(path=path, **{**loaded, **named})


def _connection(name: str, options: Mapping[str, Any]) -> ConnectionConfig:
    return ConnectionConfig(
        name, options["kind"], {key: each for key, each in options.items() if key != "kind"}
    )


def _team(name: str, loaded: Mapping[str, Any]) -> Team:
    told = {key: loaded[key] for key in ("language", "group", "caller") if key in loaded}
    return Team(name, tuple(loaded.get("email", ())), tuple(loaded.get("notify", ())), **told)


def _refuse(path: Path, *mistakes: Mistake) -> ConfigError:
    return ConfigError(str(path), mistakes)

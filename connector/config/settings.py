"""What the environment says: where the database is, where the broker, and under which address we are known.

Everything an organisation decides about its feedback stands in ``ringback.yaml`` (see ``connector.config.file``);
here is only what differs from machine to machine.
"""

from __future__ import annotations

import csv
import difflib
import ipaddress
import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from connector.secret_keys import SecretKeys
from integrations.mailboxes import ascii_domain
from integrations.transport import tls
from integrations.transport.forwarded import Network, read_networks
from workflows.errors import DefinitionError, Mistake

NAMES = {
    "RINGBACK_DATABASE_URL": "where everything is kept: sqlite:///file.db or postgresql://user:password@host/name",
    "RINGBACK_BROKER_URL": "the doorbell between processes: memory://, redis://host:6379/0 or amqp://host//",
    "RINGBACK_SECRET_KEY": "what survey links and stored tokens are made with; at least 32 characters",
    "RINGBACK_SECRET_KEYS_OLD": "the keys before it, which still open what they sealed; with commas between them",
    "RINGBACK_BASE_URL": "the address people and vendors reach us at, as https://feedback.example.org; or below a path "
    "that a proxy takes off, as https://www.example.org/feedback",
    "RINGBACK_TRUSTED_PROXIES": "the proxies before us, as addresses or networks with commas between them; what they "
    "say in X-Forwarded-For of who called them is believed",
    "RINGBACK_CONFIG": "the configuration file",
    "RINGBACK_LOG": "text, or json for one JSON object a line",
    "RINGBACK_METRICS_TOKEN": "what a caller of /metrics must bring; at least 16 characters",
    "RINGBACK_ADMIN_EMAIL": "the first admin's address; with the next one, made at the first start",
    "RINGBACK_ADMIN_PASSWORD": "the first admin's password; at least 12 characters",
    tls.CA_FILE: "a PEM file of certificate authorities that are trusted beside those of this machine",
}
"""Every setting and its meaning, for help texts and messages."""

DEFAULT_CONFIG = "ringback.yaml"
DEFAULT_BASE_URL = "http://127.0.0.1:8000"
_KEY_LENGTH = 32  # characters
_TOKEN_LENGTH = 16  # characters
_NEW_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
_DATABASES = {"sqlite", "postgresql", "postgres", "postgresql+psycopg"}
_WEB = {"http": ":80", "https": ":443"}
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_ADDRESS_REMEDY = (
    "Write scheme and host, as https://feedback.example.org, and at most a path that a proxy takes off, as "
    "https://www.example.org/feedback."
)
_BROKERS = {"memory", "redis", "rediss", "amqp", "amqps"}


class SettingsError(DefinitionError):
    """The environment is refused; a mistake names the variable, its value without secrets, and the remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment, checked. ``config_named`` tells a file that was asked for from the default one."""

    database_url: str = field(repr=False)  # may hold a password
    broker_url: str = field(repr=False)
    base_url: str  # without a slash at the end; its host in ASCII, its path empty or as "/feedback"
    config: Path
    config_named: bool
    log_format: str
    given_key: str | None = field(repr=False)
    old_keys: tuple[str, ...] = field(default=(), repr=False)  # those of the environment
    metrics_token: str | None = field(default=None, repr=False)
    trusted_proxies: tuple[Network, ...] = ()
    admin_email: str = ""
    admin_password: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the ``RINGBACK_`` variables. Raises ``SettingsError`` with all mistakes at once."""
        environ = os.environ if environ is None else environ
        reader, named = _Reader(environ), environ.get("RINGBACK_CONFIG", "").strip()
        settings = cls(
            database_url=reader.checked("RINGBACK_DATABASE_URL", "sqlite:///ringback.db", _check_database),
            broker_url=reader.checked("RINGBACK_BROKER_URL", "memory://", _check_broker),
            base_url=_plain_base_url(
                reader.checked("RINGBACK_BASE_URL", DEFAULT_BASE_URL, _check_base_url)
            ),
            config=Path(named or DEFAULT_CONFIG),
            config_named=bool(named),
            log_format=reader.checked("RINGBACK_LOG", "text", _check_log),
            given_key=reader.checked("RINGBACK_SECRET_KEY", "", _check_key) or None,
            old_keys=_several(reader.checked("RINGBACK_SECRET_KEYS_OLD", "", _check_old_keys)),
            metrics_token=reader.checked("RINGBACK_METRICS_TOKEN", "", _check_token) or None,
            trusted_proxies=_networks(reader.checked("RINGBACK_TRUSTED_PROXIES", "", _check_networks)),
            admin_email=environ.get("RINGBACK_ADMIN_EMAIL", "").strip(),
            admin_password=environ.get("RINGBACK_ADMIN_PASSWORD", ""),
        )
        reader.checked(tls.CA_FILE, "", _check_authority)
        reader.finish()
        return settings

    @property
    def database_file(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        _, _, path = self.database_url.partition("sqlite:///")
        return Path(path.partition("?")[0]) if path else None

    @property
    def key_file(self) -> Path | None:
        """Where the secret keys are kept, one a line, the one in use first; None where the environment has the key."""
        return self.database_file.with_suffix(".secret") if self.database_file and not self.given_key else None

    def secret_keys(self, say: Callable[[str], object]) -> SecretKeys:
        """The secret keys. Without one in the environment, a SQLite database gets a file beside it that holds
        one, made once; ``say`` is told where. Raises ``SettingsError`` on PostgreSQL, where several machines
        must share the key, and when others may read the file.
        """
        if self.given_key:
            return SecretKeys(self.given_key, self.old_keys)
        if self.key_file is None:
            raise _refuse(
                "RINGBACK_SECRET_KEY",
                "is not set, and PostgreSQL needs one that all processes share.",
                f"Make one with: {_NEW_KEY}",
            )
        first, *earlier = _kept_keys(self.key_file, say)
        return SecretKeys(first, (*earlier, *self.old_keys))


def new_key() -> str:
    """A secret key, made by chance."""
    return secrets.token_urlsafe(_KEY_LENGTH)


def masked(url: str) -> str:
    """A URL for people to read: without the user, the password and the query."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(not a URL)"
    guard = "***@" if "@" in parts.netloc else ""
    return f"{parts.scheme}://{guard}{host}{port}{parts.path}" if parts.scheme else "(not a URL)"


class _Reader:
    """Collects the mistakes of all variables, so that one run shows them all."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._mistakes = list(_misspelt(environ))

    def checked(self, name: str, default: str, check: Callable[[str], tuple[str, str] | None]) -> str:
        value = self._environ.get(name, "").strip() or default
        trouble = check(value) if value else None
        if trouble:
            self._mistakes.append(Mistake(name, *trouble))
        return value

    def finish(self) -> None:
        if self._mistakes:
            raise SettingsError("The environment", tuple(self._mistakes))


def _misspelt(environ: Mapping[str, str]) -> list[Mistake]:
    """Names that are nearly a setting: typing errors, for which the default would be used in silence."""
    found = []
    for name in sorted(environ):
        close = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.88)
        if name.startswith("RINGBACK_") and name not in NAMES and close:
            found.append(Mistake(name, "is not a setting.", f"Did you mean {close[0]}?"))
    return found


def _check_database(url: str) -> tuple[str, str] | None:
    scheme, _, rest = url.partition("://")
    remedy = "Write sqlite:///ringback.db or postgresql://user:password@host/name."
    if scheme == "sqlite" and (not rest.startswith("/") or rest in {"/", "/:memory:"}):
        return f"{masked(url)} names no file, and a database in memory would forget everything.", remedy
    if scheme not in _DATABASES or not rest:
        return f"{masked(url)} is no database we know.", remedy
    return _wrong_file(Path(rest[1:].partition("?")[0])) if scheme == "sqlite" else None


def _wrong_file(file: Path) -> tuple[str, str] | None:
    if file.is_dir():
        return f"{file} is a folder.", "Name a file in it."
    if not file.parent.is_dir():
        return f"{file} is in a folder that is not there.", f"Make it: mkdir -p {file.parent}"
    return None


def _check_broker(url: str) -> tuple[str, str] | None:
    if urlsplit(url).scheme in _BROKERS and "://" in url:
        return None
    return (
        f"{masked(url)} is no broker we know.",
        "Write memory://, redis://host:6379/0 or amqp://user:password@host//.",
    )


def _check_base_url(url: str) -> tuple[str, str] | None:
    """Everything we write down begins with it, so whatever it holds beside host and path would break every link."""
    try:
        _read_base_url(url)
    except ValueError as error:
        return f"{masked(url)} {error}.", _ADDRESS_REMEDY
    return None


def _plain_base_url(url: str) -> str:
    """As links begin with it. What was refused stays as it is: it is told of, and nobody uses it."""
    try:
        return _read_base_url(url)
    except ValueError:
        return url


def _read_base_url(url: str) -> str:
    """Raises ValueError that says what is wrong with it."""
    try:
        parts = urlsplit(url)
        host, port = _ascii_host(parts.hostname or ""), f":{parts.port}" if parts.port else ""
    except ValueError:
        raise ValueError("is no web address") from None
    if parts.scheme not in _WEB:
        raise ValueError("is no web address")
    if "@" in parts.netloc:
        raise ValueError("holds a user or password, which would stand in every link")
    if "?" in url or "#" in url:
        raise ValueError("holds a query or a fragment, and links would come after it")
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ValueError("has a path with other parts than letters, digits and . _ ~ -")
    return f"{parts.scheme}://{host}{'' if port == _WEB[parts.scheme] else port}{path}"


def _ascii_host(host: str) -> str:
    """A link in a mail's header is ASCII. Raises ValueError."""
    if ":" in host:
        return f"[{ipaddress.ip_address(host)}]"
    return ascii_domain(host)


def _check_log(value: str) -> tuple[str, str] | None:
    return None if value in {"text", "json"} else (f"{value!r} is no log format.", "Write text or json.")


def _check_authority(value: str) -> tuple[str, str] | None:
    if tls.readable(Path(value)):
        return None
    return f"{value} holds no certificate of an authority that can be read.", "Name a file in PEM."


def _check_key(value: str) -> tuple[str, str] | None:
    if len(value) >= _KEY_LENGTH:
        return None
    return f"has {len(value)} characters; {_KEY_LENGTH} are needed.", f"Make one with: {_NEW_KEY}"


def _several(value: str) -> tuple[str, ...]:
    """Keys with commas between them; one that holds a comma itself stands in double quotes."""
    try:
        fields = next(csv.reader([value], skipinitialspace=True, strict=True), [])
    except csv.Error:  # a quotation mark that never ends
        return ("",)
    return tuple(key for each in fields if (key := each.strip()))


def _check_old_keys(value: str) -> tuple[str, str] | None:
    """Which of them is wrong, by its number: never the key itself."""
    remedy = "Put commas between the keys, and a key that holds a comma itself in double quotes."
    for number, key in enumerate(_several(value), 1):
        if len(key) < _KEY_LENGTH:
            return f"its key {number} has {len(key)} characters; {_KEY_LENGTH} are needed.", remedy
    return None


def _networks(value: str) -> tuple[Network, ...]:
    """What was refused trusts nobody: it is told of."""
    return () if _check_networks(value) else read_networks(value)


def _check_networks(value: str) -> tuple[str, str] | None:
    try:
        read_networks(value)
    except ValueError as error:
        return f"{error}.", "Write the proxies' own addresses or networks, as 10.0.0.5, 192.168.7.0/24."
    return None


def _check_token(value: str) -> tuple[str, str] | None:
    if len(value) >= _TOKEN_LENGTH and value.isascii():
        return None
    return f"must have {_TOKEN_LENGTH} characters or more, all of them ASCII.", f"Make one with: {_NEW_KEY}"


def _kept_keys(file: Path, say: Callable[[str], object]) -> list[str]:
    if not file.exists():
        _write_once(file, new_key())
        say(f"made a secret key and keep it in {file}; set RINGBACK_SECRET_KEY to use one of your own")
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise _refuse(
            str(file),
            "holds the secret key, and others on this machine may read it.",
            f"Run: chmod 600 {file}",
        )
    keys = file.read_text().split("\n")
    keys = [key for each in keys if (key := each.strip())] or [""]
    for trouble in filter(None, map(_check_key, keys)):
        raise _refuse(str(file), *trouble)
    return keys


def _write_once(file: Path, key: str) -> None:
    """Whole or not at all, and never over another process's: a link fails where a file already is."""
    draft = _draft(file, [key])
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()


def write_keys(file: Path, keys: Sequence[str]) -> None:
    """Put them where one key was kept, whole or not at all."""
    os.replace(_draft(file, keys), file)


def _draft(file: Path, keys: Sequence[str]) -> Path:
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as output:
        output.writelines(f"{key}\n" for key in keys)
        output.flush()
        os.fsync(output.fileno())
    return draft


def _refuse(name: str, message: str, remedy: str) -> SettingsError:
    return SettingsError("The environment", (Mistake(name, message, remedy),))

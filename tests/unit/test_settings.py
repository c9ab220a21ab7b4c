"""The environment: defaults, refusals that say what to do, and the secret key."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from connector.config.settings import Settings, SettingsError, masked
from connector.secret_keys import SecretKeys

KEY = "k" * 32


def read(**environ: str) -> Settings:
    return Settings.from_environment({f"RINGBACK_{name}": value for name, value in environ.items()})


def refusal(environ: Mapping[str, str]) -> str:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(environ)
    return str(refused.value)


def test_an_empty_environment_gives_one_process_on_this_machine() -> None:
    settings = read()
    assert settings.database_url == "sqlite:///ringback.db"
    assert settings.broker_url == "memory://"
    assert settings.base_url == "http://127.0.0.1:8000"
    assert (settings.config, settings.config_named) == (Path("ringback.yaml"), False)


def test_an_empty_variable_is_no_setting() -> None:
    assert read(DATABASE_URL="", CONFIG="", SECRET_KEY="") == read()


def test_a_configuration_asked_for_by_name_is_known_as_such() -> None:
    assert read(CONFIG="other.yaml").config_named


def test_the_address_loses_its_last_slash() -> None:
    assert read(BASE_URL="https://feedback.example.org/ring/").base_url == "https://feedback.example.org/ring"


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("https://acme.example/feedback", "https://acme.example/feedback"),
        ("https://acme.example//", "https://acme.example"),
        (" HTTPS://Acme.Example:443/ ", "https://acme.example"),
        ("http://acme.example:80/a/b.c/~d/", "http://acme.example/a/b.c/~d"),
        ("https://acme.example:8443", "https://acme.example:8443"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://10.0.0.1", "http://10.0.0.1"),
        ("https://acme.example.", "https://acme.example"),
    ],
)
def test_the_address_is_kept_as_links_begin_with_it(written: str, read_as: str) -> None:
    assert read(BASE_URL=written).base_url == read_as


@pytest.mark.parametrize(
    ("written", "trouble"),
    [
        ("acme.example", "is no web address"),
        ("//acme.example", "is no web address"),
        ("ftp://acme.example", "is no web address"),
        ("https://", "is no web address"),
        ("https://acme..example", "is no web address"),
        ("https://acme example", "is no web address"),
        ("https://acme.example:port", "is no web address"),
        ("https://acme.example:99999", "is no web address"),
        ("https://[::1", "is no web address"),
        ("https://acme.example?", "holds a query or a fragment"),
        ("https://acme.example/?brand=a", "holds a query or a fragment"),
        ("https://acme.example/#top", "holds a query or a fragment"),
        ("https://ann:hunter2@acme.example", "holds a user or password"),
        ("https://acme.example/feed back", "has a path with other parts"),
        ("https://acme.example/../feedback", "has a path with other parts"),
        ("https://acme.example//feedback", "has a path with other parts"),
        ("https://acme.example/fe%65dback", "has a path with other parts"),
        ("https://acme.example/terugkoppeling-ü", "has a path with other parts"),
        ('https://acme.example/"><b>', "has a path with other parts"),
    ],
)
def test_an_address_that_would_break_every_link_is_refused_with_the_remedy(written: str, trouble: str) -> None:
    told = refusal({"RINGBACK_BASE_URL": written})
    assert "RINGBACK_BASE_URL" in told
    assert trouble in told
    assert "Write scheme and host, as https://feedback.example.org" in told
    assert "hunter2" not in told


def test_every_mistake_is_told_at_once() -> None:
    told = refusal(
        {
            "RINGBACK_DATABASE_URL": "mysql://host/name",
            "RINGBACK_BROKER_URL": "kafka://host",
            "RINGBACK_BASE_URL": "feedback.example.org",
            "RINGBACK_LOG": "xml",
        }
    )
    assert told.startswith("The environment: 4 mistakes")
    for name in ("DATABASE_URL: mysql://host/name", "BROKER_URL: kafka://host", "BASE_URL", "LOG: 'xml'"):
        assert f"RINGBACK_{name}" in told


def test_a_refused_url_never_shows_its_password() -> None:
    told = refusal(
        {"RINGBACK_DATABASE_URL": "mysql://ann:hunter2@db.example.org:3306/ringback?password=hunter2"}
    )
    assert "hunter2" not in told
    assert "ann" not in told
    assert "mysql://***@db.example.org:3306/ringback" in told


@pytest.mark.parametrize("url", ["", "no url", "http://[", "http://host:port/x", "://"])
def test_masking_survives_what_is_no_url(url: str) -> None:
    assert masked(url) == "(not a URL)"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused_because_it_forgets(url: str) -> None:
    assert "would forget everything" in refusal({"RINGBACK_DATABASE_URL": url})


@pytest.mark.parametrize("url", ["postgres://db/x", "postgresql://db/x", "sqlite:////var/lib/ringback.db"])
def test_the_databases_we_know_are_taken(url: str) -> None:
    assert read(DATABASE_URL=url).database_url == url


@pytest.mark.parametrize("url", ["memory://", "redis://h:1/0", "rediss://h", "amqp://u:p@h//", "amqps://h//"])
def test_the_brokers_we_know_are_taken(url: str) -> None:
    assert read(BROKER_URL=url).broker_url == url


def test_a_name_that_is_nearly_a_setting_is_a_mistake() -> None:
    told = refusal({"RINGBACK_DATABSE_URL": "sqlite:///x.db"})
    assert "RINGBACK_DATABSE_URL: is not a setting. Did you mean RINGBACK_DATABASE_URL?" in told


def test_other_names_are_left_to_others() -> None:
    assert read(TEST_POSTGRES="postgresql://db/x") == read()


def test_the_database_file_is_known_for_sqlite_alone(tmp_path: Path) -> None:
    file = tmp_path / "ringback.db"
    assert read(DATABASE_URL=f"sqlite:///{file}?timeout=5").database_file == file
    assert read(DATABASE_URL="postgresql://db/x").database_file is None


def test_secrets_do_not_show_in_a_printed_value() -> None:
    settings = read(
        SECRET_KEY=KEY, DATABASE_URL="postgresql://u:hunter2@db/x", BROKER_URL="redis://:hunter2@h"
    )
    assert KEY not in repr(settings)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(("length", "good"), [(31, False), (32, True)])
def test_a_secret_key_has_at_least_32_characters(length: int, good: bool) -> None:
    if good:
        assert read(SECRET_KEY="x" * length).secret_keys(pytest.fail).first == "x" * length
    else:
        assert "has 31 characters; 32 are needed." in refusal({"RINGBACK_SECRET_KEY": "x" * length})


def test_a_key_is_made_once_beside_the_database_and_kept_from_others(tmp_path: Path) -> None:
    settings = read(DATABASE_URL=f"sqlite:///{tmp_path}/ringback.db")
    said: list[str] = []

    first = settings.secret_keys(said.append)
    second = settings.secret_keys(said.append)

    file = tmp_path / "ringback.secret"
    assert first == second == SecretKeys(file.read_text().strip())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(said) == 1
    assert str(file) in said[0]
    assert first.first not in said[0]


def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    settings = read(DATABASE_URL=f"sqlite:///{tmp_path}/ringback.db")
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: settings.secret_keys(str), range(16)))
    assert len(keys) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["ringback.secret"]


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ringback.secret"
    file.write_text(KEY)
    file.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        read(DATABASE_URL=f"sqlite:///{tmp_path}/ringback.db").secret_keys(pytest.fail)


def test_an_empty_key_file_is_refused_rather_than_used(tmp_path: Path) -> None:
    (tmp_path / "ringback.secret").touch(0o600)
    with pytest.raises(SettingsError, match="has 0 characters"):
        read(DATABASE_URL=f"sqlite:///{tmp_path}/ringback.db").secret_keys(pytest.fail)


def test_postgresql_needs_a_key_that_all_processes_share() -> None:
    with pytest.raises(SettingsError, match=r"RINGBACK_SECRET_KEY: is not set.*token_urlsafe"):
        read(DATABASE_URL="postgresql://db/x").secret_keys(pytest.fail)

"""What the tests stand on is real, and each test has it for itself."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest
import redis
from kombu import Connection as Amqp
from sqlalchemy import text

from connector.storage.engine.database import Database
from connector.storage.schema.migrate import is_current
from tests import services


def test_the_settings_of_whoever_runs_the_tests_do_not_reach_them() -> None:
    assert [name for name in os.environ if name.startswith("RINGBACK_") and "_TEST_" not in name] == []


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_gets_a_fresh_migrated_database(database: Database, turn: int) -> None:
    assert is_current(database)
    with database.write() as connection:
        assert connection.execute(text("SELECT count(*) FROM customers")).scalar_one() == 0
        connection.execute(
            text(
                "INSERT INTO customers (id, facts, loyalty, created_at, updated_at) VALUES "
                "('x', '{}', '', '2026-01-01', '2026-01-01')"
            )
        )


@pytest.mark.services
def test_postgresql_answers_in_a_database_of_our_own(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
    assert row == (f"ringback_test_{os.getpid()}",)


@pytest.mark.services
def test_redis_answers_in_a_database_of_our_own(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.get("ringback-test:owner") == str(os.getpid()).encode()


@pytest.mark.services
def test_rabbitmq_takes_a_message_and_gives_it_back(rabbitmq_url: str, queue_prefix: str) -> None:
    name, gone_afterwards = f"{queue_prefix}doorbell", {"exclusive": True}
    with Amqp(rabbitmq_url) as connection, connection.SimpleQueue(name, queue_opts=gone_afterwards) as queue:
        queue.put("ring")
        message = queue.get(timeout=60)
        message.ack()
        assert message.payload == "ring"


@pytest.mark.browser
def test_chromium_is_there(chromium: str) -> None:
    shown = subprocess.run([chromium, "--version"], capture_output=True, text=True, check=True)
    assert "Chrom" in shown.stdout


def test_a_service_at_a_wrong_address_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBACK_TEST_REDIS", "redis://127.0.0.1:1")
    services.address.cache_clear()

    with pytest.raises(
        services.MissingServiceError, match=r"Redis does not answer .* Correct RINGBACK_TEST_REDIS"
    ):
        services.address(services.REDIS)

    services.address.cache_clear()


def test_a_missing_service_names_the_one_command_that_brings_it() -> None:
    assert services.REDIS.command == "sudo apt-get install -y redis-server && sudo service redis-server start"
    assert services.CHROMIUM.command == "sudo apt-get install -y chromium"


def test_the_table_has_a_line_for_each_service_and_each_package_from_npm() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "tests.services"], capture_output=True, text=True, check=True
    )
    assert [line.split()[0] for line in shown.stdout.splitlines()] == [
        "PostgreSQL",
        "Redis",
        "RabbitMQ",
        "Chromium",
        "Dovecot",
        "Postfix",
        "htmx.org",
        "axe-core",
        "zendesk_app_framework_sdk",
    ]

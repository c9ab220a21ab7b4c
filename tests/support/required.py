"""What a test cannot do without: a service, or files from npm."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import pytest

from tests import services

T = TypeVar("T")


def required(service: services.Service) -> str:
    """Where it answers. Without it the test fails and names the command, or is skipped with ALLOW_SKIPS=1."""
    return _or_skipped(lambda: services.address(service))


def npm_files_required() -> None:
    """Likewise for the files that others wrote."""
    _or_skipped(services.npm_files_are_there)


def _or_skipped(find: Callable[[], T]) -> T:
    try:
        return find()
    except services.MissingServiceError as error:
        if os.environ.get("ALLOW_SKIPS") == "1":
            pytest.skip(str(error))
        pytest.fail(str(error), pytrace=False)

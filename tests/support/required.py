"""A service that a test cannot do without."""

from __future__ import annotations

import os

import pytest

from tests import services


def required(service: services.Service) -> str:
    """Where it answers. Without it the test fails and names the command, or is skipped with ALLOW_SKIPS=1."""
    try:
        return services.address(service)
    except services.MissingServiceError as error:
        if os.environ.get("ALLOW_SKIPS") == "1":
            pytest.skip(str(error))
        pytest.fail(str(error), pytrace=False)

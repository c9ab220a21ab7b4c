"""Where a house keeps its own surveys."""

from __future__ import annotations

from pathlib import Path

from connector.cli.common.context import BadInputError
from connector.config.file import Config


def surveys_folder(config: Config) -> Path:
    """The folder of the house's own surveys."""
    if config.surveys is None:
        raise BadInputError("No folder of surveys is configured. Write `surveys: surveys/` in ringback.yaml.")
    return config.surveys

"""How a wheel is built: as by setuptools, after npm's files were brought, so that whoever installs it needs no npm.

An editable installation is a developer's, who brings them with ``make pages``.
"""

from __future__ import annotations

from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

from tools.npm_files import ROOT, bring

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    """→ the wheel's file name. Raises NpmFilesError where the files are neither there nor to be had."""
    bring(ROOT, "connector/web/static/vendor")
    return str(build_meta.build_wheel(wheel_directory, config_settings, metadata_directory))

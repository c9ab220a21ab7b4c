"""The files of workflows and surveys, as publishing and `export` write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.definitions import files_in, read_text
from connector.runtime.operations.errors import RefusedError
from connector.storage.engine.whole_files import OutsideError, write_whole
from connector.storage.stores.definitions import digest_of
from workflows.errors import DefinitionError
from workflows.yaml_text import read


@dataclass(frozen=True, slots=True)
class DefinitionFolder:
    """A folder of YAML files. ``key`` is the word before the slug in each of them ("workflow", "survey")."""

    path: Path
    key: str

    def file_of(self, slug: str) -> Path:
        """Where this one lies, or would. Raises RefusedError when its place is taken by something else."""
        for file in sorted(files_in([self.path]), key=lambda each: each.stem != slug):
            if self._slug_in(file) == slug:
                return file
        file = self.path / f"{slug}.yaml"
        if file.is_symlink() or file.exists():
            raise RefusedError(f"{file} is there, and is not the {self.key} {slug}. Move it away.")
        return file

    def digest(self, slug: str) -> str:
        """Of what its file says now; "" without one. Raises RefusedError."""
        file = self.file_of(slug)
        return digest_of(_text(file)) if file.exists() else ""

    def write(self, slug: str, body: str) -> Path:
        """Write its file, whole or not at all → where. Raises RefusedError."""
        file = self.file_of(slug)
        try:
            write_whole(self.path, file, body)
        except OutsideError:
            raise RefusedError(f"{file} is a link that leads out of {self.path}. Put a file in its place.") from None
        except OSError as error:
            raise RefusedError(f"{file} cannot be written ({error.strerror or type(error).__name__}).") from error
        return file

    def write_over(self, slug: str, body: str, known: str) -> Path | None:
        """Write it if its file still has the digest ``known``; None where somebody changed it meanwhile."""
        return self.write(slug, body) if self.digest(slug) in (known, digest_of(body)) else None

    def _slug_in(self, file: Path) -> str | None:
        """What a file is about; of one that nobody can read nothing is known."""
        try:
            data: Any = read(_text(file), file.name)
        except (DefinitionError, RefusedError):
            return None
        slug = data.get(self.key) if isinstance(data, Mapping) else None
        return slug if isinstance(slug, str) else None


def _text(file: Path) -> str:
    try:
        return read_text(file)
    except DefinitionError as error:
        raise RefusedError(str(error)) from error

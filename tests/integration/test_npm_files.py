"""What others wrote comes by the lock, once, and nothing else comes in its place: npm itself, and a registry here."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.http import Reply, Seen, Server, answer, serving
from tests.support.processes import free_port
from tests.support.required import npm_files_required
from tools import npm_files
from tools.npm_files import NpmFilesError, bring, folders

FOLDER = "pages/vendor"
FILES = {"lamp.js": "lamp/dist/lamp.min.js", "icons/bulb.svg": "@acme/icons/bulb.svg"}


def digest(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            line = tarfile.TarInfo(f"package/{name}")
            line.size = len(text.encode())
            archive.addfile(line, io.BytesIO(text.encode()))
    return buffer.getvalue()


@dataclass
class Registry:
    """npm's registry, as far as ``npm ci`` asks it: a document for each package, and the package."""

    url: str = ""
    packages: dict[tuple[str, str], bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(self, name: str, version: str, files: dict[str, str]) -> None:
        about = json.dumps({"name": name, "version": version})
        self.packages[name, version] = packed({"package.json": about, **files})

    def publish_lamp(self, version: str, text: str) -> None:
        self.publish("lamp", version, {"dist/lamp.min.js": text})

    def __call__(self, seen: Seen) -> Reply:
        path = seen.path.replace("%2f", "/").strip("/")
        self.asked.append(path)
        if "/-/" in path:
            name, version = path.split("/-/")
            return Reply(200, self.packages[name, version], {"Content-Type": "application/octet-stream"})
        versions = {version: self._about(path, version) for name, version in self.packages if name == path}
        return answer(200, {"name": path, "versions": versions, "dist-tags": {"latest": max(versions)}})

    def _about(self, name: str, version: str) -> dict[str, Any]:
        dist = {"tarball": f"{self.url}/{name}/-/{version}", "integrity": digest(self.packages[name, version])}
        return {"name": name, "version": version, "dist": dist}


@dataclass(frozen=True)
class Project:
    """A project with files of two packages in a folder of its own."""

    root: Path
    registry: Registry
    server: Server

    @property
    def folder(self) -> Path:
        return self.root / FOLDER

    def write(self, files: dict[str, str] = FILES, **versions: str) -> None:
        """package.json and its lock, with the digests of what the registry has now."""
        wanted = {"lamp": "1.0.0", "@acme/icons": "2.0.0", **versions}
        packages = {f"node_modules/{name}": {"version": version, "integrity": self._digest(name, version)}
                    for name, version in wanted.items()}  # fmt: skip
        top = {"name": "project", "dependencies": wanted}
        lock = {"name": "project", "lockfileVersion": 3, "requires": True, "packages": {"": top, **packages}}
        (self.root / "package.json").write_text(json.dumps({**top, "copies": {FOLDER: files}}))
        (self.root / "package-lock.json").write_text(json.dumps(lock))

    def _digest(self, name: str, version: str) -> str:
        return digest(self.registry.packages[name, version])

    def contents(self) -> dict[str, str]:
        found = [each for each in self.folder.rglob("*") if each.is_file() and not each.name.startswith(".")]
        return {each.relative_to(self.folder).as_posix(): each.read_text() for each in found}


@contextmanager
def a_registry() -> Iterator[tuple[Registry, Server]]:
    registry = Registry()
    with serving(registry) as server:
        registry.url = server.url
        yield registry, server


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with a_registry() as (registry, server):
        monkeypatch.setenv("npm_config_registry", server.url)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
        registry.publish_lamp("1.0.0", "light()")
        registry.publish("@acme/icons", "2.0.0", {"bulb.svg": "<svg/>"})
        root = tmp_path / "project"
        root.mkdir()
        shutil.copy(npm_files.ROOT / ".npmrc", root)
        found = Project(root, registry, server)
        found.write()
        yield found


@pytest.fixture
def filled(project: Project) -> Project:
    bring(project.root)
    project.registry.asked.clear()
    return project


def test_an_empty_folder_is_filled_with_the_files_that_are_listed_and_no_others(project: Project) -> None:
    [folder] = bring(project.root)
    assert (folder.path, folder.is_filled) == (project.folder, True)
    assert project.contents() == {"lamp.js": "light()", "icons/bulb.svg": "<svg/>"}
    assert not (project.root / "node_modules").exists()


def test_a_filled_folder_needs_no_registry_and_no_npm(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert bring(filled.root) == []
    assert filled.registry.asked == []


def test_a_newer_version_in_the_lock_is_fetched(filled: Project) -> None:
    filled.registry.publish_lamp("1.1.0", "brighter()")
    filled.write(lamp="1.1.0")
    assert len(bring(filled.root)) == 1
    assert filled.contents()["lamp.js"] == "brighter()"


@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_a_file_that_somebody_changed_or_removed_comes_back(filled: Project, harm: str) -> None:
    file = filled.folder / "lamp.js"
    file.write_text("dark()") if harm == "changed" else file.unlink()
    assert not folders(filled.root)[0].is_filled
    bring(filled.root)
    assert file.read_text() == "light()"


def test_a_file_that_is_listed_no_more_goes(filled: Project) -> None:
    filled.write({"lamp.js": FILES["lamp.js"]})
    bring(filled.root)
    assert filled.contents() == {"lamp.js": "light()"}


def test_a_package_with_other_content_than_the_locks_is_refused(filled: Project) -> None:
    filled.registry.publish_lamp("1.1.0", "brighter()")
    filled.write(lamp="1.1.0")
    filled.registry.publish_lamp("1.1.0", "steal()")
    with pytest.raises(NpmFilesError, match=r"could not fetch @acme/icons 2\.0\.0, lamp 1\.1\.0(.|\n)*EINTEGRITY"):
        bring(filled.root)
    assert filled.contents()["lamp.js"] == "light()"


def test_a_registry_that_is_away_is_told_with_the_remedy_and_the_folder_stays(
    filled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{free_port()}")
    filled.write({"bulb.js": FILES["lamp.js"]})
    with pytest.raises(NpmFilesError, match=r"npm ping(.|\n)*then run: make npm-files(.|\n)*ECONNREFUSED"):
        bring(filled.root, FOLDER)
    assert set(filled.contents()) == set(FILES)


def test_without_any_npm_the_command_says_how_to_get_one(project: Project, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    shutil.copytree(npm_files.ROOT / "tools", project.root / "tools")
    done = subprocess.run(
        [tmp_path / "bare" / "bin" / "python", "-m", "tools.npm_files"],
        cwd=project.root, env={"PATH": ""}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "to fetch @acme/icons 2.0.0, lamp 1.0.0: none is on the PATH" in done.stderr
    assert "sudo apt-get install npm" in done.stderr
    assert "No module named pip" in done.stderr


def test_a_wrong_line_of_package_json_is_named(project: Project) -> None:
    project.write({"lamp.js": "lamp/lamp.js"})
    with pytest.raises(NpmFilesError, match=r"'lamp/lamp\.js' is no file of its package"):
        bring(project.root)
    project.write({"torch.js": "torch/torch.js"})
    with pytest.raises(NpmFilesError, match=r"package-lock\.json has no package 'torch'"):
        bring(project.root)
    project.write()
    with pytest.raises(NpmFilesError, match=f"no folder 'elsewhere', but {FOLDER}"):
        bring(project.root, "elsewhere")


def test_our_own_lock_names_one_version_and_digest_of_each_package_and_no_address() -> None:
    wanted = json.loads((npm_files.ROOT / "package.json").read_text("utf-8"))
    text = (npm_files.ROOT / "package-lock.json").read_text("utf-8")
    lines = [line for place, line in json.loads(text)["packages"].items() if place]
    assert len(lines) > 1
    assert all(line["integrity"].startswith("sha512-") for line in lines)
    assert "resolved" not in text
    assert "://" not in text
    versions = [*wanted.get("dependencies", {}).values(), *wanted["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)


def test_the_command_has_nothing_to_do_where_everything_is_there() -> None:
    npm_files_required()
    shown = subprocess.run(
        [sys.executable, "-m", "tools.npm_files"], cwd=npm_files.ROOT, capture_output=True, text=True, check=True,
        env={"PATH": ""},
    )  # fmt: skip
    assert shown.stdout == ""

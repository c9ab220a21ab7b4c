"""The folders of definitions: all files are read, and all mistakes are told with their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.config.file import Config
from connector.definitions import read_surveys, read_workflows
from connector.feedback.surveys.files import built_in
from workflows.errors import DefinitionError


def refusal(folder: Path) -> str:
    with pytest.raises(DefinitionError) as refused:
        read_surveys(Config(surveys=folder))
    return str(refused.value)


def test_the_surveys_of_a_folder_stand_beside_the_built_in_ones_and_over_them(tmp_path: Path) -> None:
    own = built_in()["retention"].replace("survey: retention", "survey: ours", 1)
    changed = built_in()["after-support"] + "# ours\n"
    (tmp_path / "one.yaml").write_text(changed, "utf-8")
    (tmp_path / "two.yml").write_text(own, "utf-8")
    assert read_surveys(Config(surveys=tmp_path)) == {**built_in(), "after-support": changed, "ours": own}


def test_two_files_with_one_name_and_a_broken_file_are_both_reported(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(built_in()["retention"], "utf-8")
    (tmp_path / "zero.yaml").write_text("survey: zero", "utf-8")
    told = refusal(tmp_path)
    assert "two.yaml: retention is defined in another file, too." in told
    assert "zero.yaml: metric: it is missing." in told


def test_a_file_that_is_no_text_in_utf_8_is_named_beside_the_mistakes_of_the_others(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("survey: één".encode("latin-1"))
    (tmp_path / "zero.yaml").write_text("survey: zero", "utf-8")
    told = refusal(tmp_path)
    assert "latin.yaml: file: cannot be read (UnicodeDecodeError). It must be a text in UTF-8." in told
    assert "zero.yaml: metric: it is missing." in told


def test_a_file_that_is_far_too_long_or_a_folder_by_the_name_of_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_bytes(b"#" * 1_000_001)
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(DefinitionError) as refused:
        read_workflows(Config(workflows=tmp_path))
    assert "long.yaml: file: is longer than 1000000 bytes. Split it." in str(refused.value)
    assert "folder.yaml: file: cannot be read (IsADirectoryError)." in str(refused.value)

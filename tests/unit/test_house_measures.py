"""The measures of the house: small rooms, short modules, few parts handed in, one meaning a name, and READMEs that
name what is there."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("connector", "integrations", "webhooks")
MOST_MODULES = 15
MOST_MODULES_OF_A_FEATURE = 11
MOST_LINES = 350
MOST_PARTS = 7

LONG_MODULES = {
    "connector/demo/story.py",  # one story of nine steps, told from its beginning to its end
    "connector/storage/schema/tables.py",  # all tables, beside each other on purpose
}
WIDE_CONSTRUCTORS = {
    "connector/feedback/surveys/asking/send_survey.py": (0, 8),
    "connector/runtime/intake/deliveries.py": (0, 9),
    "connector/runtime/queues/consumers.py": (0, 8),
}
"""Where a constructor takes more parts than that: how many by place, and by keyword."""


def modules(*packages: str) -> Iterator[Path]:
    for package in packages:
        for file in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in file.parts:
                yield file


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def classes(file: Path) -> Iterator[ast.ClassDef]:
    return (node for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.ClassDef))


def rooms() -> list[Path]:
    """Every folder with modules, also those of ``workflows``."""
    files = [file for file in modules(*PACKAGES, "workflows") if file.name != "__init__.py"]
    return sorted({file.parent for file in files})


def own(room: Path) -> list[str]:
    return sorted(file.name for file in room.glob("*.py") if file.name != "__init__.py")


def test_no_room_holds_more_modules_than_one_sees_at_a_glance() -> None:
    crowded = {named(room): len(own(room)) for room in rooms() if named(room) != "workflows"}  # its table serves
    assert {name: count for name, count in crowded.items() if count > MOST_MODULES} == {}
    features = {name: count for name, count in crowded.items() if name.startswith("connector/feedback")}
    assert {name: count for name, count in features.items() if count > MOST_MODULES_OF_A_FEATURE} == {}


def test_no_module_is_longer_than_one_idea_needs() -> None:
    lines = {named(file): len(file.read_text("utf-8").splitlines()) for file in modules(*PACKAGES, "workflows")}
    assert {name for name, count in lines.items() if count > MOST_LINES} == LONG_MODULES


def test_no_constructor_takes_a_crowd_and_the_few_that_do_take_it_by_keyword() -> None:
    """Parts that are handed in by keyword cannot be swapped unseen."""
    crowds = {}
    for file in modules("connector"):
        for each in classes(file):
            made = [node for node in each.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
            crowds |= {named(file): _parts(node) for node in made if sum(_parts(node)) > MOST_PARTS}
    assert crowds == WIDE_CONSTRUCTORS


def _parts(init: ast.FunctionDef) -> tuple[int, int]:
    return len(init.args.args) - 1, len(init.args.kwonlyargs)


def test_no_public_class_name_has_two_meanings_in_the_connector() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for file in modules("connector"):
        if "demo" not in file.parts:  # the tour tells its own story, in its own words
            for each in classes(file):
                homes[each.name] += [named(file)] if not each.name.startswith("_") else []
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


@pytest.mark.parametrize("room", rooms(), ids=named)
def test_the_readme_of_a_room_states_its_law_and_names_each_of_its_files(room: Path) -> None:
    readme = (room / "README.md").read_text("utf-8")
    assert "law of this room" in readme
    rows = set(re.findall(r"^\| `([\w/.]+)`", readme, re.MULTILINE))
    assert {name for name in rows if name.endswith(".py")} == set(own(room))

"""Many modules as one script: in order, each once, names of their own; and what cannot be joined is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from integrations.zendesk.sidebar import packing
from integrations.zendesk.sidebar.bundling import BundleError, bundle
from tests.browser.browser import new_context

MODULES = {
    "main.js": 'import {twice} from "./twice.js";\nimport {one, STEP} from "./one.js";\n'
               "const part = 5; window.found = [one(), twice(), STEP, part];\n",
    "twice.js": 'import {one} from "./one.js";\nconst part = 2;\nexport function twice() { return part * one(); }\n',
    "one.js": "window.runs = (window.runs || 0) + 1;\nconst part = 1;\nexport const STEP = 10;\n"
              "export function one() { return part; }\nexport async function later() {}\nexport class Kind {}\n",
}  # fmt: skip


@pytest.mark.browser
def test_it_does_what_the_modules_do_with_each_module_run_once(browser: Browser) -> None:
    page = new_context(browser).new_page()
    page.evaluate(bundle(MODULES, "main.js"))
    assert page.evaluate("[window.found, window.runs]") == [[1, 2, 10, 5], 1]
    page.context.close()


def test_a_module_stands_after_what_it_needs_and_once() -> None:
    joined = bundle(MODULES, "main.js")
    places = [joined.index(f'of["{name}"] = ') for name in ("one.js", "twice.js", "main.js")]
    assert places == sorted(places)
    assert joined.count('of["one.js"] = ') == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"one.js": 'import {twice} from "./twice.js";\nexport const STEP = 1;\n'}, "third file"),
        ({"twice.js": 'import {x} from "./gone.js";\n'}, "twice.js: there is no gone.js"),
        ({"one.js": "export default 1;\n"}, "one.js: 'export default 1;'"),
        ({"one.js": 'import * as all from "./twice.js";\n'}, "one.js: 'import"),
        ({"one.js": 'const late = import("./twice.js");\n'}, "one.js: 'import('"),
    ],
)
def test_what_cannot_be_joined_is_named_with_its_file(changed: dict[str, str], said: str) -> None:
    with pytest.raises(BundleError) as error:
        bundle({**MODULES, **changed}, "main.js")
    assert said in str(error.value)


def test_every_file_of_the_app_is_in_its_script() -> None:
    assets = Path(packing.__file__).parents[1] / "app" / "assets"
    script = packing.app_files("https://a.example", "zendesk")["assets/sidebar.js"].decode()
    assert {each.name for each in assets.glob("*.js")} <= {
        json.loads(line.partition("of[")[2].partition("]")[0]) for line in script.splitlines() if line.startswith("of[")
    }

"""Many small JavaScript modules as one script, so that a browser asks for one file instead of one after another. Pure.

No minifier and no parser: it takes the two forms our modules are written in, ``import {a, b} from "./c.js";`` on one
line and ``export`` before a declaration, and refuses all else. Each module stays as it reads, in a function of its own,
so that names in one mean nothing in another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_IMPORT = re.compile(r'^import \{([\w, ]+)\} from "\./([\w-]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*$|\bimport\(|\bimport\.meta", re.MULTILINE)


class BundleError(ValueError):
    """A module that is written otherwise; the message names file and line."""


def bundle(modules: Mapping[str, str], entry: str) -> str:
    """``entry`` and all it imports, each once and after what it needs. ``modules`` are texts by file name.

    Raises ``BundleError`` for a module that is missing, imports in a circle, or is written in another form.
    """
    order = dict.fromkeys(_in_order(modules, entry, ()))
    parts = "".join(_part(name, modules[name]) for name in order)
    return f'"use strict";\n(() => {{\nconst of = {{}};\n{parts}}})();\n'


def _in_order(modules: Mapping[str, str], name: str, above: tuple[str, ...]) -> Iterator[str]:
    """Depth first, so what is needed comes before; what several need comes several times."""
    if name in above:
        raise BundleError(f"{above[-1]}: it imports {name}, which imports it; move what both need into a third file")
    if name not in modules:
        raise BundleError(f"{above[-1] if above else name}: there is no {name}; name a file beside it")
    for _, needed in _IMPORT.findall(modules[name]):
        yield from _in_order(modules, needed, (*above, name))
    yield name


def _part(name: str, text: str) -> str:
    own = _EXPORT.sub("", _IMPORT.sub(r'const {\1} = of["\2"];', text))
    if found := _OTHER.search(own):
        raise BundleError(f'{name}: {found[0]!r} is no form that can be joined; write import {{a}} from "./b.js";')
    names = ", ".join(_EXPORT.findall(text))
    return f'of["{name}"] = (() => {{\n{own.strip()}\nreturn {{{names}}};\n}})();\n'

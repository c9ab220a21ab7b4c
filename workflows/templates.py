"""Templates: Liquid in the strings of a step's parameters, at any depth.

Liquid, not Jinja: it reads values and nothing else. It is held to the law of the room here: no clock (its own
``now`` and ``date: "now"`` would read one), no files (``include``, ``render``), and a limit on loops and output.
A name that is not there is an error, unless the ``default`` filter answers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from liquid import Environment, StrictDefaultUndefined
from liquid.exceptions import FilterArgumentError, LiquidError
from liquid.template import BoundTemplate

from workflows.errors import TemplateError
from workflows.suggestions import did_you_mean
from workflows.template_limits import limited, one_rendering

MAX_TEMPLATE = 20_000  # characters
_MARKS = ("{{", "{%")


class _Liquid(Environment):
    loop_iteration_limit = 1_000
    output_stream_limit = 100_000  # bytes
    local_namespace_limit = 200_000  # bytes
    block_nesting_limit = 10


def _date(moment: object, form: object) -> str:
    """Liquid's ``date`` without its clock and its guessing: RFC 3339 text or a time, and a strftime form."""
    if moment is None:
        return ""
    try:
        time = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
        return time.strftime(str(form)[:100])
    except ValueError as error:
        remedy = "Give an RFC 3339 time, or write {{ now | date: … }} for the present."
        raise FilterArgumentError(f"date cannot read this value. {remedy}", token=None) from error


def _environment() -> _Liquid:
    environment = _Liquid(undefined=StrictDefaultUndefined, autoescape=False, strict_filters=True)
    for tag in ("include", "render"):
        del environment.tags[tag]
    environment.add_filter("date", _date)
    environment.filters.update(limited(environment.filters))
    return environment


_ENVIRONMENT = _environment()


def render(value: Any, names: Mapping[str, Any]) -> Any:
    """The value with every string in it rendered. A string stays a string: ``{{ event.score }}`` gives "9".

    Raises TemplateError when a template cannot be read, or speaks of something that is not there.
    """
    if isinstance(value, str):
        return _render_text(value, names) if is_template(value) else value
    if isinstance(value, Mapping):
        return {key: render(item, names) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [render(item, names) for item in value]
    return value


def is_template(text: str) -> bool:
    """Whether the text has anything to render."""
    return any(mark in text for mark in _MARKS)


def check_template(text: str) -> None:
    """Raises TemplateError when the text is no template that can be read, or uses a filter that is not there."""
    if not is_template(text):
        return
    used = _template(text).analyze(include_partials=False).filters
    if strange := [name for name in used if name not in _ENVIRONMENT.filters]:
        nearest = did_you_mean(strange[0], _ENVIRONMENT.filters).rstrip(".")
        raise TemplateError(f'The template "{_short(text)}" uses a filter that is not there, "{strange[0]}". {nearest}')


@lru_cache(maxsize=4096)
def template_references(text: str) -> frozenset[str]:
    """The dotted names that a template reads. Raises TemplateError when it cannot be read."""
    if not is_template(text):
        return frozenset()
    found = _template(text).analyze().globals
    return frozenset(_dotted(each.segments) for places in found.values() for each in places)


def _dotted(segments: Any) -> str:
    """The leading words of a path; an index or a nested path ends it."""
    words: list[str] = []
    for segment in segments:
        if not isinstance(segment, str):
            break
        words.append(segment)
    return ".".join(words)


@lru_cache(maxsize=4096)
def _template(text: str) -> BoundTemplate:
    if len(text) > MAX_TEMPLATE:
        raise TemplateError(f"The template has {len(text)} characters. Keep it under {MAX_TEMPLATE}.")
    try:
        return _ENVIRONMENT.from_string(text)
    except (LiquidError, RecursionError) as error:
        raise TemplateError(f'The template "{_short(text)}" cannot be read: {_reason(error)}.') from error


def _render_text(text: str, names: Mapping[str, Any]) -> str:
    template = _template(text)
    # ``today`` is shadowed because Liquid's own would read the clock.
    today = names["now"].date() if isinstance(names.get("now"), datetime) else None
    try:
        with one_rendering():
            return template.render({"today": today, **names})
    except (LiquidError, RecursionError, ArithmeticError, TypeError, ValueError) as error:
        raise TemplateError(f'The template "{_short(text)}" cannot be rendered: {_reason(error)}.') from error


def _reason(error: Exception) -> str:
    """The vendor's sentence, without its drawing of the place, and without values: only the author's words."""
    if isinstance(error, LiquidError):
        return str(error.args[0] if error.args else type(error).__name__).splitlines()[0].rstrip(".")
    too_deep = isinstance(error, RecursionError)
    return "it is nested too deep" if too_deep else "a filter got a value it cannot work with"


def _short(text: str, limit: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"

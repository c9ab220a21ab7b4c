"""Browsers by the names that people know."""

from __future__ import annotations

import pytest

from connector.web.admin.people.browsers import in_short

_APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140, Windows"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME}", "Chrome 140, Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0) {_CHROME} Edg/140.0", "Edge 140, Windows"),
        (f"Mozilla/5.0 (iPhone; like Mac OS X) {_APPLE} Version/18.0 Safari/604.1", "Safari 18, iPhone"),
        (f"Mozilla/5.0 (Linux; Android 15) {_CHROME}", "Chrome 140, Android"),
        ("curl/8.5", "curl/8.5"),
        ("", ""),
    ],
)
def test_a_browser_is_called_by_its_name_number_and_machine(agent: str, words: str) -> None:
    assert in_short(agent) == words

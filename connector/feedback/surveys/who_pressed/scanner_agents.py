"""Programs that say who they are: crawlers, link scanners and tools, by their ``User-Agent``.

The list is that of the package ``crawlerdetect``; beside it stand scanners of mail that it does not know. What such a
program says is believed only against it: nobody becomes a person by naming a browser.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from crawlerdetect import CrawlerDetect

LONGEST_AGENT = 512
"""Characters that are looked at."""

_MAIL_SCANNERS = re.compile(
    r"barracuda|proofpoint|mimecast|safelinks|forcepoint|symantec|messagelabs|trend ?micro|fireeye|trellix|"
    r"sophos|cloudmark|ironport|avanan|headless",
    re.IGNORECASE,
)

_TEXT_BROWSERS = re.compile(r"(?:lynx|w3m|e?links|edbrowse|netrik)\b", re.IGNORECASE)
"""People read with them, by braille and speech; some name the library they fetch with, which scanners use, too."""


def is_scanner(agent: str) -> bool:
    """Whether a ``User-Agent`` names a program that visits by itself. None at all says nothing."""
    return _is_scanner(agent[:LONGEST_AGENT])


@lru_cache(maxsize=2048)
def _is_scanner(text: str) -> bool:
    if not text.strip() or _TEXT_BROWSERS.match(text):
        return False
    return _MAIL_SCANNERS.search(text) is not None or bool(_list().is_crawler(text))


@cache
def _list() -> CrawlerDetect:
    """Made when first needed: its pattern takes a moment."""
    return CrawlerDetect()

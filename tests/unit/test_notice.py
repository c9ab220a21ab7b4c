"""NOTICE names what npm brings, as the lock has it."""

from __future__ import annotations

from tools import notice
from tools.npm_files import ROOT


def test_notice_is_what_the_lock_says() -> None:
    assert (ROOT / "NOTICE").read_text("utf-8") == notice.text(), "Run: python -m tools.notice"

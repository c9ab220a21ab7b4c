"""Which colours can be read on which: contrast by WCAG 2.2, and the nearest colour that has enough of it. Pure.

A colour is "#rrggbb".
"""

from __future__ import annotations

TEXT = 4.5
"""Contrast that text needs. Source: WCAG 2.2, 1.4.3."""
MARK = 3.0
"""Contrast that a button, a chosen number or a picture needs beside its ground. Source: WCAG 2.2, 1.4.11."""

WHITE, BLACK = "#ffffff", "#000000"
CARD, CARD_DARK = "#ffffff", "#1d2026"
"""What pages and mails are written on, in a light and in a dark room."""

_STEPS = 256


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21. Source: WCAG 2.2, "contrast ratio"."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def ink_on(ground: str) -> str:
    """White or black, whichever reads better on the ground; one of them always reads."""
    return max((WHITE, BLACK), key=lambda ink: contrast(ink, ground))


def readable(colour: str, on: str, *, towards: str = "", needs: float = TEXT) -> str:
    """The colour itself when it has the contrast that it ``needs`` on ``on``, else the nearest that has, on its way to
    ``towards`` (white or black, as the ground asks for)."""
    end = towards or ink_on(on)
    mixes = (mix(colour, end, share / _STEPS) for share in range(_STEPS + 1))
    return next((each for each in mixes if contrast(each, on) >= needs), end)


def mix(colour: str, other: str, share: float) -> str:
    """``share`` (0 to 1) of the other colour in the first."""
    pairs = zip(channels(colour), channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, each 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [_linear(channel / 255) for channel in channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)

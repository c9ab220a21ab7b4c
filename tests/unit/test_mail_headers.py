"""Header values: whatever the text, each word and each line is short enough, and nothing of the text is lost."""

from __future__ import annotations

import re
from email.header import decode_header, make_header
from email.headerregistry import Address

import pytest
from hypothesis import given
from hypothesis import strategies as some

from integrations.smtp import headers

WORD = re.compile(r"=\?utf-8\?[bq]\?[^?]*\?=")
TEXTS = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=400)
FAMILY = "👨\u200d👩\u200d👧\u200d👦"


def lines(name: str, value: str) -> list[str]:
    return f"{name}: {value}".split("\r\n")


def read(value: str) -> str:
    """As a mail program reads it: unfolded, then each word decoded by itself."""
    return str(make_header(decode_header(value.replace("\r\n", ""))))


def is_short_enough(line: str) -> bool:
    return len(line) <= (76 if WORD.search(line) else 78)


@given(TEXTS)
def test_any_text_arrives_as_it_is_in_short_lines(text: str) -> None:
    written = headers.text("Subject", text)
    assert written.isascii()
    assert all(map(is_short_enough, lines("Subject", written)))
    assert all(len(word) <= 75 for word in WORD.findall(written))
    assert all(line.startswith(" ") and line.strip() for line in lines("Subject", written)[1:])
    assert read(written) == text


@given(TEXTS)
def test_each_word_can_be_read_alone(text: str) -> None:
    words = WORD.findall(headers.text("Subject", text))
    assert "".join(map(read, words)) == (text if words else "")


@given(TEXTS.filter(str.strip), some.sampled_from(["jan@example.com", f"{'j' * 64}@{'a' * 63}.{'b' * 63}.example"]))
def test_any_name_arrives_beside_an_address_that_stays_plain(name: str, address: str) -> None:
    written = headers.people("To", Address(name, addr_spec=address))
    assert written.endswith(f"<{address}>")
    assert all(is_short_enough(line) for line in lines("To", written) if address not in line or len(address) < 60)
    if WORD.search(written):
        assert read(written.removesuffix(f"<{address}>").rstrip()) == name


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("How did Jan do?", "How did Jan do?"),
        ("", ""),
        ("word " * 15 + "end", "word " * 13 + "word\r\n word end"),
        ("=?utf-8?q?www=2Eevil=2Eexample?=", "=?utf-8?b?PT91dGYtOD9xP3d3dz0yRWV2aWw9MkVleGFtcGxlPz0=?="),
    ],
)
def test_plain_text_stays_plain_unless_it_would_be_read_otherwise(text: str, written: str) -> None:
    assert headers.text("Subject", text) == written


@pytest.mark.parametrize("text", ["x" * 500, FAMILY * 40, "e\u0301" * 100, "Ö" * 67, " a", "a  b", "a\tb", "ｗｗｗ"])
def test_long_words_and_joined_signs_arrive(text: str) -> None:
    assert read(headers.text("Subject", text)) == text


def test_several_people_are_told_apart() -> None:
    jan, eva = Address("Jansen, Jan", addr_spec="jan@example.com"), Address("", "eva", "b.example")
    written = headers.people("Reply-To", jan, eva)
    assert written == '"Jansen, Jan" <jan@example.com>,\r\n eva@b.example'


def test_what_programs_read_is_never_encoded() -> None:
    place = f"<https://feedback.example/u/{'t' * 300}>"
    assert headers.machine("List-Unsubscribe", place) == place
    assert headers.machine("List-Unsubscribe", "<https://bücher.example/u/t>") is None

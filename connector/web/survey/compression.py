"""Small on the wire: a page goes out as brotli or gzip, and to a browser that was here before as what it does not have.

The second is RFC 9842: once a page is shown, the browser fetches a *dictionary*, a file with all that pages have in
common, when it has nothing else to do. From then on it names the dictionary it keeps, and a page is sent as zstandard
over that. The page itself is still kept nowhere.

Secrets that are compressed together with what an attacker chose can be guessed from the length (BREACH). Here nobody
can choose anything: the only secret is the token in the address, whoever makes a browser ask for a page must know it
already, no cookie answers for it, and the page repeats nothing of an address but values that were checked against the
survey. What a person sends in a form comes back to that person alone.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache

import brotli
import zstandard
from flask import Request, Response

from connector.web.survey import assets
from connector.web.survey.assets import File

_SMALLEST = 200  # bytes; less is not worth the header
_TEXTS = ("text/", "image/svg+xml", "application/octet-stream")
_QUALITY = 5  # of brotli, for what is made for one person: a third of a millisecond, and a tenth larger than the best
_LEVEL = 6  # of zstandard
_DCZ_HEAD = b"\x5e\x2a\x4d\x18\x20\x00\x00\x00"
"""How a dictionary-compressed stream begins, before the dictionary's SHA-256. Source: RFC 9842, section 5."""


@lru_cache(maxsize=1)
def dictionary() -> File:
    """All that pages have in common."""
    return assets.named("pages.dat", assets.in_common().encode(), "application/octet-stream")


def compress(request: Request, response: Response) -> Response:
    """The response in the smallest form that the one who asks can read."""
    if response.is_streamed or not (response.mimetype or "").startswith(_TEXTS):
        return response
    response.vary.update(("Accept-Encoding", "Available-Dictionary"))
    coding = _chosen(request)
    if coding and len(response.get_data()) >= _SMALLEST:
        response.set_data(_CODINGS[coding](response.get_data()))
        response.headers["Content-Encoding"] = coding
    return response


def offer(response: Response, pages: str) -> Response:
    """Says of the dictionary for which addresses it is: ``pages`` is a pattern such as "/s/*"."""
    response.headers["Use-As-Dictionary"] = f'match="{pages}"'
    return response


def _chosen(request: Request) -> str:
    accepted = request.accept_encodings
    offered = ("dcz", "br", "gzip") if _has_dictionary(request) else ("br", "gzip")
    return next((each for each in offered if accepted[each] > 0), "")


def _has_dictionary(request: Request) -> bool:
    """Whether the browser keeps this very dictionary, as a structured field names it (RFC 8941, byte sequence)."""
    return request.headers.get("Available-Dictionary", "").strip() == f":{base64.b64encode(_digest()).decode()}:"


@lru_cache(maxsize=1)
def _digest() -> bytes:
    return hashlib.sha256(dictionary().content).digest()


@lru_cache(maxsize=1)
def _prepared() -> zstandard.ZstdCompressionDict:
    prepared = zstandard.ZstdCompressionDict(dictionary().content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    prepared.precompute_compress(level=_LEVEL)
    return prepared


def _over_dictionary(content: bytes) -> bytes:
    one_of_its_own = zstandard.ZstdCompressor(dict_data=_prepared(), write_content_size=False)  # threads may share none
    return _DCZ_HEAD + _digest() + one_of_its_own.compress(content)


def _brotli(content: bytes) -> bytes:
    if content == dictionary().content:
        return _best(content)
    return bytes(brotli.compress(content, quality=_QUALITY))


@lru_cache(maxsize=1)
def _best(content: bytes) -> bytes:
    """As small as brotli can; worth it for what is sent again and again."""
    return bytes(brotli.compress(content))


_CODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "dcz": _over_dictionary,
    "br": _brotli,
    "gzip": lambda content: gzip.compress(content, compresslevel=6, mtime=0),
}

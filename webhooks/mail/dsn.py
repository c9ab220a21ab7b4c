"""Reports of mail that was not delivered (RFC 3464): our own reading of them.

Which mail it was says the address that the report came to, and the id of the mail it returns; what the recipient's
server said is in the fields of its block. A report that a mail is late, was handed on or arrived is no bounce.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email import message_from_string
from email.message import Message

from webhooks.mail import status
from webhooks.mail.findings import Bounce, Finding, NothingToDo, Trail
from webhooks.mail.parts import Mail, clean, text_of, walk
from webhooks.mail.trail import trail_of

_REPORTS = ("message/delivery-status", "message/global-delivery-status")  # RFC 3464; RFC 6533 in UTF-8
_MOST_RECIPIENTS = 20
_HEX = re.compile(r"\+([0-9A-F]{2})")
_UNICODE = re.compile(r"\\x\{([0-9A-F]{2,6})\}")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")

Block = Mapping[str, str]
"""Field → value, the names in small letters."""


def read(mail: Mail) -> list[Finding] | None:
    """What the report says of each recipient who did not get the mail; None when the mail is no such report."""
    blocks = _blocks(mail)
    if not blocks:
        return None
    told = [block for block in blocks if _recipient(block) or "action" in block or "status" in block]
    failed = [block for block in told if _action(block) == "failed"]
    if not failed:
        return [NothingToDo(_other_than_failed(told))]
    trail = trail_of(mail)
    return [_bounce(block, trail) for block in failed[:_MOST_RECIPIENTS]]


def _bounce(block: Block, trail: Trail) -> Bounce:
    said = _diagnostic(block)
    told = _status(block)
    hard, cause = status.judge(told, said)
    return Bounce(trail, _recipient(block), hard, cause, told or status.code_in(said), said)


def _other_than_failed(told: list[Block]) -> str:
    action = next(filter(None, map(_action, told)), "")
    if action == "delayed":
        return "the mail is late; its server goes on trying, and tells when it gives up"
    return f"a report of a mail that was {action or 'not said to have failed'}"


def _action(block: Block) -> str:
    """Without one (some servers leave it out) the status says it: class 2 arrived, 4 is late, 5 failed."""
    action = block.get("action", "").split("(")[0].strip().lower()
    if action:
        return action.split()[0]
    return {"2": "delivered", "4": "delayed", "5": "failed"}.get(_status(block)[:1], "")


def _status(block: Block) -> str:
    found = _STATUS.search(block.get("status", ""))
    return found.group(0) if found else ""


def _diagnostic(block: Block) -> str:
    """The other server's words; without them, what ours says in a comment of the status: "5.1.1 (no such user)"."""
    _, _, said = block.get("diagnostic-code", "").partition(";")
    rest = said or block.get("diagnostic-code", "") or block.get("x-supplementary-info", "")
    return rest.strip()[:500] or block.get("status", "").partition(" ")[2].strip(" ()")[:500]


def _recipient(block: Block) -> str:
    """The final recipient, who is always told; the original one where the final is hidden or no mail address."""
    for name in ("final-recipient", "original-recipient"):
        kind, semicolon, address = block.get(name, "").partition(";")
        bare = (address if semicolon else kind).strip().strip("<>").strip()
        if "@" in bare:
            return _decoded(kind.strip().lower(), bare)[:320]
    return ""


def _decoded(kind: str, address: str) -> str:
    """xtext as RFC 3461, 4, writes it, and the escapes of RFC 6533, 3."""
    if kind == "utf-8":
        address = _UNICODE.sub(lambda found: _sign(found.group(1)), address)
    return _HEX.sub(lambda found: _sign(found.group(1)), address) if _is_xtext(address) else address


def _is_xtext(address: str) -> bool:
    """A + in an address is far more usual than xtext: it is one only where every + is followed by two digits of it, and
    what comes out is a sign that xtext must escape."""
    plain = address.count("+")
    return 0 < plain == len(_HEX.findall(address)) and all(
        each in {"2B", "3D"} or int(each, 16) < 33 for each in _HEX.findall(address)
    )


def _sign(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if 32 <= number < 0xD800 or 0xE000 <= number < 0x110000 else ""


def _blocks(mail: Mail) -> list[Block]:
    """The blocks of the first report in the mail: one of the mail as a whole, then one per recipient."""
    report = next((part for part in walk(mail) if part.get_content_type() in _REPORTS), None)
    return [] if report is None else [block for block in _parsed(report) if block]


def _parsed(report: Mail) -> Iterator[Block]:
    """Only the one type, and only unencoded, is taken apart by the library; the other it reads like a mail."""
    inside = report.get_payload()
    encoded = str(report.get("Content-Transfer-Encoding", "")).strip().lower()
    taken_apart = report.get_content_type() == _REPORTS[0] and encoded not in ("base64", "quoted-printable")
    if isinstance(inside, list) and taken_apart:
        yield from (_fields(each) for each in inside if isinstance(each, Message))
        return
    for block in re.split(r"\n[ \t]*\n", _whole(report, inside, encoded).strip()):
        yield _fields(message_from_string(block))


def _whole(report: Mail, inside: object, encoded: str) -> str:
    """The text of a report, decoded, where that is not allowed (RFC 2046, 5.2.1) and was encoded all the same."""
    if not isinstance(inside, list):
        return text_of(report)
    raw = b"\n\n".join(each.as_bytes() for each in inside if isinstance(each, Message))
    carrier = Message()
    carrier["Content-Transfer-Encoding"] = encoded or "8bit"
    carrier["Content-Type"] = "text/plain; charset=utf-8"
    carrier.set_payload(raw.decode("ascii", "surrogateescape").strip())
    return text_of(carrier)


def _fields(block: Message) -> Block:
    return {name.lower(): " ".join(clean(str(value)).split()) for name, value in block.items()}

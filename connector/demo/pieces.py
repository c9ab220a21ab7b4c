"""The small parts that steps are made of: mails, links, buttons and words."""

from __future__ import annotations

from connector.demo.outside import Letter
from connector.demo.records import Run
from connector.demo.scene import Scene
from connector.demo.values import Button, Link, Mail


def shown(scene: Scene, letter: Letter, *, is_open: bool = True) -> Mail:
    """A mail of the mail box, as the story shows it."""
    address = f"{scene.places.mail}/mails/{letter.number}/html" if letter.has_html else ""
    return Mail(
        letter.sender, letter.to, letter.subject, letter.at, address, "" if address else letter.text, is_open
    )


def ticket_link(scene: Scene, number: int) -> Link:
    """The ticket as an agent sees it."""
    return Link(
        f"See ticket #{number} in Zendesk", f"{scene.places.zendesk}/agent/tickets/{number}", outside=True
    )


def run_link(run: Run | None, text: str) -> Link:
    """The history of a run."""
    return Link(text, f"/admin/runs/{run.id if run else ''}")


def button(scene: Scene, text: str, move: str) -> Button:
    """Something the visitor does in this round."""
    return Button(text, f"/demo/journeys/{scene.journey.number}/{move}")


def sentences(*texts: str) -> tuple[str, ...]:
    """Those that say something."""
    return tuple(text for text in texts if text)


def plain(why: str) -> str:
    """A reason without its full stop, to go on with."""
    return why.rstrip(".")


def many(count: int, noun: str) -> str:
    """A number with its noun: 1 run, 2 runs."""
    return f"{count} {noun}{'s' * (count != 1)}"

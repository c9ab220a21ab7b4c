"""The tour: its rounds, what a visitor may do in them, and the player that does it for them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import requests

from connector.clock import Clock
from connector.demo import records, visitor
from connector.demo.cast import answers_of, second_answers_of
from connector.demo.outside import Outside, Sight
from connector.demo.records import Record
from connector.demo.scene import Scene, Turn, turn_of
from connector.demo.values import Customer, Journey, Path, Places
from connector.demo.visitor import NotAnsweredError
from connector.storage.engine.database import Database

log = logging.getLogger(__name__)

SOLVED = "Sorted it out with the customer."
CALLED_BACK = "Reached the customer by phone. Cause: slow replies. Apologised and made it good."
OUTAGE = timedelta(seconds=20)
_BETWEEN = 1.2  # seconds between two moves of the player: slow enough to follow
_LONGEST = timedelta(minutes=3)  # a round that is not over by then will not be

CustomerOf = Callable[[int], Customer]


class Tour:
    """``customer`` gives the n-th one, from 0. Threads may share a tour; close it to end its players."""

    def __init__(
        self,
        database: Database,
        outside: Outside,
        customer: CustomerOf,
        clock: Clock,
        between: float = _BETWEEN,
    ) -> None:
        self._database, self._outside, self._customer, self._clock = database, outside, customer, clock
        self._between = between
        self._guard, self._closing = threading.Lock(), threading.Event()
        self._journeys: list[Journey] = []
        self._players: dict[int, threading.Thread] = {}
        self._mended_at: datetime | None = None

    @property
    def places(self) -> Places:
        return self._outside.places

    @property
    def journeys(self) -> tuple[Journey, ...]:
        """All rounds, oldest first; the first one begins by itself."""
        with self._guard:
            if not self._journeys:
                self._begin(Path.LOOP)
            return tuple(self._journeys)

    def begin(self, path: Path) -> Journey:
        """The next customer writes to support. What is no plain loop is played at once."""
        with self._guard:
            journey = self._begin(path)
        if path is not Path.LOOP:
            self.play(journey)
        return journey

    def _begin(self, path: Path) -> Journey:
        number = len(self._journeys)
        customer = self._customer(number)
        journey = Journey(number + 1, path, customer, self._outside.write_in(customer.who))
        self._journeys.append(journey)
        return journey

    def scene(self, journey: Journey) -> Scene:
        """How the round stands, here and outside, at this moment."""
        sight = self._outside.look(
            journey.customer
        )  # first, so that what we say is never older than what is shown
        return Scene(
            journey, self._record(journey), sight, self.places, self._clock(), self.is_playing(journey)
        )

    def _record(self, journey: Journey) -> Record:
        customer = journey.customer
        known_as = (
            ("zendesk", customer.user_id), ("salesforce", customer.contact_id), ("email", customer.who.email),
        )  # fmt: skip
        with self._database.read() as tx:
            return records.of_customer(tx, known_as)

    def is_playing(self, journey: Journey) -> bool:
        with self._guard:
            player = self._players.get(journey.number)
        return player is not None and player.is_alive()

    def play(self, journey: Journey) -> None:
        """Do the visitor's turns of this round from now on, one after the other."""
        with self._guard:
            player = self._players.get(journey.number)
            if self._closing.is_set() or (player and player.is_alive()):
                return
            player = threading.Thread(
                target=self._play, args=(journey,), name=f"tour-{journey.number}", daemon=True
            )
            self._players[journey.number] = player
            player.start()

    def solve(self, journey: Journey) -> None:
        """The agent solves the customer's question, if it is still open."""
        self._take(journey, Turn.SOLVE)

    def solve_callback(self, journey: Journey) -> None:
        """The agent solves the callback ticket, if it is open."""
        self._take(journey, Turn.SOLVE_CALLBACK)

    def _take(self, journey: Journey, turn: Turn) -> None:
        scene = self.scene(journey)
        if turn_of(scene) is turn:
            self._move(scene, turn)

    def _move(self, scene: Scene, turn: Turn) -> None:
        match turn:
            case Turn.SOLVE:
                self._outside.solve(scene.journey.ticket, SOLVED)
            case Turn.REPEAT:
                self._repeat(scene)
            case Turn.ANSWER:
                self._answer(scene)
            case Turn.SOLVE_CALLBACK:
                self._outside.solve(scene.callback_ticket["id"], CALLED_BACK)
            case Turn.ANSWER_AGAIN:
                visitor.answer(scene.second_link, second_answers_of(scene.journey.customer.who))

    def _repeat(self, scene: Scene) -> None:
        if scene.solved:
            self._outside.repeat(scene.solved.key)

    def _answer(self, scene: Scene) -> None:
        path = scene.journey.path
        if path is Path.OUTAGE and self._mended_at is None:
            self._outside.break_zendesk()
            self._mended_at = self._clock() + OUTAGE
        score = 10 if path is Path.PROMOTER else 3
        visitor.answer(
            scene.link, answers_of(scene.journey.customer.who, score, consent=path is not Path.NO_CONSENT)
        )

    def _play(self, journey: Journey) -> None:
        """Until the story ends, the tour closes, or it has taken too long."""
        until = self._clock() + _LONGEST
        try:
            while not self._closing.wait(self._between) and self._clock() < until:
                scene = self.scene(journey)
                self._mend(scene.sight)
                turn = turn_of(scene)
                if turn is Turn.OVER and not scene.sight.is_down:
                    return
                self._move(scene, turn)
        except (requests.RequestException, NotAnsweredError) as error:
            log.warning("the tour stopped playing round %s: %s", journey.number, type(error).__name__)
        finally:
            self._mend(None)

    def _mend(self, sight: Sight | None) -> None:
        """End the outage when its time is over, or when nobody plays any longer (``sight`` None)."""
        if self._mended_at is not None and (sight is None or self._clock() >= self._mended_at):
            self._mended_at = None
            self._outside.mend_zendesk()

    def close(self) -> None:
        """Stop the players and wait for them."""
        self._closing.set()
        with self._guard:
            players = list(self._players.values())
        for player in players:
            player.join()

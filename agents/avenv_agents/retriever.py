"""The classical agent of FindFallen."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avenv.benchmark import AgentView
from avenv.core.frames import forward, wrap_angle
from avenv.tasks.actions import FORWARD, TURN_LEFT, TURN_RIGHT
from avenv_agents import listeners
from avenv_agents.acting import DoingAgent, DoingMind
from avenv_agents.hearing import SILENCE
from avenv_agents.heights import HeightMap
from avenv_agents.listeners import Walker
from avenv_agents.shapes import ANY_TOP, TABLES, is_table, may_have_fallen

LISTEN = 24
"""Actions in which it turns round first; what falls does so meanwhile, within five seconds."""
LOUDER = 2.0
"""By how much the pressure rises when something falls."""
CRASH = 5
"""Actions after it has begun in which a fall tells of its place; then there is only its echo."""
CLEAR_VIEW = 3.5
"""Metres at which pictures show small things."""
EVERY = 4
"""Actions after which it looks up anew what lies about."""
DEAR = 0.1
"""Log-likelihood that a second's walk must be worth."""
LIKELY = -4.0
"""Log-likelihood of a place, against the likeliest, at which it looks no further."""
ODD = 5.0
"""Log-likelihood that something loses which does not look as if it had fallen."""
ARMS = 0.5, 0.8
"""Metres from a thing at which to stand when picking it up."""
REACH, SIDE = 1.05, np.deg2rad(33)
"""Metres, and radians from straight ahead, within which hands may meet things."""
AIMED = np.deg2rad(22)
"""Radians from straight ahead within which they surely do."""
AT_TABLE = 0.25, 0.45
"""Metres from the edge of a table at which to stand when putting something on it."""
CLOSE, PUSHES = 0.3, 2
"""Metres from it up to which it then steps nearer, and steps."""
IN_HANDS = 0.35
"""Metres about the hands in which what is seen is held."""
SAME, TRIED = 0.4, 0.25
"""Metres within which two things are the same, and about what it tried that it tries no more."""
THERE = 0.2
"""Metres from where it wants to stand."""
PATIENCE = 100
"""Actions after which it tries from where it has got to."""


class _Mind(DoingMind):
    level_error = 8.0  # some things fall hard, others softly

    def __init__(self, walker: Walker):
        super().__init__(walker)
        self.explorer.appeal = self.promise
        self.heights = HeightMap(listeners.REACH)
        self.steps, self.age = 0, 0
        self.quiet = np.inf
        self.fell: int | None = None
        self.holds = False
        self.acted = ""
        self.aim: NDArray[np.float64] | None = None
        self.stand = np.zeros(2)
        self.table = np.zeros((1, 2))
        self.pushes = 0

    def promise(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return seconds that somebody walks farther to look at places (K, 2): by what it heard."""
        if self.holds or self.fell is None:
            return np.zeros(len(places))
        return self.belief.log_at(places) / DEAR

    def go_for(self, aim: NDArray[np.float64], stand: NDArray[np.float64]) -> None:
        """Take a place (2,) for the next to act at, and another to stand there."""
        self.aim, self.stand, self.headings = aim, stand, []
        self.age, self.pushes = 0, PUSHES

    def give_up(self) -> None:
        """Go for something else next."""
        if self.aim is not None:
            self.tried.append(self.aim)
        self.aim, self.headings = None, []

    def in_the_way(
        self, stands: NDArray[np.float64], headings: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Return how much furniture (K,) is before bodies that stand (K, 2) facing headings."""
        raised = self.heights.raised()
        to = (
            raised[np.linalg.norm(raised - stands.mean(axis=0), axis=1) < 3 * REACH]
            - stands[:, None]
        )
        aside = wrap_angle(np.arctan2(to[..., 1], to[..., 0]) - headings[:, None])
        return ((np.linalg.norm(to, axis=2) < REACH) & (np.abs(aside) < SIDE)).sum(axis=1)


class RetrieverAgent(DoingAgent[_Mind]):
    """Brings what has fallen to a table.

    It turns round until something has fallen, looks round the home, first where it heard that, and
    picks up what lies about there, from where no furniture is before it, on which there may be
    something else. It takes for a table what is even, and as high and large as tables are; if that
    was none, it picks up again what it has put there, and tries another.
    """

    sensors: ClassVar[tuple[str, ...]] = ("audio", "depth", "contact", "pose")
    mind = _Mind

    def __init__(self, envs: AgentView):
        super().__init__(envs)
        self._hands = np.array(envs.body.hands[:2])

    def step(self, mind: _Mind, seen: dict[str, NDArray]) -> int:
        """Take in what a body observes now, but for what it holds, and return its next action."""
        self._take_note(mind, bool(seen["contact"][0]))
        if mind.holds:
            seen = {**seen, "depth": self.camera.without(seen["depth"], self._hands, IN_HANDS)}
        return super().step(mind, seen)

    def look(self, mind: _Mind, depth: NDArray[np.float32]) -> None:
        """Take in what is seen of the floor, and how high all else is."""
        super().look(mind, depth)
        points = self.camera.points(depth, far=CLEAR_VIEW)
        mind.heights.raise_to(mind.walker.placed(points[:, :2]), points[:, 2])

    def listen(self, mind: _Mind, audio: NDArray[np.float32]) -> None:
        """Take in the sound of a fall; what else there is to hear tells nothing."""
        pressure = float(np.sqrt(np.mean(self.recent(audio) ** 2)))
        if mind.fell is None and pressure > max(LOUDER * mind.quiet, 3 * SILENCE):
            mind.fell = mind.steps
        if mind.fell is not None and mind.steps < mind.fell + CRASH:
            super().listen(mind, audio)
        mind.quiet = pressure

    def decide(self, mind: _Mind, seen: dict[str, NDArray]) -> int:
        """Look round until something lies there that may have fallen; pick it up; find a table."""
        self.look(mind, seen["depth"])
        mind.steps += 1
        if mind.steps >= LISTEN and mind.steps % EVERY == 0 and not mind.headings:
            self._choose(mind)
        action = None if mind.aim is not None else mind.explorer.next_action()
        if mind.aim is None and action is None:
            self._choose(mind)
            action = self.wait if mind.aim is None else None
        return self._act(mind) if action is None else action

    def _take_note(self, mind: _Mind, failed: bool) -> None:
        """Understand what came of an act."""
        acted, mind.acted = mind.acted, ""
        if not acted or (failed and mind.headings):
            return
        mind.give_up()
        if not failed:
            mind.holds = acted == "pick"
        if acted == "put" and not failed:  # and still the episode goes on: it was no table
            walker = mind.walker
            mind.go_for(walker.position + self._hands[0] * forward(walker.heading), walker.position)
            mind.headings = [walker.heading]

    def _act(self, mind: _Mind) -> int:
        """Return the next action of a body that picks something up, or puts it down."""
        mind.age += 1
        if not mind.headings:
            far = np.linalg.norm(mind.stand - mind.walker.position) > THERE
            if far and mind.age < PATIENCE:
                return mind.walker.towards(mind.stand)
            mind.headings = self._headings(mind)
        error = float(wrap_angle(mind.headings[0] - mind.walker.heading))
        if abs(error) > 0.6 * self.turn:
            return TURN_LEFT if error > 0 else TURN_RIGHT
        if mind.holds and mind.pushes and _nearest(mind.table, mind.walker.position) > CLOSE:
            mind.pushes -= 1
            return FORWARD
        mind.headings.pop(0)
        mind.acted = "put" if mind.holds else "pick"
        return self.actions[mind.acted]

    def _headings(self, mind: _Mind) -> list[float]:
        """Return the headings at which to try, that which bears least risk first."""
        assert mind.aim is not None
        to = mind.aim - mind.walker.position
        straight = float(np.arctan2(to[1], to[0]))
        turns = self.turn * np.arange(-12, 13) + mind.walker.heading
        off = np.abs(wrap_angle(turns - straight))
        turns, off = turns[off < AIMED], off[off < AIMED]
        if not mind.holds:
            places = np.broadcast_to(mind.walker.position, (len(turns), 2))
            off = off + mind.in_the_way(places, turns)
        return turns[np.argsort(off, kind="stable")].tolist()

    def _choose(self, mind: _Mind) -> None:
        """Decide what to go for, as far as is known by now."""
        if not mind.holds:
            self._choose_thing(mind)
        elif mind.aim is None:
            self._choose_table(mind)

    def _choose_thing(self, mind: _Mind) -> None:
        """Go for the small thing that most probably has fallen; in the end for any place."""
        everywhere = mind.explorer.has_seen_all
        things = [t for t in mind.heights.things() if everywhere or may_have_fallen(t)]
        things = [t for t in things if mind.untried(t.place, TRIED)]
        places = np.array([t.place for t in things]).reshape(-1, 2)
        if mind.aim is not None and not everywhere:  # nearer by, it may look otherwise
            if not (np.linalg.norm(places - mind.aim, axis=1) < SAME).any():
                mind.aim = None
        elif len(places):
            odd = np.array([0.0 if may_have_fallen(t) else ODD for t in things])
            log = mind.belief.log_at(places) - odd
            best = int(np.argmax(log - DEAR * mind.walker.seconds_to(places)))
            if everywhere or log[best] > LIKELY:
                mind.go_for(places[best], self._beside(mind, places[best]))
        elif everywhere:
            places = mind.belief.places()
            place = mind.belief.best(
                mind.explorer.is_near_floor(places) & mind.untried(places, TRIED)
            )
            mind.go_for(place, mind.explorer.standing(place))

    def _beside(self, mind: _Mind, place: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where to stand for a thing (2,) so that hands meet nothing else."""
        room = mind.explorer.room()
        away = np.linalg.norm(room - place, axis=1)
        room = room[(away > ARMS[0]) & (away < ARMS[1])]
        if len(room) == 0:
            return mind.explorer.standing(place)
        to = place - room
        cost = mind.in_the_way(room, np.arctan2(to[:, 1], to[:, 0])) + mind.walker.seconds_to(room)
        return room[np.argmin(cost)]

    def _choose_table(self, mind: _Mind) -> None:
        """Go for the nearest of the likeliest tables."""
        room = mind.explorer.room()
        for sort in TABLES + ((ANY_TOP,) if mind.explorer.has_seen_all else ()):
            best = float(PATIENCE)
            for top in mind.heights.tops(sort.low, sort.high, sort.least):
                if not (is_table(top, sort) and mind.untried(top.cells, SAME).all()):
                    continue
                away = np.linalg.norm(room[:, None] - top.cells, axis=2).min(axis=1)
                beside = room[(away > AT_TABLE[0]) & (away < AT_TABLE[1])]
                seconds = mind.walker.seconds_to(beside)
                if len(beside) and seconds.min() < best:
                    best, stand = float(seconds.min()), beside[np.argmin(seconds)]
                    near = np.linalg.norm(top.cells - stand, axis=1) < REACH
                    mind.go_for(top.cells[near].mean(axis=0), stand)
                    mind.table = top.cells
            if mind.aim is not None:
                return


def _nearest(places: NDArray[np.float64], place: NDArray[np.float64]) -> float:
    """Return how far the nearest of places (K, 2) is, metres."""
    return float(np.linalg.norm(places - place, axis=1).min())

"""An episode of results, played again moment by moment: seen, heard, and what the agent thought.

The actions are those that were written down. Where the agent is at hand and says what it thinks
(``explain``, see ``avenv.benchmark.agent.AgentFactory``), it is shown the same again and asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from PIL import Image

from avenv.benchmark.agent import AgentFactory
from avenv.benchmark.impaired import Impaired
from avenv.benchmark.player import EXPECTED, AgentError, Crew
from avenv.benchmark.replay import staged
from avenv.benchmark.results import Results, set_of
from avenv.envs.vector import BatchEnv
from avenv.play.captions import captions
from avenv.play.pictures import Pictures
from avenv.play.sound import as_pcm
from avenv.simulation.eyes import things_about
from avenv.simulation.guests import looks_of
from avenv.simulation.world import World

SIZE = (480, 360)
"""(width, height) of the pictures."""

MOST = 5000
"""Moments that are kept; what comes later is not shown, and the page says so."""

_BELIEF = (170, 51, 119)  # purple, which no floor or wall of the plan has
_KNOWN = (20, 60, 160)
_ANY_SIZE = 1e9  # seconds a picture may take: its size stays


@dataclass(frozen=True)
class Moment:
    """What is to be seen and heard after so many actions.

    Attributes:
        step: actions so far.
        told: the rest as JSON has it: ``action``, ``again`` (what the agent did now, where it was
            asked and did otherwise), ``reward``, pose, sources, marks, captions, metrics, and what
            it thought: ``numbers``, ``probability``, ``directions`` and ``maps``, as PNG.
        picture: JPEG.
        heard: 16-bit stereo, interleaved, since the moment before.
        world: in which it is, as things are then.
    """

    step: int
    told: Mapping[str, Any]
    picture: bytes
    heard: bytes
    world: World


@dataclass
class Past:
    """One episode of results.

    Args:
        results: as ``read_results`` returns them.
        number: of the episode.
        agent: makes the agent that is asked what it thinks; None: nobody is asked.

    Raises:
        ValueError: there is no such episode, or its set is not here.
    """

    results: Results
    number: int
    agent: AgentFactory | None = None
    record: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        records = {record["number"]: record for record in self.results.episodes}
        if self.number not in records:
            known = f"{min(records)} to {max(records)}" if records else "none"
            raise ValueError(
                f"episode is {self.number}; accepted: those of {self.results.name}: {known}"
            )
        self.record = records[self.number]
        trials, self._options = staged(self.results)
        self._trial = next(trial for trial in trials if trial.number == self.number)
        self._envs = self._make_envs()
        self._envs.batch.reset([0], {0: self._trial.begin(self._envs.batch)})
        self._pictures = Pictures(_ANY_SIZE, SIZE)

    def about(self) -> dict[str, Any]:
        """Return what is known before it begins, as JSON has it."""
        settings = self._envs.settings
        names = self._envs.action_names
        return {
            "agent": self.results.name,
            "task": self.results.heading["task"],
            "episode": self.record.get("id", self.number),
            "scene": self.record["scene"],
            "instruction": str(self._envs.batch.setting()["instruction"][0]),
            "actions": list(names),
            "steps": min(len(self.record["actions"]), MOST),
            "left_out": max(len(self.record["actions"]) - MOST, 0),
            "rate": settings.sample_rate,
            "step": settings.step_samples,
            "metrics": _plain(self.record["metrics"]),
            "error": self.record.get("error", ""),
            "asked": self.agent is not None,
        }

    def moments(self) -> Iterator[Moment]:
        """Yield all moments, from the beginning; once only.

        Raises:
            AgentError: the agent that was asked has failed.
        """
        batch, active = self._envs.batch, np.array([True])
        crew, reward = self._make_crew(), np.zeros(1)
        yield self._moment(0, None, 0.0)
        for step, action in enumerate(self.record["actions"][:MOST], 1):
            again = None if crew is None else self._ask(crew, active, reward, step)
            thought = {} if crew is None else crew.explain(0)
            done = batch.check_actions(np.array([action]))
            reward = batch.step(done, active).reward
            own = None if again is None or np.array_equal(again, done[0]) else again
            yield self._moment(step, done[0], float(reward[0]), own, thought)

    def _make_envs(self) -> BatchEnv:
        heading = self.results.heading
        senses = dict(heading["senses"])
        changed = self.agent.rules if isinstance(self.agent, Impaired) else {}
        sensors = tuple(senses.pop("sensors", ())) if self.agent else ()
        if self.agent is None:  # ears of a person's
            senses = {k: v for k, v in senses.items() if k in ("sample_rate", "hrtf", "window")}
        names = tuple(dict.fromkeys((*sensors, "audio")))
        return BatchEnv(
            heading["task"], 1, autoreset_mode=AutoresetMode.DISABLED,
            **{"scenes": self._trial.place, **self._options, **senses, **changed},
            sensors=names,
        )  # fmt: skip

    def _make_crew(self) -> Crew | None:
        if self.agent is None:
            return None
        found = set_of(self.results)
        crew = Crew(self.agent, self._envs, found is not None and found.previous_reward)
        crew.reset(0, self._trial.seed)
        return crew

    def _ask(self, crew: Crew, active: NDArray, reward: NDArray, step: int) -> NDArray:
        """Return what the agent would do now."""
        try:
            return crew.act(active, reward)[0]
        except EXPECTED as error:
            raise AgentError(
                f"the agent, asked again, failed at its action {step}: {type(error).__name__}: "
                f"{error}; accepted: --no-explain"
            ) from error

    def _moment(
        self, step: int, action: Any, reward: float, again: Any = None,
        thought: Mapping[str, NDArray] | None = None,
    ) -> Moment:  # fmt: skip
        batch = self._envs.batch
        simulator, state = batch.simulator, batch.simulator.state
        world, heading = state.here[0], float(state.heading[0])
        (x, y), time = state.position[0].tolist(), float(state.time[0])
        scene = world.prepared_for("raster", looks=looks_of(state.emitters(0)))
        things = things_about(scene, state, 0)
        picture = self._pictures.draw(scene, state.eyes()[0], heading, 0.0, things)
        emitters = [(e.object or e.sound.kind, e) for e in state.emitters(0)]
        sounding = [(n, e.at(time)) for n, e in emitters if e.is_sounding(int(state.clock[0]))]
        told = {
            "action": None if action is None else named(action, self._envs.action_names),
            "again": None if again is None else named(again, self._envs.action_names),
            "reward": round(reward, 4),
            "x": x, "y": y, "heading": heading,
            "sources": [{"name": name, "x": at[0], "y": at[1]} for name, at in sounding],
            "marks": [{"x": float(mark[0]), "y": float(mark[1])} for mark in batch.task.marks(0)],
            "captions": captions(emitters, state),
            "metrics": _plain({k: v[0] for k, v in batch.task.metrics().items()}),
            "answer": str(batch.setting().get("answer", ("",))[0]),
            **_thoughts(thought or {}, state.origin[0]),
        }  # fmt: skip
        block = simulator.window(0)[:, -simulator.settings.step_samples :]
        ears = block if len(block) == 2 else np.repeat(block[:1], 2, axis=0)
        return Moment(step, told, picture, as_pcm(ears), world)


def check_same(one: Past, other: Past) -> None:
    """Raise ``ValueError`` unless two pasts are of one episode, in which time passes alike."""
    for what in ("task", "set"):
        first, second = (_told_of(past.results.heading.get(what)) for past in (one, other))
        if first != second:
            raise ValueError(f"the {what} is {first} in the first results, {second} in the other")
    mine, theirs = (past.record.get("episode") for past in (one, other))
    if mine != theirs:
        raise ValueError(f"the episodes {one.number} of the two results are different ones")
    steps = [(p.about()["step"] / p.about()["rate"]) for p in (one, other)]
    if not np.isclose(*steps):
        raise ValueError(f"a step takes {steps[0]:g} s in the first results, {steps[1]:g} s in "
                         "the other")  # fmt: skip


def _told_of(value: Any) -> Any:
    return f"{value['name']} {value['hash'][:8]}" if isinstance(value, Mapping) else value


def named(action: Any, names: tuple[str, ...]) -> str:
    """Return an action in words: its name, or its components with theirs."""
    if np.ndim(action) == 0:
        return names[int(action)]
    return ", ".join(f"{name} {value:.2g}" for name, value in zip(names, action, strict=True))


def _plain(numbers: Mapping[str, Any]) -> dict[str, float | None]:
    """Return numbers as JSON has them."""
    return {k: round(float(v), 4) if np.isfinite(v) else None for k, v in numbers.items()}


def _thoughts(thought: Mapping[str, NDArray], origin: NDArray[np.float64]) -> dict[str, Any]:
    """Return what an agent thought in one row, sorted by what can be shown of it."""
    reach = float(thought.get("reach", 0.0))
    numbers, directions, maps = {}, {}, {}
    for name, value in thought.items():
        array = np.asarray(value)
        if array.ndim == 0 and name != "reach":
            numbers[name] = float(array)
        elif array.ndim == 1 and name != "probability":
            directions[name] = np.round(array / max(array.sum(), 1e-12), 4).tolist()
        elif array.ndim == 2 and reach > 0:
            maps[name] = map_png(array)
    probability = np.round(thought.get("probability", np.zeros(0)), 4).tolist()
    frame = {"reach": reach, "origin": origin.tolist()} if maps else {}
    return {
        "numbers": _plain(numbers), "probability": probability, "directions": directions,
        "maps": maps, "frame": frame,
    }  # fmt: skip


def map_png(values: NDArray) -> bytes:
    """Return a map (N, N) by y and x as PNG, y up: the more there is, the less transparent.

    What is marked is blue; what is believed purple, by the square root of its share of the most,
    so that faint beliefs are still seen.
    """
    marked = values.dtype == bool
    share = values / max(float(values.max()), 1e-12) if not marked else values
    alpha = np.round(255 * 0.8 * np.sqrt(np.clip(share, 0, 1)))
    picture = np.empty((*values.shape, 4), np.uint8)
    picture[..., :3] = _KNOWN if marked else _BELIEF
    picture[..., 3] = alpha
    file = BytesIO()
    Image.fromarray(picture[::-1]).save(file, "PNG")
    return file.getvalue()

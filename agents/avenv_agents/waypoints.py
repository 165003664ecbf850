"""AV-WaN: a policy sets waypoints on maps that it draws, and a planner walks there.

Chen et al. 2021, "Learning to Set Waypoints for Audio-Visual Navigation". The policy sees a
geometric map of what depth pictures have shown, an acoustic map of how loud it was where, and the
spectrogram; it names one of 9 × 9 places around the body, half a metre apart, that no obstacle is
known at. A planner takes up to ten actions of the environment to get there; the place where the
body stands means to stop. Ways are found by fast marching here, on a graph there.

``Navigator`` draws and walks, in one row. ``WaypointEnvs`` are environments whose actions are
waypoints, for training; ``WaypointAgent`` acts in ordinary ones.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from avenv.benchmark import AgentView
from avenv.core.frames import body_rotation
from avenv.envs.vector import BatchEnv
from avenv.tasks.actions import FORWARD, STOP, TURN_LEFT, TURN_RIGHT
from avenv_agents.decision import decide
from avenv_agents.mapping import CellMap, DepthCamera, ObstacleMap, steer
from avenv_agents.policy import MASK, PREVIOUS, Policy, as_tensors

MAPS = ("geometric_map", "acoustic_map")
"""Observations, and encoders of them, that a policy which sets waypoints has."""
SENSORS = ("depth", "spectrogram", "pose")
"""That a navigator needs."""

REACH = 25.0
"""Metres around the start that maps cover."""
GEOMETRIC_CELLS, GEOMETRIC_CELL = 200, 0.1
ACOUSTIC_CELLS, ACOUSTIC_CELL = 20, 0.5
ACTION_CELLS, ACTION_CELL = 9, 0.5
"""Cells across, and their sides in metres."""
MOST_STEPS = 10
"""Actions of the environment after which the policy is asked again."""
ARRIVED = 0.2
"""Metres from a waypoint at which it is reached."""


def _around(cells: int, side: float) -> NDArray[np.float64]:
    """Return the centres (cells, cells, 2), metres ahead and to the left of the body; the farthest
    ahead come first, and of these that farthest to the left."""
    offsets = ((cells - 1) / 2 - np.arange(cells)) * side
    return np.stack(np.meshgrid(offsets, offsets, indexing="ij"), axis=-1)


_GEOMETRIC, _ACOUSTIC = (
    _around(GEOMETRIC_CELLS, GEOMETRIC_CELL),
    _around(ACOUSTIC_CELLS, ACOUSTIC_CELL),
)
_ACTIONS = _around(ACTION_CELLS, ACTION_CELL).reshape(-1, 2)
WAYPOINTS = np.concatenate([[[0.0, 0.0]], np.delete(_ACTIONS, len(_ACTIONS) // 2, axis=0)])
"""(81, 2) metres ahead and to the left of the body, by action; the first is where it stands."""


class Navigator:
    """What one body has drawn of its surroundings, and its way to a waypoint.

    Args:
        camera: that took the depth pictures.
        stride: metres of a step.
        turn: radians of a turn.

    Attributes:
        goal: (2,) waypoint in the frame of the start; None: the policy is to be asked.
    """

    def __init__(self, camera: DepthCamera, stride: float, turn: float):
        self._camera, self._stride, self._turn = camera, stride, turn
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._obstacles, self._seen = ObstacleMap(REACH), CellMap(REACH)
        self._loudness: dict[tuple[int, int], list[float]] = {}
        self._position, self._heading = np.zeros(2), 0.0
        self._action = STOP
        self.goal: NDArray[np.float64] | None = None
        self._left = 0

    def see(self, observation: Mapping[str, NDArray]) -> None:
        """Draw what is observed (one row's ``SENSORS``) into the maps."""
        before, pose = self._position, observation["pose"]
        self._position, self._heading = pose[:2].astype(np.float64), float(pose[2])
        rotation = body_rotation(self._heading)[:2, :2]
        if self._action == FORWARD and np.linalg.norm(self._position - before) < self._stride / 4:
            ahead = self._position + 1.2 * self._stride * rotation[:, 0]
            self._obstacles.add(ahead[None])
            self.goal = None
        depth = observation["depth"][..., 0]
        self._obstacles.add(self._position + self._camera.obstacles(depth) @ rotation.T)
        self._seen.add(self._position + self._camera.floor(depth) @ rotation.T)
        cell = tuple(np.floor(self._position / ACOUSTIC_CELL).astype(int).tolist())
        self._loudness.setdefault(cell, []).append(float(observation["spectrogram"].mean()))
        if self.goal is not None:
            arrived = np.linalg.norm(self._position - self.goal) < ARRIVED
            if arrived or self._left == 0:
                self.goal = None

    def maps(self) -> dict[str, NDArray]:
        """Return the maps as the body sees them, itself in the middle and facing up.

        ``geometric_map`` (200, 200, 2) uint8: solid, and seen or solid; ``acoustic_map``
        (20, 20, 1) float32: how loud it was where it has been, else 0; ``action_mask`` (81,) int8:
        1 at waypoints that nothing is known to stand at.
        """
        solid = self._obstacles.marked(self._placed(_GEOMETRIC))
        seen = self._seen.marked(self._placed(_GEOMETRIC))
        geometric = np.stack([solid, solid | seen], axis=-1).astype(np.uint8)
        cells = np.floor(self._placed(_ACOUSTIC) / ACOUSTIC_CELL).astype(int)
        acoustic = np.zeros((ACOUSTIC_CELLS, ACOUSTIC_CELLS, 1), np.float32)
        for cell, levels in self._loudness.items():
            acoustic[(cells == cell).all(-1)] = np.mean(levels)
        free = ~self._obstacles.marked(self._placed(WAYPOINTS))
        free[0] = True
        return {"geometric_map": geometric, "acoustic_map": acoustic, MASK: free.astype(np.int8)}

    def aim(self, action: int) -> None:
        """Take up a waypoint."""
        self._left = MOST_STEPS
        self.goal = self._placed(WAYPOINTS[action]) if action else None
        self._stops = action == 0

    def act(self) -> int:
        """Return the next action of the environment on the way to the waypoint."""
        if self._stops:
            self._action = STOP
            return STOP
        assert self.goal is not None
        self._left -= 1
        self._obstacles.aim(self.goal, self._position)
        turns = steer(self._obstacles, self._position, self._heading, self._stride, self._turn)
        self._action = FORWARD if turns == 0 else TURN_LEFT if turns > 0 else TURN_RIGHT
        return self._action

    def _placed(self, around: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places (..., 2) relative to the body in the frame of the start."""
        return self._position + around @ body_rotation(self._heading)[:2, :2].T


def navigators(envs: AgentView | BatchEnv) -> list[Navigator]:
    """Return a navigator for each row of environments.

    Raises:
        ValueError: a sensor is missing.
    """
    settings, options = envs.settings, envs.task_options
    if missing := [name for name in SENSORS if name not in settings.names]:
        raise ValueError(
            f"sensors are {list(settings.names)}; waypoints need {', '.join(SENSORS)}, and "
            f"{', '.join(missing)} is missing"
        )
    height = envs.body.eye_height
    camera = DepthCamera(settings.image_size, np.deg2rad(settings.hfov), height)
    turn = np.deg2rad(options.turn_angle)
    return [Navigator(camera, options.forward_step, turn) for _ in range(envs.num_envs)]


def with_maps(space: spaces.Dict) -> spaces.Dict:
    """Return a space of observations with what ``Navigator.maps`` adds."""
    maps: dict[str, spaces.Space[Any]] = {
        "geometric_map": spaces.Box(0, 1, (GEOMETRIC_CELLS, GEOMETRIC_CELLS, 2), np.uint8),
        "acoustic_map": spaces.Box(0, np.inf, (ACOUSTIC_CELLS, ACOUSTIC_CELLS, 1), np.float32),
        MASK: spaces.Box(0, 1, (len(WAYPOINTS),), np.int8),
    }
    return spaces.Dict({**space.spaces, **maps})


class WaypointEnvs:
    """E environments whose actions are waypoints; a finished row begins anew within the step.

    What a step brings is the sum of what its actions bring.

    Args:
        num_envs: E.
        **options: see ``BatchEnv``.
    """

    autoreset_mode = AutoresetMode.SAME_STEP

    def __init__(self, num_envs: int, **options: Any):
        self._envs = BatchEnv(num_envs=num_envs, autoreset_mode=self.autoreset_mode, **options)
        self.num_envs, self.batch = num_envs, self._envs.batch
        space = self._envs.single_observation_space
        assert isinstance(space, spaces.Dict)
        self.single_observation_space = with_maps(space)
        self.single_action_space = spaces.Discrete(len(WAYPOINTS))
        self._navigators = navigators(self._envs)

    def reset(self, *, seed: int) -> tuple[dict[str, NDArray], dict[str, Any]]:
        """Begin an episode in every row."""
        observation, info = self._envs.reset(seed=seed)
        return self._begun(observation, range(self.num_envs)), info

    def step(self, actions: NDArray) -> tuple:
        """Walk to waypoints (E,), as ``BatchEnv.step``."""
        for navigator, action in zip(self._navigators, actions, strict=True):
            navigator.aim(int(action))
        reward, active = np.zeros(self.num_envs), np.ones(self.num_envs, bool)
        terminated, truncated = np.zeros((2, self.num_envs), bool)
        while active.any():
            rows = np.flatnonzero(active).tolist()
            taken = np.full(self.num_envs, TURN_LEFT)
            taken[rows] = [self._navigators[row].act() for row in rows]
            outcome = self.batch.step(taken, active)
            reward += outcome.reward
            terminated |= outcome.terminated
            truncated |= outcome.truncated
            observation = self.batch.observe()
            for row in rows:
                self._navigators[row].see(_row(observation, row))
            going = np.array([navigator.goal is not None for navigator in self._navigators])
            active &= going & ~(terminated | truncated)
        observation = self._drawn(observation)
        info: dict[str, Any] = dict(self.batch.info())
        done = terminated | truncated
        if done.any():
            rows = np.flatnonzero(done).tolist()
            final = np.full(self.num_envs, None, object)
            for row in rows:
                final[row] = _row(observation, row)
            self.batch.reset(rows)
            observation = self._begun(self.batch.observe(), rows)
            info = {**self.batch.info(), "final_obs": final, "final_info": info}
        return observation, reward, terminated, truncated, info

    def oracle_actions(self) -> NDArray:
        """Raise ``ValueError``: nobody says which waypoints are the best."""
        raise ValueError("waypoints have no oracle; accepted: the method 'ppo'")

    def close(self) -> None:
        """Close the environments."""
        self._envs.close()

    def _begun(self, observation: dict[str, NDArray], rows: Any) -> dict[str, NDArray]:
        for row in rows:
            self._navigators[row].reset()
            self._navigators[row].see(_row(observation, row))
        return self._drawn(observation)

    def _drawn(self, observation: dict[str, NDArray]) -> dict[str, NDArray]:
        maps = [navigator.maps() for navigator in self._navigators]
        return {**observation, **{name: np.stack([m[name] for m in maps]) for name in maps[0]}}


class WaypointAgent:
    """Acts by a policy that sets waypoints: asks it when the last one is reached or given up.

    Args:
        envs: the environments it acts in, with ``SENSORS``.
        policy: as ``load_checkpoint`` returns it.

    Raises:
        ValueError: a sensor is missing.
    """

    def __init__(self, envs: AgentView | BatchEnv, policy: Policy):
        rows = envs.num_envs
        self._policy = policy
        self._navigators = navigators(envs)
        self._memory, self._previous = policy.initial(rows), np.zeros(rows, np.int64)
        self._begun = np.ones(rows, bool)
        self._random = [np.random.default_rng(row) for row in range(rows)]

    def reset(self, row: int, seed: int) -> None:
        """Forget the past of one row and restart its random stream."""
        self._navigators[row].reset()
        self._begun[row] = True
        self._random[row] = np.random.default_rng((seed, 1))

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return an action for each row (E,)."""
        for row, navigator in enumerate(self._navigators):
            navigator.see(_row(observation, row))
            if navigator.goal is None:
                self._ask(row, observation)
        return np.array([navigator.act() for navigator in self._navigators])

    @torch.no_grad()
    def _ask(self, row: int, observation: dict[str, NDArray]) -> None:
        seen = _row(observation, row) | self._navigators[row].maps()
        seen[PREVIOUS] = self._previous[row]
        once = {name: np.asarray(value)[None] for name, value in seen.items()}
        some = slice(row, row + 1)
        logits, _, memory = self._policy.step(
            as_tensors(once, [*self._policy.reads, *self._policy.added]),
            self._memory[some],
            torch.from_numpy(self._begun[some]),
        )
        self._memory[some] = memory
        decision = self._policy.config.decision
        action = int(decide(logits.numpy(), decision, self._random[some])[0])
        self._begun[row], self._previous[row] = False, action
        self._navigators[row].aim(action)


def _row(observation: Mapping[str, NDArray], row: int) -> dict[str, NDArray]:
    return {name: value[row] for name, value in observation.items()}

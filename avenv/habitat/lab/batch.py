"""avenv's environment behind a configuration of habitat-lab's simulator."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from habitat.config.default import get_agent_config
from omegaconf import DictConfig, OmegaConf

from avenv.envs.batch import Batch
from avenv.envs.env import FOREVER
from avenv.habitat.lab.sensors import mount
from avenv.simulation.body import Body

_TAKEN = ("sensors", "cameras", "image_size", "hfov", "forward_step", "turn_angle",
          "max_episode_steps")  # fmt: skip
_NOTHING = ("contact",)  # an environment has at least one sensor


def make_batch(config: Any, blind: bool = False) -> Batch:
    """Return the environment that a configuration of the simulator describes.

    Args:
        config: an ``AvenvSimulatorConfig``.
        blind: without its sensors, to make up episodes.

    Raises:
        ValueError: an option or a sensor is unknown or out of range.
        SceneError, SoundError: a scene or sound cannot be used.
    """
    if len(config.agents) != 1:
        raise ValueError(f"simulator.agents has {sorted(config.agents)}; accepted: one agent")
    agent = get_agent_config(config)
    mounted = mount(agent.sim_sensors)
    options = _plain(getattr(config, "options", {}))
    for name in _TAKEN:
        if name in options:
            raise ValueError(
                f"simulator.options has {name!r}; accepted: in Habitat's own fields, as "
                "sim_sensors, forward_step_size and turn_angle"
            )
    body = {"radius": agent.radius, "height": agent.height, "step": agent.max_climb}
    if mounted.cameras:
        eyes = mounted.cameras[0].position[2]
        body |= {"eye_height": eyes, "ear_height": eyes}
    given = options.pop("body", {})
    body |= dataclasses.asdict(given) if isinstance(given, Body) else given
    return Batch(
        config.task,
        1,
        sensors=_NOTHING if blind else mounted.names or (() if mounted.cameras else _NOTHING),
        cameras=() if blind else mounted.cameras,
        forward_step=float(config.forward_step_size),
        turn_angle=float(config.turn_angle),
        max_episode_steps=FOREVER,
        body=body,
        **options,
    )


def _plain(node: Any) -> dict[str, Any]:
    """Return options as plain data, with tuples where YAML has lists."""
    data = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else node
    return {str(key): _tupled(value) for key, value in dict(data or {}).items()}


def _tupled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _tupled(x) for key, x in value.items()}
    return tuple(_tupled(x) for x in value) if isinstance(value, list) else value

"""Every task of avenv's as one of habitat-lab's, with its metrics as measures."""

from typing import Any

from habitat.core.embodied_task import EmbodiedTask, Measure, Measurements, SimulatorTaskAction
from habitat.core.registry import registry
from habitat.core.simulator import Observations
from habitat.core.spaces import EmptySpace
from omegaconf import OmegaConf

from avenv.core.suggest import accepted


class AvenvAction(SimulatorTaskAction):
    """One action of the task's, by its name."""

    def __init__(self, *args: Any, name: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.name = name

    @property
    def action_space(self) -> EmptySpace:
        """It has no arguments."""
        return EmptySpace()

    def step(self, *args: Any, **kwargs: Any) -> Observations:
        """Act; a step of time passes."""
        return self._sim.step(self._sim.action_names.index(self.name))


@registry.register_measure(name="AvenvMeasure")
class AvenvMeasure(Measure):
    """A metric of avenv's task by its name, or the ``reward`` of the last step."""

    def __init__(self, *args: Any, sim: Any, config: Any, **kwargs: Any):
        self._sim, self._name = sim, str(config.metric)
        super().__init__()

    def _get_uuid(self, *args: Any, **kwargs: Any) -> str:
        return self._name

    def reset_metric(self, *args: Any, **kwargs: Any) -> None:
        """Take the metric as it is."""
        self.update_metric()

    def update_metric(self, *args: Any, **kwargs: Any) -> None:
        """Take the metric as it is."""
        if self._name == "reward":
            outcome = self._sim.outcome
            self._metric = 0.0 if outcome is None else float(outcome.reward[0])
            return
        metrics = self._sim.batch.task.metrics()
        if self._name not in metrics:
            raise ValueError(
                f"the measure's metric is {self._name!r}; "
                f"{accepted(self._name, [*metrics, 'reward'])}"
            )
        self._metric = float(metrics[self._name][0])


@registry.register_task(name="AvenvTask-v0")
class AvenvTask(EmbodiedTask):
    """The task of the simulator's environment: its actions, its end, its metrics and its reward.

    The actions are the task's; of the configuration's own ``measurements`` those stay that are not
    named as a metric of avenv's.
    """

    measurements: Measurements

    def __init__(self, config: Any, sim: Any, dataset: Any = None):
        if not hasattr(sim, "batch"):
            raise ValueError(
                f"simulator.type makes a {type(sim).__name__}; accepted by AvenvTask-v0: 'Avenv-v0'"
            )
        super().__init__(config, sim, dataset)
        self.actions = {
            name: AvenvAction(config=None, sim=sim, name=name) for name in sim.action_names
        }
        self._action_keys = list(self.actions)
        own = {m.uuid: m for m in self.measurements.measures.values()}
        for name in (*sim.batch.task.headline, "distance_to_goal", "reward"):
            if name not in own:
                metric = OmegaConf.create({"metric": name})
                own[name] = AvenvMeasure(sim=sim, config=metric)
        self.measurements = Measurements(own.values())

    def _check_episode_is_active(self, *args: Any, **kwargs: Any) -> bool:
        outcome = self._sim.outcome
        return outcome is None or not (outcome.terminated[0] or outcome.truncated[0])

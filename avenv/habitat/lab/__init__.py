"""habitat-lab on avenv: its ``Env``, its agents and its measures, with our rooms and our sound.

    from avenv.habitat import lab

    lab.enable_without_sim()      # where habitat_sim is not installed
    config = lab.get_config("AudioGoal", scenes="homes:val", sounds="builtin:heard")
    env = habitat.Env(config)

What is registered: the simulator ``Avenv-v0``, the task ``AvenvTask-v0``, the dataset
``Avenv-v0`` and the sensor ``AvenvSensor``. habitat-lab is imported when one of them is asked for.
"""

from avenv.habitat.lab.setup import CONFIG, dataset_of, get_config, register
from avenv.habitat.lab.without_sim import enable_without_sim

__all__ = ["CONFIG", "dataset_of", "enable_without_sim", "get_config", "register"]

"""One module a sensor: what a body observes, chosen by name.

The table ``SENSORS`` is all that the rest knows of them; ``register_sensor`` adds a row.
"""

from avenv.simulation.sensors.sensor import Rig, Sensor
from avenv.simulation.sensors.table import SENSORS, make_sensors, register_sensor, sensor_names

__all__ = ["SENSORS", "Rig", "Sensor", "make_sensors", "register_sensor", "sensor_names"]

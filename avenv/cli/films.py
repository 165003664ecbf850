"""Films of episodes in results: their actions, played again with eyes and ears."""

import tempfile
from pathlib import Path

import numpy as np

from avenv.benchmark import Results
from avenv.benchmark.replay import staged
from avenv.envs.env import Env
from avenv.recording import Recorder


def film_of(results: Results, number: int) -> tuple[str, bytes]:
    """Return what a film of an episode shows, and the film, an MP4 file.

    Raises:
        ImportError: PyAV is missing.
        ValueError: the episode set is not here.
    """
    record = next(record for record in results.episodes if record["number"] == number)
    trials, options = staged(results)
    trial = next(trial for trial in trials if trial.number == number)
    with tempfile.TemporaryDirectory() as folder:
        env = Env(
            results.heading["task"],
            render_mode="rgb_array",
            **{"scenes": trial.place, **options, "sensors": ("audio",)},
        )
        recorder = Recorder(env, folder)
        recorder.reset(options={"episode": trial.begin(env.batch)})
        for action in record["actions"]:
            recorder.step(np.asarray(action) if isinstance(action, list) else action)
        recorder.close()
        [film] = Path(folder).glob("*.mp4")
        content = film.read_bytes()
    outcome = "success" if record["metrics"].get("success") else "failure"
    name = record.get("id", f"episode {number}")
    return f"{name} in {record['scene']}: {outcome} after {len(record['actions'])} actions", content

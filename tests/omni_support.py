"""A model in two rooms, in few and quick questions."""

from avenv.benchmark import evaluate
from avenv_agents.omni import line
from avenv_agents.omni.agent import Omni
from avenv_agents.omni.view import View

KEY = "sk-never-written-down-4711"
BRIEF = View(frames=0, sound="none", bearings=False, odometry=False, plan=4)
OPTIONS = {"sounds": "phone", "progress": False, "max_episode_steps": 12}


def hurry(monkeypatch):
    """Wait for no server, and have a key for it."""
    monkeypatch.setattr(line, "FIRST_WAIT", 0.001)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def run(server, world, out=None, episodes=2, view=BRIEF, num_envs=2, on_error="stop", **given):
    url = server if isinstance(server, str) else server.url
    agent = Omni().configured({"model": "m", "base_url": url, "view": view, **given})
    return evaluate(
        agent, "omni", episodes, num_envs=num_envs, scenes=world, out=out, on_error=on_error,
        arguments=agent.told, **OPTIONS, **agent.options,
    )  # fmt: skip

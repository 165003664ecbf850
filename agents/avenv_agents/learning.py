"""Train a policy with a memory as a configuration says: by DAgger or by PPO."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

try:
    import torch
except ImportError as error:
    raise ImportError(f'learning needs more ({error}): pip install "avenv[agents]"') from error

from avenv.core.interrupts import terminable
from avenv.core.suggest import accepted
from avenv.simulation.cluster import Cluster
from avenv_agents.allocation import keep_memory
from avenv_agents.checkpoints import read_checkpoint
from avenv_agents.cluster_workers import ClusterWorkers
from avenv_agents.config import TrainingConfig
from avenv_agents.course import Course, write_config
from avenv_agents.dagger import DaggerConfig, train_dagger
from avenv_agents.descriptor import (
    NAME,
    DescriptorConfig,
    freeze_descriptor,
    train_descriptor,
)
from avenv_agents.devices import find_device
from avenv_agents.encoders import EARS, ENCODERS, Encoder
from avenv_agents.encoders.eyes import Eyes
from avenv_agents.factories import TrainingEnvs, Validation
from avenv_agents.learners import Learners
from avenv_agents.policy import Policy, PolicyConfig
from avenv_agents.ppo import PpoConfig, train_ppo
from avenv_agents.runs import POLICY_FILE, check_folder, remove_run
from avenv_agents.transfer import start_from
from avenv_agents.waypoints import MAPS
from avenv_agents.workers import Crew, Workers

METHODS: dict[str, tuple[type, Callable[..., None]]] = {
    "dagger": (DaggerConfig, train_dagger),
    "ppo": (PpoConfig, train_ppo),
}
"""The numbers of each method, and what learns by it."""


def train(
    config: TrainingConfig,
    folder: str | Path,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    device: str = "auto",
    cluster: Cluster | None = None,
    patience: float = 1.0,
    learners: int = 1,
) -> Policy:
    """Train a policy and save it with its configuration.

    Args:
        config: the run; its method is one of ``METHODS``.
        folder: receives ``policy.pt``, what was learned last and all that going on needs;
            ``best.pt``, the best by validation; ``step-*.pt``, the latest checkpoints;
            ``config.yaml``, ``progress.csv`` and the tensorboard log.
        resume: go on from the folder's last checkpoint up to ``total_steps``; of its configuration
            only ``total_steps``, ``checkpoint_every``, ``workers`` and ``minutes`` may differ.
        overwrite: replace the run in the folder.
        progress: show a progress bar.
        device: that the learner computes on; "auto": a GPU where there is one.
        cluster: whose workers play in place of processes of this machine, which learns.
        patience: of a cluster: share of the workers at whose end a rollout ends for all. Below 1
            no straggler holds up the others, and the curve depends on who was slow.
        learners: that make each update of PPO together, each from the rollouts of some workers;
            of several, all are members of the cluster.

    Returns:
        The policy, on the CPU.

    Raises:
        ValueError: the configuration cannot be used, or the folder, or the losses became no numbers
            (the last checkpoint stays).
        RuntimeError: a worker failed.
        ChildProcessError: all workers of a cluster have died, and none returns.
        KeyboardInterrupt: by Ctrl-C or SIGTERM; it says what was saved.
    """
    keep_memory()
    folder = Path(folder)
    kind, method = METHODS[config.method]
    numbers = _record(config.method, kind, getattr(config, config.method))
    parts = controlled(_record("policy", PolicyConfig, config.policy), config.control)
    first = _first_stage(config, parts)
    text = config.to_yaml()
    check_folder(folder, config, resume, overwrite)
    if learners > 1 and (cluster is None or method is not train_ppo):
        raise ValueError(f"learners is {learners}; accepted: 1, or more of PPO on a cluster")
    theirs, device = device, find_device("cpu" if learners > 1 else device)
    with ExitStack() as held:
        if cluster is not None:
            held.enter_context(cluster)
        crew = held.enter_context(closing(_make_workers(config, parts, cluster, patience)))
        torch.manual_seed(config.seed)  # here, so that it does not matter who plays
        policy = Policy(*crew.spaces, parts)
        if config.start_from is not None and not resume:
            start_from(policy, config.start_from)
        policy.to(device)
        optimizer = torch.optim.Adam(policy.parameters(), lr=numbers.learning_rate, eps=1e-5)
        if not resume:
            remove_run(folder)
            folder.mkdir(parents=True, exist_ok=True)
        write_config(folder, text)
        course = Course(
            folder, policy, optimizer, crew, config.seed, config.total_steps,
            config.checkpoint_every, config.validation.get("every", 0), resume, progress,
            config.minutes,
        )  # fmt: skip
        held.callback(course.close)
        team: list[Learners] = []
        if learners > 1:
            assert cluster is not None
            team = [Learners(cluster, learners, numbers, policy, optimizer, crew.spaces, theirs)]
            held.callback(team[0].close)
        if not resume:
            course.keep()
        with _interruptible(folder):
            if first is not None:
                train_descriptor(first, policy, crew, course, device)
            freeze_descriptor(policy)
            method(numbers, policy, crew, course, device, *team)
    return policy.cpu().eval()


@contextmanager
def _interruptible(folder: Path) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM say what the latest checkpoint in the folder has."""
    try:
        with terminable():
            yield
    except KeyboardInterrupt as stop:
        steps = read_checkpoint(folder / POLICY_FILE)["steps"]
        raise type(stop)(
            f"{folder / POLICY_FILE} has what was learned in {steps:,} steps; --resume goes on"
        ) from stop


def controlled(parts: PolicyConfig, control: str | None) -> PolicyConfig:
    """Return the parts of a policy that lacks a sense, or has perfect ears; None: as they are.

    Args:
        parts: of the whole policy.
        control: a name in ``config.CONTROLS``.

    Raises:
        ValueError: it has no such sense, or no other.
    """
    if control is None:
        return parts
    lost: type[Encoder] | tuple = Eyes if control == "blind" else EARS
    kept = {
        name: options
        for name, options in parts.encoders.items()
        if name not in ENCODERS or not issubclass(ENCODERS[name], lost)
    }
    if len(kept) == len(parts.encoders):
        raise ValueError(f"control is {control!r}; the policy has {', '.join(kept)} only")
    if control == "perfect_ear":
        kept = {"perfect_ears": {}, **kept}
    return replace(parts, encoders=kept)


def _make_workers(
    config: TrainingConfig, parts: PolicyConfig, cluster: Cluster | None, patience: float
) -> Crew:
    validate = None
    if config.validation:
        own = {k: v for k, v in config.validation.items() if k not in ("every", "episodes")}
        episodes = config.validation.get("episodes", 64)
        validate = Validation({**config.env, **own}, episodes, config.workers)
    waypoints = bool(set(MAPS) & set(parts.encoders))
    make_envs = TrainingEnvs(config.env, config.num_envs, config.workers, waypoints)
    crew = make_envs, config.workers, config.seed, parts, validate
    return Workers(*crew) if cluster is None else ClusterWorkers(cluster, *crew, patience)


def _first_stage(config: TrainingConfig, parts: PolicyConfig) -> DescriptorConfig | None:
    """Return the numbers of the first stage, if there is one: not for who lacks ears."""
    if not config.descriptor:
        if NAME in parts.encoders and config.start_from is None:
            raise ValueError(
                f"policy.encoders has {NAME}, which nothing would teach; accepted: descriptor, the "
                "numbers of a first stage, or start_from, a policy that has learned"
            )
        return None
    if NAME not in config.policy.get("encoders", {}):
        raise ValueError(f"descriptor is given; policy.encoders lacks {NAME}, which is to learn")
    numbers = _record("descriptor", DescriptorConfig, config.descriptor)
    return numbers if NAME in parts.encoders else None


def _record(group: str, kind: type, given: dict[str, Any]) -> Any:
    """Return a record of a group of the configuration; ``ValueError`` names the field."""
    known = {field.name: field.type for field in fields(kind)}
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"{group}.{name}: there is no such option; {accepted(name, known)}")
        if known[name] is bool and not isinstance(value, bool):
            raise ValueError(f"{group}.{name} is {value!r}; accepted: true or false")
        if known[name] in (int, float):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or (known[name] is int and not isinstance(value, int)):
                words = "a whole number" if known[name] is int else "a number"
                raise ValueError(f"{group}.{name} is {value!r}; accepted: {words}")
    return kind(**given)

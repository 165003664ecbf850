"""Train an ear on independent poses: first on single windows, then on what they add up to.

Stage 1 teaches `Ear` what one window tells. Stage 2 keeps that and teaches `Belief` how much each
window counts, and what to correct in the sum. Half of all places are heard as in a mirror, ears and
truth alike. After every epoch the held-back homes are heard; the best weights are kept.
"""

import csv
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from math import cos, pi
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from avenv import __version__
from avenv.acoustics.signal.binaural import mirrored
from avenv_agents.ear_files import EAR_FILE, save_ear
from avenv_agents.encoders.ear import Belief, Heard, azimuth_of, histogram_of
from avenv_agents.poses import Poses, PoseSettings, read_poses

CHECKPOINT_FILE, LOG_FILE, CONFIG_FILE = "checkpoint.pt", "log.csv", "config.json"
HIDDEN_SOURCE = 0.2
"""Weight of the direction of a source that is out of sight: the way to it is worth more."""
DISTANCE = 0.5
"""Weight of the error of the distance, in natural logarithms of metres."""
COLUMNS = ("stage", "epoch", "loss", "validation", "azimuth", "leg")


@dataclass(frozen=True)
class EarTraining:
    """How an ear is trained.

    Attributes:
        hidden, memory: widths of the ear's layers and of the belief's recurrent one.
        dropout: share of hidden numbers that the first stage leaves out.
        window_epochs, turn_epochs: of the two stages.
        batch_size: windows in the first stage, places in the second.
        learning_rate: at the beginning of a stage; it falls to 0 along a cosine.
        weight_decay: of AdamW (Loshchilov & Hutter 2019).
        ear_rate: share of the learning rate with which the second stage goes on with the first's
            layers; 0: they stay.
        seed: of networks, order and mirrors.

    Raises:
        ValueError: a value is out of range.
    """

    hidden: int = 512
    memory: int = 128
    dropout: float = 0.2
    window_epochs: int = 30
    turn_epochs: int = 30
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    ear_rate: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value, whole = getattr(self, field.name), field.type is int
            least = 0 if field.name in ("dropout", "weight_decay", "ear_rate", "seed") else 1e-9
            kind = int if whole else (int, float)
            if isinstance(value, bool) or not isinstance(value, kind) or not value >= least:
                words = "a whole number" if whole else "a number"
                raise ValueError(f"{field.name} is {value!r}; accepted: {words} above {least:.0f}")
        if self.dropout >= 1:
            raise ValueError(f"dropout is {self.dropout!r}; accepted: less than 1")


class Examples(NamedTuple):
    """P places with S windows each, on the device that learns: see ``Poses``."""

    binaural: Tensor
    pose: Tensor
    azimuth: Tensor
    leg: Tensor
    distance: Tensor
    near: Tensor
    visible: Tensor

    @classmethod
    def of(cls, poses: Poses, device: str | torch.device = "cpu") -> "Examples":
        """Return poses as tensors."""
        values = [getattr(poses, name) for name in cls._fields]
        return cls(*(torch.from_numpy(np.ascontiguousarray(v)).to(device) for v in values))

    def some(self, rows: Tensor) -> "Examples":
        """Return some places."""
        return Examples(*(value[rows] for value in self))


def train_ear(
    config: EarTraining,
    folder: str | Path,
    poses: Sequence[str | Path],
    validation: Sequence[str | Path],
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    progress: bool = True,
) -> Path:
    """Train an ear and keep the best of it.

    Args:
        config: how.
        folder: receives ``ear.npz``, the checkpoint, the log and the configuration.
        poses: folders that ``avenv data poses`` made.
        validation: folders of other homes, by which the best weights are chosen.
        resume: go on where the folder's run was interrupted; the curve is the same as without.
        overwrite: replace the run in the folder.
        device: that torch computes on; "auto": a GPU where there is one.
        progress: show a progress bar.

    Returns:
        the file of the ear.

    Raises:
        ValueError: data or folder cannot be used, or the loss is no number (the last good weights
            stay).
    """
    folder = Path(folder)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    train_set, settings = read_poses(poses)
    held_back, others = read_poses(validation)
    _check_apart(settings, others)
    record = {
        "training": asdict(config),
        "poses": [asdict(s) for s in settings],
        "validation": [asdict(s) for s in others],
        "avenv": __version__,
    }
    run = _Run(config, folder, record, device)
    run.prepare(resume, overwrite)
    run.learn(Examples.of(train_set, device), Examples.of(held_back, device), progress)
    return folder / EAR_FILE


class _Run:
    """A training that can be interrupted at any moment and goes on at the last epoch's end."""

    def __init__(self, config: EarTraining, folder: Path, record: dict[str, Any], device: str):
        self.config, self.folder, self.record, self.device = config, folder, record, device
        torch.manual_seed(config.seed)
        sizes = {"hidden": config.hidden, "memory": config.memory, "dropout": config.dropout}
        self.belief = Belief(**sizes).to(device)
        self.stage, self.epoch, self.best = 0, 0, float("inf")
        self.optimizer = self._optimizer()

    @property
    def epochs(self) -> int:
        """Of the stage."""
        return (self.config.window_epochs, self.config.turn_epochs)[self.stage]

    def _optimizer(self) -> torch.optim.Optimizer:
        config, ear = self.config, self.belief.ear
        rate = {"lr": config.learning_rate, "scale": 1.0}
        first = [*ear.layers.parameters(), *ear.heads.parameters()]
        if self.stage == 0:
            groups: list[dict[str, Any]] = [{"params": first, **rate}]
        else:
            ours = set(map(id, first))
            rest = [p for p in self.belief.parameters() if id(p) not in ours]
            groups = [{"params": rest, **rate}]
            if config.ear_rate:
                groups.append({"params": first, **rate, "scale": config.ear_rate})
        return torch.optim.AdamW(groups, weight_decay=config.weight_decay)

    # -- the folder --------------------------------------------------------------------------------

    def prepare(self, resume: bool, overwrite: bool) -> None:
        """Begin in the folder, or go on from what is in it."""
        if resume and overwrite:
            raise ValueError("resume and overwrite are both chosen; accepted: one of them")
        checkpoint, config = self.folder / CHECKPOINT_FILE, self.folder / CONFIG_FILE
        if resume:
            if not (checkpoint.exists() and config.exists()):
                raise ValueError(f"{self.folder} holds no run; there is nothing to resume")
            before, now = json.loads(config.read_text()), json.loads(json.dumps(self.record))
            if other := [name for name in now if now[name] != before.get(name)]:
                raise ValueError(
                    f"{config} differs in {', '.join(other)} from the run that is to resume; "
                    "accepted: the same, or another folder"
                )
            self._restore(checkpoint)
            return
        if config.exists() and not overwrite:
            raise ValueError(
                f"{self.folder} holds a run; resume goes on from it, overwrite replaces it"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in (CHECKPOINT_FILE, LOG_FILE, EAR_FILE):
            (self.folder / name).unlink(missing_ok=True)
        _replace(config, json.dumps(self.record, indent=1))
        self._checkpoint([])

    def _restore(self, checkpoint: Path) -> None:
        saved = torch.load(checkpoint, map_location=self.device, weights_only=True)
        self.stage, self.epoch, self.best = saved["stage"], saved["epoch"], saved["best"]
        self.belief.load_state_dict(saved["belief"])
        self.optimizer = self._optimizer()
        self.optimizer.load_state_dict(saved["optimizer"])
        self.rows = saved["rows"]
        self._write_log()

    def _checkpoint(self, rows: list[list[float]]) -> None:
        """Keep everything that the next epoch depends on, log and all."""
        self.rows = rows
        draft = self.folder / f".{CHECKPOINT_FILE}"
        state = {
            "stage": self.stage,
            "epoch": self.epoch,
            "best": self.best,
            "belief": self.belief.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rows": rows,
        }
        torch.save(state, draft)
        os.replace(draft, self.folder / CHECKPOINT_FILE)
        self._write_log()

    def _write_log(self) -> None:
        draft = self.folder / f".{LOG_FILE}"
        with open(draft, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(self.rows)
        os.replace(draft, self.folder / LOG_FILE)

    # -- learning ----------------------------------------------------------------------------------

    def learn(self, examples: Examples, held_back: Examples, progress: bool) -> None:
        """Go through the epochs that are left."""
        total = self.config.window_epochs + self.config.turn_epochs
        done = self.stage * self.config.window_epochs + self.epoch
        with tqdm(total=total, initial=done, unit="epoch", disable=not progress) as bar:
            while True:
                if self.epoch == self.epochs:
                    if self.stage == 1:
                        return
                    self.stage, self.epoch, self.best = 1, 0, float("inf")
                    self.optimizer = self._optimizer()
                loss = self._learn_epoch(examples)
                validation, azimuth, leg = self._validate(held_back)
                if not np.isfinite([loss, validation]).all():
                    raise ValueError(
                        f"the loss is {loss} after epoch {self.epoch} of stage {self.stage + 1}; "
                        "the last good weights are kept; a smaller learning_rate may help"
                    )
                self.epoch += 1
                if validation < self.best:
                    self.best = validation
                    save_ear(self.folder / EAR_FILE, self.belief, self.record)
                row = [self.stage + 1, self.epoch, loss, validation, azimuth, leg]
                self._checkpoint([*self.rows, row])
                bar.update()
                bar.set_postfix(loss=f"{loss:.3f}", azimuth=f"{azimuth:.1f}°", leg=f"{leg:.1f}°")

    def _learn_epoch(self, examples: Examples) -> float:
        """Return the mean loss of an epoch; what is random depends on stage and epoch alone."""
        order = np.random.default_rng([self.config.seed, self.stage, self.epoch])
        torch.manual_seed(int(order.integers(2**62)))
        if self.stage == 0:
            examples = _windows(examples)
        self.belief.train()
        if self.stage == 1 and not self.config.ear_rate:
            self.belief.ear.eval()
        total, count = 0.0, len(examples.azimuth)
        for step, batch in enumerate(_batches(examples, self.config.batch_size, order)):
            share = self.epoch + step * self.config.batch_size / count
            rate = self.config.learning_rate * (1 + cos(pi * min(1.0, share / self.epochs))) / 2
            for group in self.optimizer.param_groups:
                group["lr"] = rate * group["scale"]
            loss = self._loss(batch)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.belief.parameters(), 1.0)
            self.optimizer.step()
            total += loss.item() * len(batch.azimuth)
        return total / count

    def _loss(self, batch: Examples) -> Tensor:
        if self.stage == 0:
            heard, _ = self.belief.ear(batch.binaural.float())
            return ear_loss(heard, batch)
        return ear_loss(believe(self.belief, batch), batch)

    def _validate(self, held_back: Examples) -> tuple[float, float, float]:
        """Return loss, and median errors in degrees at the last window: of the azimuth of sources
        in sight within 5 m, and of the first leg to those out of sight."""
        self.belief.eval()
        with torch.no_grad():
            if self.stage == 0:
                heard, _ = self.belief.ear(held_back.binaural.float())
            else:
                heard = believe(self.belief, held_back)
            loss = ear_loss(heard, held_back).item()
        last = held_back.some(torch.arange(len(held_back.azimuth)))
        seen = last.visible[:, -1] & (last.distance[:, -1] <= 5)
        hidden = ~last.visible[:, -1] & last.leg[:, -1].isfinite()
        azimuth = angle_between(azimuth_of(heard.source[:, -1]), last.azimuth[:, -1])[seen]
        leg = angle_between(azimuth_of(heard.leg[:, -1]), last.leg[:, -1])[hidden]
        return loss, _median_degrees(azimuth), _median_degrees(leg)


def believe(belief: Belief, examples: Examples) -> Heard:
    """Return what is believed after each window, (P, S, ...); episodes begin with the first."""
    places, steps = examples.azimuth.shape
    begun = torch.zeros(steps, places, dtype=torch.bool, device=examples.azimuth.device)
    begun[0] = True
    state = torch.zeros(places, belief.state, device=begun.device)
    binaural, pose = examples.binaural.float().transpose(0, 1), examples.pose.transpose(0, 1)
    believed, _, _ = belief.unroll(binaural, pose, state, begun)
    return Heard(*(value.transpose(0, 1) for value in believed))


def ear_loss(heard: Heard, truth: Examples) -> Tensor:
    """Return how wrong what was heard (...) is: cross entropies of directions, of being near and of
    being in sight, and the error of the distance."""
    source = _cross_entropy(heard.source, truth.azimuth)
    source = source * torch.where(truth.visible, 1.0, HIDDEN_SOURCE)
    known = truth.leg.isfinite()
    leg = _cross_entropy(heard.leg, torch.where(known, truth.leg, 0.0)) * known
    near = functional.binary_cross_entropy_with_logits(heard.near, truth.near.float())
    visible = functional.binary_cross_entropy_with_logits(heard.visible, truth.visible.float())
    distance = functional.smooth_l1_loss(heard.distance, truth.distance.log())
    return source.mean() + leg.mean() + near + visible + DISTANCE * distance


def _cross_entropy(log_probability: Tensor, azimuth: Tensor) -> Tensor:
    return -(histogram_of(azimuth) * log_probability).sum(-1)


def angle_between(a: Tensor, b: Tensor) -> Tensor:
    """Return how far two directions (...) in radians are apart, 0 to π."""
    return ((a - b + pi) % (2 * pi) - pi).abs()


def _median_degrees(angles: Tensor) -> float:
    return float(np.rad2deg(np.median(angles.cpu().numpy()))) if len(angles) else float("nan")


def _windows(examples: Examples) -> Examples:
    """Return each window as a place of its own, (P · S, ...)."""
    return Examples(*(value.flatten(0, 1) for value in examples))


def _batches(examples: Examples, size: int, order: np.random.Generator) -> Iterator[Examples]:
    """Yield all places once in random order, half of them mirrored."""
    device = examples.azimuth.device
    rows = torch.from_numpy(order.permutation(len(examples.azimuth))).to(device)
    mirror = torch.from_numpy(order.random(len(rows)) < 0.5).to(device)
    for start in range(0, len(rows), size):
        batch = examples.some(rows[start : start + size])
        yield _mirrored(batch, mirror[start : start + size])


def _mirror_table(size: int) -> tuple[Tensor, Tensor]:
    """Return which number of a vector takes whose place in the mirror, and its sign, (D,)."""
    numbered = torch.from_numpy(mirrored(np.arange(1, size + 1, dtype=np.float32)))
    return numbered.abs().long() - 1, numbered.sign()


def _mirrored(batch: Examples, rows: Tensor) -> Examples:
    """Return a batch in which some rows (B,) are heard as in a mirror: left is right."""
    place, sign = (x.to(rows.device) for x in _mirror_table(batch.binaural.shape[-1]))
    flip = rows.view(-1, *(1,) * (batch.azimuth.dim() - 1))
    other = batch.binaural[..., place] * sign.to(batch.binaural.dtype)
    side = torch.where(flip, -1.0, 1.0)
    ones = torch.ones_like(side)
    pose = batch.pose * torch.stack([ones, side, side, ones], dim=-1)
    return batch._replace(
        binaural=torch.where(flip[..., None], other, batch.binaural),
        pose=pose,
        azimuth=batch.azimuth * side,
        leg=batch.leg * side,
    )


def _check_apart(settings: Sequence[PoseSettings], others: Sequence[PoseSettings]) -> None:
    """Raise ``ValueError`` if a home is both learned from and held back."""
    from avenv.scene.homes import find_homes

    def homes(some: Sequence[PoseSettings]) -> set[tuple[str, int]]:
        sets = [find_homes(one.homes) for one in some]
        return {(one.split, number) for one in sets for number in one.numbers}

    if both := sorted(homes(settings) & homes(others)):
        raise ValueError(
            f"homes:{both[0][0]}/{both[0][1]} is both in poses and in validation; accepted: homes "
            "that differ"
        )


def _replace(path: Path, text: str) -> None:
    """Write a file that appears only when it is whole."""
    draft = path.with_name(f".{path.name}")
    draft.write_text(text)
    os.replace(draft, path)

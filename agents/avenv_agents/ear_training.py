"""Train an ear on independent poses: first on single windows, then on what they add up to.

Stage 1 teaches `Ear` what one window tells. Stage 2 takes the best of that and teaches `Belief` how
much each window counts, and what to correct in the sum. After every epoch the held-back homes are
heard; the best weights are kept.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from avenv import __version__
from avenv.core.files import draft_of
from avenv_agents.devices import find_device
from avenv_agents.ear_examples import Examples, batches, windows
from avenv_agents.ear_files import EAR_FILE, load_ear, save_ear
from avenv_agents.encoders.ear import Belief, Heard, azimuth_of, histogram_of
from avenv_agents.poses import PoseSettings, read_poses

CHECKPOINT_FILE, LOG_FILE, CONFIG_FILE = "checkpoint.pt", "log.csv", "config.json"
HIDDEN_SOURCE = 0.2
"""Weight of the direction of a source that is out of sight: the way to it is worth more."""
DISTANCE = 0.5
"""Weight of the error of the distance, in natural logarithms of metres."""
ANY = ("dropout", "weight_decay", "colour", "ear_rate", "seed")
"""Options that may be 0."""
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
        colour: standard deviation of the shifts of levels, in units of the vector (20 dB).
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
    colour: float = 0.3
    ear_rate: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value, whole = getattr(self, field.name), field.type is int
            least = 0 if field.name in ANY else 1e-9
            kind = int if whole else (int, float)
            if isinstance(value, bool) or not isinstance(value, kind) or not value >= least:
                words = "a whole number" if whole else "a number"
                raise ValueError(f"{field.name} is {value!r}; accepted: {words} above {least:.0f}")
        if self.dropout >= 1:
            raise ValueError(f"dropout is {self.dropout!r}; accepted: less than 1")


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
    device = find_device(device)
    learned, held_back = ([read_poses(one) for one in some] for some in (poses, validation))
    if not (learned and held_back):
        raise ValueError("poses or validation is empty; accepted: a folder or more of each")
    _check_apart([s for _, s in learned], [s for _, s in held_back])
    record = {
        "training": asdict(config),
        "poses": [asdict(s) for _, s in learned],
        "validation": [asdict(s) for _, s in held_back],
        "avenv": __version__,
    }
    run = _Run(config, folder, record, device)
    run.prepare(resume, overwrite)
    examples, others = ([Examples.of(p, device) for p, _ in some] for some in (learned, held_back))
    run.learn(examples, others, progress)
    return folder / EAR_FILE


class _Run:
    """A training that can be interrupted at any moment and goes on at the last epoch's end."""

    def __init__(self, config: EarTraining, folder: Path, record: dict[str, Any], device: str):
        self.config, self.folder, self.record, self.device = config, folder, record, device
        torch.manual_seed(config.seed)
        self.belief = Belief(hidden=config.hidden, memory=config.memory, dropout=config.dropout).to(
            device
        )
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
            for parameter in first:
                parameter.requires_grad_(config.ear_rate > 0)
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
        for name in (CONFIG_FILE, CHECKPOINT_FILE, LOG_FILE, EAR_FILE):
            (self.folder / name).unlink(missing_ok=True)
        self._checkpoint([])
        with draft_of(config) as draft:  # last: now there is a run
            draft.write_text(json.dumps(self.record, indent=1))

    def _restore(self, checkpoint: Path) -> None:
        try:
            saved = torch.load(checkpoint, map_location=self.device, weights_only=True)
        except Exception as error:  # a damaged file raises all kinds of errors
            raise ValueError(f"{checkpoint} cannot be read ({error}); begin anew") from error
        self.stage, self.epoch, self.best = saved["stage"], saved["epoch"], saved["best"]
        self.belief.load_state_dict(saved["belief"])
        self.optimizer = self._optimizer()
        self.optimizer.load_state_dict(saved["optimizer"])
        self.rows = saved["rows"]
        self._write_log()

    def _checkpoint(self, rows: list[list[float]]) -> None:
        """Keep everything that the next epoch depends on, log and all."""
        self.rows = rows
        state = {
            "stage": self.stage,
            "epoch": self.epoch,
            "best": self.best,
            "belief": self.belief.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rows": rows,
        }
        with draft_of(self.folder / CHECKPOINT_FILE) as draft:
            torch.save(state, draft)
        self._write_log()

    def _write_log(self) -> None:
        with draft_of(self.folder / LOG_FILE) as draft, open(draft, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(self.rows)

    # -- learning ----------------------------------------------------------------------------------

    def learn(
        self, examples: Sequence[Examples], held_back: Sequence[Examples], progress: bool
    ) -> None:
        """Go through the epochs that are left; each set's bodies move in their own way."""
        total = self.config.window_epochs + self.config.turn_epochs
        done = self.stage * self.config.window_epochs + self.epoch
        with tqdm(total=total, initial=done, unit="epoch", disable=not progress) as bar:
            while True:
                if self.epoch == self.epochs:
                    if self.stage == 1:
                        return
                    self.stage, self.epoch, self.best = 1, 0, float("inf")
                    self.belief.load_state_dict(load_ear(self.folder / EAR_FILE).state_dict())
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

    def _learn_epoch(self, sets: Sequence[Examples]) -> float:
        """Return the mean loss of an epoch; what is random depends on stage and epoch alone."""
        order = np.random.default_rng([self.config.seed, self.stage, self.epoch])
        torch.manual_seed(int(order.integers(2**62)))
        if self.stage == 0:
            sets = [windows(examples) for examples in sets]
        self.belief.train()
        if self.stage == 1 and not self.config.ear_rate:
            self.belief.ear.eval()
        total, done, count = 0.0, 0, sum(len(examples.azimuth) for examples in sets)
        for batch in batches(sets, self.config.batch_size, self.config.colour, order):
            share = self.epoch + done / count
            rate = self.config.learning_rate * (1 + cos(pi * min(1.0, share / self.epochs))) / 2
            for group in self.optimizer.param_groups:
                group["lr"] = rate * group["scale"]
            loss = ear_loss(self._hear(batch), batch)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.belief.parameters(), 1.0)
            self.optimizer.step()
            total += loss.item() * len(batch.azimuth)
            done += len(batch.azimuth)
        return total / count

    def _hear(self, batch: Examples) -> Heard:
        """Return what the stage makes of a batch."""
        if self.stage == 0:
            return self.belief.ear(batch.binaural.float())[0]
        return believe(self.belief, batch)

    @torch.no_grad()
    def _validate(self, held_back: Sequence[Examples]) -> tuple[float, float, float]:
        """Return loss, and median errors in degrees at the last window: of the azimuth of sources
        in sight within 5 m, and of the first leg to those out of sight."""
        self.belief.eval()
        losses, azimuths, legs = [], [], []
        for some in held_back:
            heard = self._hear(some)
            losses += [ear_loss(heard, some).item()] * len(some.azimuth)
            last = Examples(*(value[:, -1] for value in some))
            seen = last.visible & (last.distance <= 5)
            hidden = ~last.visible & last.leg.isfinite()
            azimuths.append(angle_between(azimuth_of(heard.source[:, -1]), last.azimuth)[seen])
            legs.append(angle_between(azimuth_of(heard.leg[:, -1]), last.leg)[hidden])
        azimuth, leg = torch.cat(azimuths), torch.cat(legs)
        return float(np.mean(losses)), _median_degrees(azimuth), _median_degrees(leg)


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

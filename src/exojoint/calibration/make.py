"""Make a posterior: mode, draws, profiles, tables; interrupted work goes on where it stopped, to the same bytes."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exojoint.calibration.comparison import Comparison, comparison
from exojoint.calibration.identify import Profile, profiles
from exojoint.calibration.likelihood import error_rows
from exojoint.calibration.mode import Mode, evaluations, find_mode
from exojoint.calibration.posterior import (
    COMMAND,
    DRAWS,
    MADE,
    STRUCTURE,
    TARGETS,
    UNKNOWN_COLUMNS,
    UNKNOWNS,
    WEIGHT,
    prior_text,
)
from exojoint.calibration.sampler import LAST_MOVES, MOVES, Cloud, Start, sample
from exojoint.core.errors import InputError, Problem
from exojoint.core.files import atomic_write
from exojoint.core.streams import Stream, stream

Floats = NDArray[np.float64]
Tell = Callable[[int, int], None]
PRIOR_DRAWS = 200  # for the prior's own predictions
UNREAD = 1e-6  # change of any prediction, in SDs of its error per prior SD, below which no target reads an unknown
VALUE_DRAWS = 4000  # for the prior's quantiles of values
USUAL_ROUNDS, USUAL_BRIDGES = 3, 3  # what the search for the mode and the bridges usually take; for the time left
QUANTILES = (0.05, 0.5, 0.95)
TARGET_COLUMNS = (
    "id", "published", "lo", "hi", "tables", "prior_q05", "prior_median", "prior_q95", "mode", "mean_point",
    "q05", "median", "q95",
)  # fmt: skip


@dataclass(frozen=True)
class Order:
    """What to make: number of draws, seed, threads (no digit depends on them), and where stages are kept."""

    draws: int
    seed: int
    threads: int
    folder: Path

    @property
    def luck(self) -> Stream:
        """Every random number of the calibration."""
        return stream(self.seed, "calibration", self.draws)


def calibrate(order: Order, *, resume: bool, tell: Tell = lambda _done, _total: None) -> Path:
    """Make a posterior in the order's folder.

    Parameters
    ----------
    resume : bool
        Go on with the stages found there; without it they are thrown away.
    tell : callable
        Called with (predictions done, predictions expected).

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        When the stages found belong to other tables, targets or settings.
    """
    order.folder.mkdir(parents=True, exist_ok=True)
    done, expected = [0], [0]

    def tick(predictions: int) -> None:
        done[0] += predictions
        tell(min(done[0], expected[0]), expected[0])

    compared = comparison(STRUCTURE, order.threads, tick)
    n = compared.n_axes
    sampling = order.draws * (1 + 2 * (USUAL_BRIDGES * MOVES + LAST_MOVES))
    expected[0] = USUAL_ROUNDS * evaluations(n) + sampling + 4 * n + PRIOR_DRAWS + 3
    stages = Stages(order.folder / "stages", _key(order, compared))
    stages.open(resume=resume)
    mode = stages.mode()
    if mode is None:
        mode = find_mode(compared)
        stages.keep_mode(mode)
    done[0] = max(done[0], USUAL_ROUNDS * evaluations(n))
    kept = stages.cloud()
    if kept is not None:
        done[0] += order.draws * (1 + 2 * (MOVES * min(kept.stage, USUAL_BRIDGES) + kept.done))
    cloud = sample(compared, Start.at(mode), order.draws, order.luck, kept=kept, keep=stages.keep_cloud)
    write(order, compared, mode, cloud)
    tell(expected[0], expected[0])
    return order.folder


@dataclass(frozen=True)
class Stages:
    """Finished stages on disk, each written whole; `key` says what they belong to."""

    folder: Path
    key: str

    def open(self, *, resume: bool) -> None:
        """Make the folder ready: empty, or checked to belong to the same work.

        Raises
        ------
        InputError
            When its stages belong to other work.
        """
        self.folder.mkdir(exist_ok=True)
        note = self.folder / "key.txt"
        if not resume:
            for old in self.folder.glob("*.npz"):
                old.unlink()
        elif note.is_file() and note.read_text(encoding="utf-8") != self.key:
            what = "belongs to other tables, targets, seed or number of draws"
            raise InputError(Problem(str(self.folder), what, "stages of the same work", f"Run `{COMMAND}` afresh."))
        atomic_write(note, self.key)

    def mode(self) -> Mode | None:
        """The mode, if it was found."""
        found = self._read("mode")
        if found is None:
            return None
        return Mode(found["z"], found["predicted"], found["gradient"], float(found["log_posterior"]))

    def keep_mode(self, mode: Mode) -> None:
        """Keep the mode."""
        self._write(
            "mode",
            {
                "z": mode.z,
                "predicted": mode.predicted,
                "gradient": mode.gradient,
                "log_posterior": np.array(mode.log_posterior),
            },
        )

    def cloud(self) -> Cloud | None:
        """The last stage of the draws, if there is one."""
        found = self._read("cloud")
        if found is None:
            return None
        temper, done, stage, *pairs = (float(number) for number in found["state"])
        strides, accepted = (pairs[0], pairs[1]), (pairs[2], pairs[3])
        arrays = (found["z"], found["predicted"], found["ratio"])
        return Cloud(*arrays, temper, int(done), int(stage), strides, accepted)

    def keep_cloud(self, cloud: Cloud) -> None:
        """Keep a stage of the draws; it replaces the one before."""
        state = np.array([cloud.temper, cloud.done, cloud.stage, *cloud.stride, *cloud.accepted])
        arrays = {"z": cloud.z, "predicted": cloud.predicted, "ratio": cloud.ratio, "state": state}
        self._write("cloud", arrays)

    def _read(self, name: str) -> dict[str, Floats] | None:
        path = self.folder / f"{name}.npz"
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as found:
            return {key: found[key] for key in found.files}

    def _write(self, name: str, arrays: dict[str, Floats]) -> None:
        text = io.BytesIO()
        np.savez(text, **arrays)  # type: ignore[arg-type]  # numpy's own signature mixes arrays and flags
        atomic_write(self.folder / f"{name}.npz", text.getvalue())


def _key(order: Order, compared: Comparison) -> str:
    """A digest of everything that the stages depend on beside the equations."""
    rows = [(name, prior_text(compared.known.space.table[name])) for name in compared.known.names]
    errors = [astuple(row) for row in error_rows().values()]
    targets = [(target.id, target.value, target.window) for target in compared.like.targets]
    text = repr((order.draws, order.seed, rows, errors, targets, compared.protocols))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def write(order: Order, compared: Comparison, mode: Mode, cloud: Cloud) -> None:
    """Write the posterior's files: draws, unknowns, targets, how it was made."""
    z = np.round(cloud.z, 3)
    read = np.abs(mode.gradient).max(axis=1) > UNREAD
    z[:, ~read] = order.luck.child("unread").normal(np.arange(len(z), dtype=np.int64), int((~read).sum()))
    seen = profiles(compared, mode, z)
    lines = [[WEIGHT, *(name for name, here in zip(compared.known.names, read, strict=True) if here)]]
    lines += [["1", *(f"{value:.3f}".replace("-0.000", "0.000") for value in row)] for row in z[:, read]]
    atomic_write(order.folder / DRAWS, _table(lines))
    unknown_rows = _unknowns(order, compared, z, seen, read)
    atomic_write(order.folder / UNKNOWNS, _table([list(UNKNOWN_COLUMNS), *unknown_rows]))
    points = np.vstack([np.zeros(compared.n_axes), mode.z, z.mean(axis=0)])
    at = compared.predicted(points)
    prior_z = order.luck.child("prior").normal(np.arange(PRIOR_DRAWS, dtype=np.int64), compared.n_axes)
    prior = compared.predicted(prior_z)
    rows = [list(TARGET_COLUMNS)]
    for k, target in enumerate(compared.like.targets):
        low, high = target.window or (np.nan, np.nan)
        numbers = [target.value, low, high, at[0, k], *_quantiles(prior[:, k]), at[1, k], at[2, k]]
        rows.append([target.id, *(f"{number:.5g}" for number in [*numbers, *_quantiles(cloud.predicted[:, k])])])
    atomic_write(order.folder / TARGETS, _table(rows))
    atomic_write(order.folder / MADE, _made(order, compared, cloud, at))


def _quantiles(values: Floats) -> list[float]:
    return [float(value) for value in np.nanquantile(values, QUANTILES)]


def _unknowns(
    order: Order, compared: Comparison, z: Floats, seen: Sequence[Profile], read: NDArray[np.bool_]
) -> list[list[str]]:
    table, names = compared.known.space.table, compared.known.names
    ids = np.arange(VALUE_DRAWS, dtype=np.int64)
    prior = compared.known.values(order.luck.child("values").normal(ids, compared.n_axes))
    after = compared.known.values(z)
    rows = []
    for i, (name, profile) in enumerate(zip(names, seen, strict=True)):
        mean, sd = float(z[:, i].mean()), float(z[:, i].std())
        numbers = [*_quantiles(prior[name]), *_quantiles(after[name]), mean, sd, 1.0 - sd]
        losses = [profile.low, profile.high, profile.alone_low, profile.alone_high]
        rows.append(
            [
                name,
                prior_text(table[name]),
                table[name].unit,
                *(f"{number:.4g}" for number in numbers),
                profile.class_name if read[i] else "unread",
                *(f"{loss:.3g}" for loss in losses),
                profile.partner,
                f"{profile.correlation:.2f}",
            ]
        )
    return rows


def _made(order: Order, compared: Comparison, cloud: Cloud, at: Floats) -> str:
    tables, mode, mean = (float(value) for value in compared.like.log_density(at))
    draws = compared.like.log_density(cloud.predicted)
    return (
        f'command = "{COMMAND} --draws {order.draws} --seed {order.seed}"\n'
        f'structure = "{STRUCTURE}"\n'
        f"draws = {order.draws}\nseed = {order.seed}\naxes = {compared.n_axes}\n"
        f"distinct = {len(np.unique(cloud.z[:, 0]))}\n"
        f"stages = {cloud.stage}\naccepted = [{cloud.accepted[0]:.3f}, {cloud.accepted[1]:.3f}]\n\n"
        "[log_likelihood]\n"
        f"tables = {tables:.2f}\nmode = {mode:.2f}\nmean_point = {mean:.2f}\ndraws_median = {np.median(draws):.2f}\n"
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()

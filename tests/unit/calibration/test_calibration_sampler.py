"""From prior to posterior: on a problem whose answer is known, resumed work, and what is refused."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from exojoint.calibration import make
from exojoint.calibration.comparison import Comparison, comparison
from exojoint.calibration.identify import Profile, profiles
from exojoint.calibration.likelihood import likelihood
from exojoint.calibration.make import Order, Stages, calibrate
from exojoint.calibration.mode import find_mode
from exojoint.calibration.posterior import read_posterior
from exojoint.calibration.protocol_file import load_protocols
from exojoint.calibration.sampler import Start, effective, next_temper, resample, sample, weights_of
from exojoint.calibration.unknowns import unknowns
from exojoint.core.errors import InputError
from exojoint.core.streams import stream

CHEAP = ("oral_placebo",)
N, M = 6, 3


@dataclass(frozen=True)
class Names:
    names: tuple[str, ...] = ("a", "b", "c", "d", "e", "f")


@dataclass(frozen=True)
class Straight(Comparison):
    """Predictions that are straight lines, so that the posterior is a normal that can be written down."""

    slopes: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((N, M)))

    def predicted(self, z):
        return np.atleast_2d(z) @ self.slopes


def straight():
    like = likelihood()
    chosen = [like.ids.index(name) for name in ("C01", "C11", "C25")]
    value, covariance = np.array([0.5, -1.0, 2.0]), np.diag([0.2, 0.5, 1.0])
    small = dataclasses.replace(
        like, targets=tuple(like.targets[i] for i in chosen), value=value, log=np.zeros(M, bool), covariance=covariance
    )
    slopes = np.zeros((N, M))
    slopes[0, 0], slopes[1, 0], slopes[2, 1] = 1.0, 0.5, -2.0
    return Straight((), Names(), small, slopes=slopes), slopes, value, covariance


@pytest.fixture(scope="module")
def solved():
    compared, slopes, value, covariance = straight()
    mode = find_mode(compared)
    cloud = sample(compared, Start.at(mode), 4000, stream(1, "test"))
    precision = np.eye(N) + slopes @ np.linalg.inv(covariance) @ slopes.T
    mean = np.linalg.solve(precision, slopes @ np.linalg.inv(covariance) @ value)
    return compared, mode, cloud, mean, np.linalg.inv(precision)


def test_the_mode_of_straight_lines_is_found_exactly(solved):
    _, mode, _, mean, covariance = solved
    assert mode.z == pytest.approx(mean, abs=1e-9)
    assert np.linalg.inv(mode.precision) == pytest.approx(covariance, abs=1e-9)


def test_draws_have_the_mean_and_covariance_of_the_posterior(solved):
    _, _, cloud, mean, covariance = solved
    assert cloud.finished
    assert cloud.z.mean(axis=0) == pytest.approx(mean, abs=0.06)
    assert np.cov(cloud.z.T) == pytest.approx(covariance, abs=0.09)


def test_classes_follow_from_the_profiles(solved):
    compared, mode, cloud, _, _ = solved
    found = dict(zip(compared.known.names, profiles(compared, mode, cloud.z), strict=True))
    assert found["c"].class_name == "identified"
    assert found["d"].class_name == found["e"].class_name == "flat"
    assert found["a"].partner == "b"
    assert found["a"].correlation < -0.3
    assert Profile(0.1, 5.0, 1.0, 6.0, "x", 0.0).class_name == "one-sided"
    assert Profile(0.1, 0.2, 5.0, 6.0, "x", -0.9).class_name == "confounded"


def test_weights_count_what_they_are_worth():
    assert weights_of(np.array([0.0, 0.0, -np.inf])) == pytest.approx([0.5, 0.5, 0.0])
    assert effective(np.full(8, 1 / 8)) == pytest.approx(8)
    with pytest.raises(ValueError, match="every knee failed"):
        weights_of(np.full(3, -np.inf))


def test_a_bridge_costs_no_more_than_half_of_the_sample():
    ratio = np.random.default_rng(1).normal(0, 20, 500)
    temper = next_temper(ratio, 0.0)
    assert 0 < temper < 1
    assert effective(weights_of(temper * ratio)) == pytest.approx(250, rel=0.01)
    assert next_temper(np.zeros(500), 0.3) == 1.0


def test_resampling_keeps_draws_in_proportion_to_their_weight():
    chosen = resample(np.array([0.5, 0.25, 0.25, 0.0]), stream(3, "r"))
    assert sorted(chosen) == [0, 0, 1, 2]


def few():
    protocols = tuple(item for item in load_protocols() if item.name in CHEAP)
    names = {readout.id for item in protocols for readout in item.readouts}
    like = likelihood([target for target in likelihood().targets if target.id in names])
    return Comparison(protocols, unknowns(protocols), like)


@pytest.fixture(scope="module")
def stopped_and_whole(tmp_path_factory):
    """Two calibrations of a few cheap targets: one in one piece, one interrupted after its first stage."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make, "comparison", lambda *_: few())
        patch.setattr(make, "PRIOR_DRAWS", 4)
        patch.setattr(make, "find_mode", lambda compared: find_mode(compared, rounds=1))
        place = tmp_path_factory.mktemp("calibration")
        whole = calibrate(Order(16, 5, 1, place / "whole"), resume=False)
        stops = Order(16, 5, 1, place / "stops")
        keep = Stages.keep_cloud

        def interrupt(self, cloud):
            keep(self, cloud)
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(Stages, "keep_cloud", interrupt)
            with pytest.raises(KeyboardInterrupt):
                calibrate(stops, resume=False)
        calibrate(stops, resume=True)
        yield whole, stops


def test_interrupted_work_ends_in_the_same_bytes(stopped_and_whole):
    whole, stops = stopped_and_whole
    for name in ("draws.csv", "unknowns.csv", "targets.csv", "made.toml"):
        assert (whole / name).read_bytes() == (stops.folder / name).read_bytes()


def test_a_posterior_reads_back_with_what_became_of_every_unknown(stopped_and_whole):
    whole, _ = stopped_and_whole
    posterior = read_posterior(whole)
    assert posterior.z.shape == (16, len(posterior.names))
    assert posterior.weight.sum() == pytest.approx(1)
    assert "em_context" in posterior.names
    assert posterior.rows["rel_fgf18_cartilage"]["class"] == "unread"
    assert "rel_fgf18_cartilage" not in posterior.names


def test_stages_of_other_settings_are_refused(stopped_and_whole):
    _, stops = stopped_and_whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make, "comparison", lambda *_: few())
        with pytest.raises(InputError, match="exojoint calibrate"):
            calibrate(dataclasses.replace(stops, seed=6), resume=True)


def test_the_whole_comparison_knows_every_target():
    assert comparison().like.ids == likelihood().ids

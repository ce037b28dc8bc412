"""Who enters, in which arm, from which lot."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.core.streams import stream
from exojoint.trial.allocation import draw_participants, enrol, opening_order, permuted_blocks, ratio
from exojoint.trial.design import Allocation

BLOCKS = Allocation(block_multiples=(2, 3), strata=("kl",))


def test_arms_differ_by_at_most_half_a_block_per_stratum(fake_knee):
    roster = enrol(BLOCKS, fake_knee({"ev": 5.0}).latent(), stream(1), 100, {"ev": 100, "saline": 100}, 3)
    for code in np.unique(roster.stratum):
        inside = roster.stratum == code
        difference = (inside & (roster.arm == 0)).sum(axis=1) - (inside & (roster.arm == 1)).sum(axis=1)
        assert np.abs(difference).max() <= 3


def test_a_complete_block_holds_the_ratio(fake_knee):
    roster = enrol(
        Allocation((2,), ("kl",)), fake_knee({"ev": 5.0}).latent(), stream(2), 20, {"ev": 120, "saline": 60}, 3
    )
    for trial in range(20):
        for block in np.unique(roster.block[trial]):
            members = roster.arm[trial][roster.block[trial] == block]
            assert len(members) <= 6
            assert len(members) < 6 or (members == 1).sum() == 2
    assert np.abs((roster.arm == 0).mean(axis=1) - 2 / 3).max() < 0.03


def test_allocation_cannot_be_guessed_from_the_place_in_the_block():
    arm, block = permuted_blocks(
        Allocation((2,), ()), np.zeros((2000, 40), dtype=np.int64), ratio({"a": 1, "b": 1}), stream(3)
    )
    assert np.array_equal(block, np.tile(np.arange(40) // 4, (2000, 1)))
    assert np.abs(arm.mean(axis=0) - 0.5).max() < 4 * 0.5 / np.sqrt(2000)
    assert np.array_equal(arm.reshape(2000, 10, 4).sum(axis=2), np.full((2000, 10), 2))


def test_pool_rows_fill_places_in_proportion_to_weight():
    weights = np.random.default_rng(0).uniform(0.2, 2.0, 60)
    shares = weights / weights.sum()
    patient, copy = draw_participants(shares, stream(4), 4000, 40)
    places = np.bincount(patient.ravel(), minlength=60) / 4000
    assert np.abs(places - 40 * shares).max() < 5 * 0.5 / np.sqrt(4000)
    assert np.all(np.bincount(copy.ravel())[0] > 0.9 * copy.size)


def test_with_equal_weights_everybody_is_in_one_arm_only():
    patient, copy = draw_participants(np.full(200, 1 / 200), stream(5), 10, 200)
    assert all(np.array_equal(np.sort(row), np.arange(200)) for row in patient)
    assert copy.max() == 0


def test_participants_from_one_row_are_told_apart():
    patient, copy = draw_participants(np.full(30, 1 / 30), stream(6), 5, 100)
    for row, number in zip(patient, copy, strict=True):
        assert len(set(zip(row, number, strict=True))) == 100
    assert copy.max() == 3


def test_a_patient_without_weight_enters_no_trial():
    shares = np.array([0.0, 0.5, 0.5, 0.0])
    patient, _ = draw_participants(shares, stream(7), 200, 7)
    assert set(np.unique(patient)) == {1, 2}


def test_a_block_is_supplied_from_one_lot_and_lots_follow_each_other(fake_knee):
    roster = enrol(BLOCKS, fake_knee({"ev": 5.0}, lots=6).latent(), stream(8), 30, {"ev": 100, "saline": 100}, 3)
    ev = roster.arm == 0
    assert np.all(roster.lot[~ev] == 0)
    for trial in range(30):
        lots, blocks = roster.lot[trial][ev[trial]], roster.block[trial][ev[trial]]
        assert len(np.unique(lots)) == 3
        for block in np.unique(blocks):
            assert len(np.unique(lots[blocks == block])) == 1
        in_order = lots[np.argsort(blocks, kind="stable")]
        assert np.sum(np.diff(in_order) != 0) == 2
    assert len(np.unique(roster.lot)) == 6


def test_arms_of_one_product_share_their_lots(fake_knee):
    roster = enrol(
        BLOCKS,
        fake_knee({"low": 2.0, "high": 5.0}, lots=6).latent(),
        stream(9),
        10,
        {"low": 60, "high": 60, "saline": 60},
        2,
    )
    for trial in range(10):
        used = [set(roster.lot[trial][roster.arm[trial] == arm]) for arm in (0, 1)]
        assert used[0] == used[1]


def test_more_lots_than_the_library_has_are_not_asked_for(fake_knee):
    roster = enrol(BLOCKS, fake_knee({"ev": 5.0}, lots=2).latent(), stream(10), 5, {"ev": 40, "saline": 40}, 9)
    assert set(np.unique(roster.lot)) == {0, 1}


def test_blocks_are_numbered_as_they_open():
    assert np.array_equal(opening_order(np.array([[7, 7, 2, 7, 2, 5]])), [[0, 0, 1, 0, 1, 2]])


@pytest.mark.parametrize(
    ("sizes", "block"),
    [
        ({"a": 100, "b": 100}, [0, 1]),
        ({"a": 100, "b": 50}, [0, 0, 1]),
        ({"a": 60, "b": 60, "c": 61}, [0, 1, 2]),
        ({"a": 75, "b": 50}, [0, 0, 0, 1, 1]),
    ],
)
def test_the_smallest_block_has_the_ratio_of_the_sizes(sizes, block):
    assert ratio(sizes).tolist() == block


def test_a_ratio_that_no_block_can_hold_is_refused():
    with pytest.raises(InputError, match="small ratio"):
        ratio({"a": 1000, "b": 10})


def test_a_stratum_must_be_a_graded_covariate(fake_knee):
    latent = fake_knee({"ev": 5.0}).latent()
    with pytest.raises(InputError, match="200 levels"):
        enrol(Allocation((2,), ("bmi",)), latent, stream(1), 1, {"ev": 20, "saline": 20}, 1)
    with pytest.raises(InputError, match="not a covariate"):
        enrol(Allocation((2,), ("kll",)), latent, stream(1), 1, {"ev": 20, "saline": 20}, 1)


def test_allocation_does_not_depend_on_how_many_trials_are_drawn(fake_knee):
    latent = fake_knee({"ev": 5.0}).latent()
    few = enrol(BLOCKS, latent, stream(11), 3, {"ev": 50, "saline": 50}, 3)
    many = enrol(BLOCKS, latent, stream(11), 12, {"ev": 50, "saline": 50}, 3)
    for field in ("patient", "copy", "arm", "lot", "block", "stratum"):
        assert np.array_equal(getattr(few, field), getattr(many, field)[:3])

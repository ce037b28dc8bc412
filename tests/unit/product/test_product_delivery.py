"""From label to knee: each factor of the chain, errors at the right level, wrong doses refused."""

from dataclasses import replace

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.core.streams import stream
from exojoint.product.catalogue import load_process, load_source
from exojoint.product.delivery import deliver
from exojoint.product.lot import make_campaign, make_lot

CORD, TANK = load_source("umbilical_cord"), load_process("bioreactor_tff")
LOT = make_campaign(CORD, TANK, {}, stream(3, "lots"), 1).released[0]
VISIT = stream(3, "administration", 0)
EXACT = {
    "cv_fill": 0.0, "rel_count": 1.0,
    "frac_recovery_thaw": 1.0, "frac_recovery_adsorption": 1.0, "frac_recovery_needle": 1.0,
}  # fmt: skip


def given(lot=LOT, label=5e11, volume=4.0, ids=range(5), **knowledge):
    return deliver(lot, label, volume, VISIT, np.array(ids), EXACT | knowledge)


def test_a_perfect_chain_delivers_the_label():
    done = given(replace(LOT, count_error=1.0))
    assert done.particles == pytest.approx(np.full(5, 5e11))
    assert done.warnings == ()


@pytest.mark.parametrize(
    ("name", "value", "factor"),
    [
        ("rel_count", 1.6, 1.6),
        ("frac_recovery_thaw", 0.8, 0.8),
        ("frac_recovery_adsorption", 0.7, 0.7),
        ("frac_recovery_needle", 0.9, 0.9),
    ],
)
def test_each_factor_multiplies_the_label(name, value, factor):
    assert given(**{name: value}).particles == pytest.approx(given().particles * factor)


def test_the_count_error_of_a_lot_is_shared_by_all_its_vials():
    lot = replace(LOT, count_error=1.3)
    assert given(lot, ids=range(50)).particles == pytest.approx(np.full(50, 5e11 * 1.3))


def test_counts_by_mrps_and_nano_flow_are_divided_by_the_method_ratio():
    for method in ("mrps", "nano_flow"):
        done = given(replace(LOT, count_method=method), ratio_mrps_nta=8.0)
        assert done.particles == pytest.approx(given().particles / 8)
        assert done.factors["method_ratio"] == 1 / 8


def test_fill_errors_belong_to_the_administration():
    done = deliver(LOT, 5e11, 4.0, VISIT, np.arange(4000), EXACT | {"cv_fill": 0.05})
    fill = done.particles / (5e11 * LOT.count_error)
    assert np.log(fill).std() == pytest.approx(0.05, rel=0.05)
    assert np.median(fill) == pytest.approx(1, abs=0.005)
    one = deliver(LOT, 5e11, 4.0, VISIT, np.array([1234]), EXACT | {"cv_fill": 0.05})
    assert one.particles[0] == done.particles[1234]
    next_visit = deliver(LOT, 5e11, 4.0, stream(3, "administration", 28), np.arange(5), EXACT | {"cv_fill": 0.05})
    assert not np.any(next_visit.particles == done.particles[:5])


def test_endotoxin_is_its_concentration_times_the_volume():
    done = given(replace(LOT, endotoxin_eu_per_ml=0.2), volume=5.0)
    assert done.endotoxin_eu == pytest.approx(np.ones(5))


def test_a_label_of_nothing_delivers_nothing():
    assert np.all(given(label=0.0).particles == 0)


def test_the_table_s_own_chain_loses_a_quarter():
    done = deliver(LOT, 1.0, 4.0, VISIT, np.array([0]), {})
    recovery = done.factors["recovery_thaw"] * done.factors["recovery_adsorption"] * done.factors["recovery_needle"]
    assert recovery == pytest.approx(0.85 * 0.9 * 0.97)


@pytest.mark.parametrize(
    ("label", "volume", "word"),
    [
        (-1.0, 4.0, "dose"),
        (float("nan"), 4.0, "dose"),
        (float("inf"), 4.0, "dose"),
        (1e11, 0.0, "volume"),
        (1e11, -1.0, "volume"),
    ],
)
def test_an_impossible_dose_is_refused(label, volume, word):
    with pytest.raises(InputError, match=word):
        given(label=label, volume=volume)


def test_all_wrong_things_are_said_at_once():
    with pytest.raises(InputError) as caught:
        given(replace(LOT, count_method="trps"), label=-1.0, volume=0.0)
    assert len(caught.value.problems) == 3


def test_a_lot_too_thin_for_the_label_is_said():
    done = given(replace(LOT, particles_per_ml=1e9))
    assert any("concentrated 125-fold" in warning for warning in done.warnings)


def test_an_unreleased_lot_is_said_with_its_reasons():
    failed = next(
        lot
        for index in range(60)
        if not (lot := make_lot(load_source("adipose"), load_process("flask_uc"), {}, stream(4), index)).released
    )
    assert any("was not released" in warning for warning in given(failed).warnings)

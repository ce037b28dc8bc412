"""Levers combine by their kind, in any order, and refuse what no biology can do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.joint.levers import combine, neutral
from exojoint.joint.model import load_joint

LEVERS = load_joint().levers


def test_no_contribution_leaves_every_lever_neutral():
    values = combine(LEVERS, [])
    assert values == neutral(LEVERS)
    assert len(values) == 18 + 3 * 10


def test_products_multiply_sums_add_and_shares_cover():
    values = combine(
        LEVERS,
        [
            {"mediator_output": 0.5, "imprint_drive": 0.2, "regulatory_signal": 0.5},
            {"mediator_output": 0.4, "imprint_drive": 0.3, "regulatory_signal": 0.2},
        ],
    )
    assert values["mediator_output"] == pytest.approx(0.2)
    assert values["imprint_drive"] == pytest.approx(0.5)
    assert values["regulatory_signal"] == pytest.approx(0.6)


def test_one_contribution_is_taken_as_it_is():
    values = combine(LEVERS, [{"regulatory_signal": 0.3, "load": 0.9, "collagen_loss_2": 1.7}])
    assert (values["regulatory_signal"], values["load"], values["collagen_loss_2"]) == (0.3, 0.9, 1.7)


def test_order_of_treatments_does_not_matter():
    parts = [{"load": 0.9, "regulatory_signal": s, "rest_growth": s, "local_analgesia": s} for s in (0.1, 0.33, 0.7)]
    results = [combine(LEVERS, order) for order in itertools.permutations(parts)]
    for result in results:
        assert result == pytest.approx(results[0], rel=1e-15)


def test_local_analgesia_cannot_pass_one_outside_the_reference():
    both = [{"local_analgesia": 0.7}, {"local_analgesia": 0.6}]
    assert combine(LEVERS, both)["local_analgesia"] == pytest.approx(0.88)
    reference = load_joint("human", "reference_0_1").levers
    assert combine(reference, both)["local_analgesia"] == pytest.approx(1.3)


@pytest.mark.parametrize(
    ("contribution", "message"),
    [
        ({"mediator_output": -0.1}, "factor that is not negative"),
        ({"regulatory_signal": 1.2}, "share between 0 and 1"),
        ({"regulatory_signal": np.array([0.5, 1.2])}, "share between 0 and 1"),
        ({"mediater_output": 1.0}, 'Did you mean "mediator_output"'),
        ({"collagen_loss": 1.0}, "no lever `collagen_loss`"),
    ],
)
def test_wrong_contributions_are_refused(contribution, message):
    with pytest.raises(InputError, match=message):
        combine(LEVERS, [contribution])


def test_sums_may_be_negative():
    assert combine(LEVERS, [{"weight_change": -5.0}])["weight_change"] == -5.0

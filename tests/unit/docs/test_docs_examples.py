"""The examples run as they are, quickly, and show what they say."""

from __future__ import annotations

import runpy
import time

import numpy as np
import pytest

EXAMPLES = ("one_patient", "lot_to_dose", "small_trial")


@pytest.fixture(scope="module")
def ran(root):
    """What each example leaves behind, and how long it took on this processor (s)."""
    found = {}
    for name in EXAMPLES:
        start = time.process_time()
        names = runpy.run_path(str(root / "examples" / f"{name}.py"), run_name="example")
        found[name] = (names, time.process_time() - start)
    return found


def test_every_example_is_executed(root):
    assert sorted(path.stem for path in (root / "examples").glob("*.py")) == sorted(EXAMPLES)


def test_examples_take_seconds(ran):
    assert sum(seconds for _names, seconds in ran.values()) < 20.0


def test_vesicles_add_to_what_their_vehicle_does(ran):
    names, _ = ran["one_patient"]
    pain = names["pain"]
    np.testing.assert_allclose(pain[:, 0], 55.0, atol=0.1)
    assert pain[1, 4] < 55.0, "the vehicle alone helps"
    assert pain[0, 4] < pain[1, 4], "vesicles help more"
    assert np.abs(names["null"][0] - names["null"][1]).max() < 0.01, "without potency they do not"


def test_a_label_is_not_what_arrives(ran):
    names, _ = ran["lot_to_dose"]
    assert len(names["campaign"].released) == 6
    assert 1e11 < names["middle"] < 2e12
    assert names["given"].particles.std() > 0
    assert (names["empty"].particles == 0).all()


def test_the_small_trial_is_honest(ran):
    names, _ = ran["small_trial"]
    assert names["rested"].settled.all()
    assert names["found"]["converged"].all()
    assert names["truth"] < 0
    assert names["covered"] >= 15, "of 20 intervals of 95 %"
    assert names["wrong"] <= 5, "of 20 null trials at 5 %"


def test_examples_are_percent_notebooks(root):
    for name in EXAMPLES:
        text = (root / "examples" / f"{name}.py").read_text(encoding="utf-8")
        assert text.startswith("# %% [markdown]\n# # ")
        assert text.count("# %%") >= 6

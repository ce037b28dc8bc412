"""One knowledge draw moves every uncertain number; the origin is the table as written."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from exojoint.core.errors import InputError
from exojoint.core.knowledge import knowledge_space
from exojoint.core.tables import COLUMNS, read_parameters

ROWS = {
    "k_a": (0.3, "lognormal(0.5)"),
    "w_1": (0.1, "dirichlet(weights, 50)"),
    "frac_b": (0.15, "lognormal(0.5) [0.01, 0.3]"),
    "w_2": (0.3, "dirichlet(weights, 50)"),
    "fixed": (7.0, "fixed"),
    "frac_c": (0.07, "logitnormal(0.4)"),
    "w_3": (0.6, "dirichlet(weights, 50)"),
    "p_d": (0.286, "beta(3, 7)"),
    "e": (0.1, "normal(3)"),
    "f": (0.2, "uniform [0.1, 0.3]"),
    "v_1": (1.5, "dirichlet(sums_to_two)"),
    "v_2": (0.5, "dirichlet(sums_to_two)"),
    "dose": (0.0, "input"),
}


def table(tmp_path, rows=ROWS):
    lines = [f'{name},{value},1,"{uncertainty}",none,assumed,,assumed,,' for name, (value, uncertainty) in rows.items()]
    path = tmp_path / "parameters.csv"
    path.write_text("\n".join((",".join(COLUMNS), *lines)) + "\n", encoding="utf-8")
    return read_parameters(path)


@pytest.fixture
def space(tmp_path):
    return knowledge_space(table(tmp_path))


@pytest.fixture
def drawn(space):
    return space.values(np.random.default_rng(1).normal(size=(20_000, space.n_axes)))


def test_only_uncertain_rows_have_an_axis(space):
    assert space.names == tuple(name for name in ROWS if name not in ("fixed", "dose"))
    assert space.n_axes == 11
    assert space.groups == {"weights": ("w_1", "w_2", "w_3"), "sums_to_two": ("v_1", "v_2")}


def test_the_origin_is_the_table_exactly(space):
    for z in (np.zeros(space.n_axes), np.zeros((3, space.n_axes))):
        values = space.values(z)
        assert set(values) == set(space.names)
        for name, value in values.items():
            assert (value == ROWS[name][0]).all(), name


def test_a_row_of_zeros_among_draws_is_the_table_too(space):
    z = np.random.default_rng(2).normal(size=(5, space.n_axes))
    z[3] = 0.0
    values = space.values(z)
    assert [value[3] for value in values.values()] == [ROWS[name][0] for name in values]


def test_draws_are_continuous_at_the_origin(space):
    near = space.values(np.full(space.n_axes, 1e-9))
    for name, value in near.items():
        assert value[0] == pytest.approx(ROWS[name][0], rel=2e-3), name


def test_each_axis_moves_its_own_number_and_its_group_only(space):
    origin = space.values(np.zeros(space.n_axes))
    for axis, name in enumerate(space.names):
        z = np.zeros(space.n_axes)
        z[axis] = 1.0
        moved = {other for other, value in space.values(z).items() if value[0] != origin[other][0]}
        group = next((set(members) for members in space.groups.values() if name in members), {name})
        assert moved == group
        assert space.values(z)[name][0] > origin[name][0]


def test_weights_keep_their_sum_and_stay_positive(drawn):
    weights = np.stack([drawn[f"w_{i}"] for i in (1, 2, 3)])
    np.testing.assert_allclose(weights.sum(axis=0), 1.0, rtol=1e-12)
    np.testing.assert_allclose(drawn["v_1"] + drawn["v_2"], 2.0, rtol=1e-12)
    assert weights.min() > 0


def test_weights_spread_like_the_dirichlet_they_stand_for(drawn):
    for i, weight in enumerate((0.1, 0.3, 0.6), start=1):
        sd_of_dirichlet = np.sqrt(weight * (1 - weight) / 51)
        assert drawn[f"w_{i}"].std() == pytest.approx(sd_of_dirichlet, rel=0.12)


def test_single_numbers_have_the_distribution_of_their_cell(drawn):
    assert stats.kstest(drawn["k_a"], stats.lognorm(0.5, scale=0.3).cdf).pvalue > 1e-3
    assert stats.kstest(drawn["p_d"], stats.beta(3, 7).cdf).pvalue > 1e-3
    assert stats.kstest(drawn["e"], stats.norm(0.1, 3).cdf).pvalue > 1e-3
    assert stats.kstest(drawn["f"], stats.uniform(0.1, 0.2).cdf).pvalue > 1e-3
    assert drawn["frac_b"].min() >= 0.01
    assert drawn["frac_b"].max() <= 0.3
    assert np.median(drawn["frac_b"]) == pytest.approx(0.15, rel=0.02)


def test_z_of_another_width_is_a_mistake_of_the_programmer(space):
    with pytest.raises(ValueError, match="10 columns for 11 axes"):
        space.values(np.zeros((2, 10)))


def test_a_weight_alone_in_its_group_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"row 2 `a`: is alone in the group 'g'"):
        knowledge_space(table(tmp_path, {"a": (1.0, "dirichlet(g)"), "b": (1.0, "fixed")}))


def test_members_of_a_group_agree_on_its_concentration(tmp_path):
    rows = {"a": (0.5, "dirichlet(g, 50)"), "b": (0.5, "dirichlet(g, 20)")}
    with pytest.raises(InputError, match=r"row 3 `b`: has another concentration.*dirichlet\(g, 50\) as in .*row 2 `a`"):
        knowledge_space(table(tmp_path, rows))


def test_a_table_without_unknowns_has_no_axes(tmp_path):
    space = knowledge_space(table(tmp_path, {"a": (1.0, "fixed")}))
    assert space.n_axes == 0
    assert space.values(np.zeros((4, 0))) == {}

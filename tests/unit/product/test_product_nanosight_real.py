"""The two real NanoSight exports (100 nm beads, tidyNano, MIT) against every figure of the specification."""

import pytest

from exojoint.product.instruments.checks import bead_evidence


def test_header_and_videos_of_both_versions(beads_32, beads_34):
    assert (beads_32.software, len(beads_32.videos)) == ("NTA 3.2 Dev Build 3.2.16", 12)
    assert (beads_34.software, len(beads_34.videos)) == ("NTA 3.4 Build 3.4.003", 5)
    assert beads_34.sample.name == "100nmbeads"
    assert beads_34.sample.diluent == "PBS"
    assert beads_34.sample.captured == "11:52:04  16/06/2020"
    assert beads_32.sample.remarks.startswith(
        "Created from combined experiments: std_10000_yes_2_.nano, std_10000_no_2_"
    )
    assert beads_32.videos[3].name == "std_10000_no_2_00"
    assert beads_32.videos[0].valid_tracks == 4286
    assert beads_34.videos[1].diameters.mode == 98.2


def test_bins_are_a_thousand_of_one_nanometre(beads_32, beads_34):
    for experiment in (beads_32, beads_34):
        assert experiment.bins.centres_nm.size == 1000
        assert experiment.bins.centres_nm[[0, -1]].tolist() == [0.5, 999.5]
        assert experiment.bins.edges_nm[[0, -1]].tolist() == [0.0, 1000.0]
        assert experiment.bins.percentiles_nm.shape == (101, len(experiment.videos))


def test_bins_add_up_to_the_concentration(beads_32, beads_34):
    for experiment, low, high in ((beads_32, 0.997, 1.003), (beads_34, 0.9993, 1.0002)):
        ratio = experiment.bins.particles_per_ml.sum(axis=0) / experiment.concentrations_per_ml
        digits = len(str(low)) - 2
        assert (ratio.min().round(digits), ratio.max().round(digits)) == (low, high)


def test_average_and_standard_error_are_those_of_the_file(beads_32, beads_34):
    assert beads_34.concentration_per_ml == pytest.approx(6.092e12, rel=1e-4)
    assert beads_34.standard_error_per_ml == pytest.approx(6.65e10, rel=1e-3)
    assert beads_34.printed["Concentration (Particles / ml)"] == (6.09e12, 6.67e10)
    assert beads_32.concentration_per_ml == pytest.approx(1.467e9, rel=1e-3)
    assert beads_32.standard_error_per_ml == pytest.approx(1.076e8, rel=1e-3)
    assert beads_32.printed["Concentration (Particles / ml)"] == (1.47e9, 1.07e8)


def test_spread_between_videos_shows_mixed_camera_levels(beads_32, beads_34):
    assert 100 * beads_34.video_cv == pytest.approx(2.44, abs=0.005)
    assert 100 * beads_32.video_cv == pytest.approx(25.4, abs=0.05)
    assert sum("Camera Level 15, 10" in warning for warning in beads_32.warnings) == 1
    assert not any("different settings" in warning for warning in beads_34.warnings)


def test_mean_diameter_is_the_weighted_mean_of_the_bins(beads_32, beads_34):
    for experiment, expected in (
        (beads_34, [100.5, 103.0, 101.5, 101.5, 101.2]),
        (beads_32, [98.7, 97.9, 99.4, 96.4, 97.2]),
    ):
        for index, mean in enumerate(expected):
            assert experiment.videos[index].diameters.mean == mean
            assert experiment.video_size(index).mean == pytest.approx(mean, abs=0.051)
            assert experiment.video_size(index).sd == pytest.approx(experiment.videos[index].diameters.sd, abs=0.051)


def test_percentiles_follow_the_edge_convention_of_the_version(beads_32, beads_34):
    """3.4 interpolates on upper bin edges as we do; 3.2 on lower ones, one bin smaller."""
    for experiment, shift, medians in (
        (beads_34, 0.0, [98.6, 99.7, 101.0, 100.2, 99.6]),
        (beads_32, -1.0, [96.0, 95.0, 97.0, 94.7, 95.1]),
    ):
        assert [video.diameters.d50 for video in experiment.videos[:5]] == medians
        for index, video in enumerate(experiment.videos):
            size = experiment.video_size(index)
            printed = (video.diameters.d10, video.diameters.d50, video.diameters.d90)
            assert (size.d10 + shift, size.d50 + shift, size.d90 + shift) == pytest.approx(printed, abs=0.051)


def test_percentile_table_repeats_the_printed_diameters(beads_32, beads_34):
    for experiment in (beads_32, beads_34):
        table = experiment.bins.percentiles_nm
        for index, video in enumerate(experiment.videos):
            diameters = video.diameters
            assert table[[10, 50, 90], index].tolist() == [diameters.d10, diameters.d50, diameters.d90]


def test_dilution_is_kept_and_never_applied(beads_32, beads_34):
    assert beads_34.dilution == 1e4
    assert beads_32.dilution is None
    assert beads_34.videos[0].concentration_per_ml == 5.91e12
    assert any("dilution was not recorded" in warning for warning in beads_32.warnings)


def test_temperature_is_the_mean_of_the_videos(beads_32, beads_34):
    assert beads_34.temperature_c == 22.0
    assert beads_32.temperature_c == pytest.approx(22.0547, abs=0.0001)


def test_no_number_of_the_real_files_deviates(beads_32, beads_34):
    for experiment in (beads_32, beads_34):
        assert not any("printed" in warning or "add up" in warning for warning in experiment.warnings)
    assert len(beads_32.warnings) == 3
    assert beads_34.warnings == (
        "the instrument reports under [Information], Vibration detected: Minor vibration; Moderate vibration",
    )


def test_both_real_files_are_recognised_as_beads(beads_32, beads_34):
    assert bead_evidence(beads_32)
    assert bead_evidence(beads_34)

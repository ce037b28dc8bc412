"""Wrong files: one clear message each, never a traceback, never the whole of a huge file in memory."""

import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exojoint.core.errors import InputError
from exojoint.product.instruments.nanosight import parse_nanosight, read_nanosight


def refusal(data, *words):
    with pytest.raises(InputError) as caught:
        parse_nanosight(data, "lot.csv")
    return _complete(caught.value, *words)


def _complete(error, *words):
    assert len(error.problems) == 1
    problem = error.problems[0]
    assert problem.where
    assert problem.what
    assert problem.expected
    assert problem.todo
    for word in words:
        assert word in str(error)
    return str(error)


def test_a_synthetic_file_of_either_version_reads_without_a_deviation(synthetic):
    for version in ("3.2", "3.4"):
        experiment = parse_nanosight(synthetic(version), "lot.csv")
        assert experiment.warnings == ()
        assert len(experiment.videos) == 3
        assert experiment.dilution == 500


def test_missing_file_folder_and_unusable_paths_are_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path, tmp_path / ("x" * 5000)):
        with pytest.raises(InputError) as caught:
            read_nanosight(path)
        _complete(caught.value)


def test_three_gigabytes_of_zeros_are_refused_at_once_without_reading_them(tmp_path):
    path = tmp_path / "zeros.csv"
    with path.open("wb") as stream:
        os.truncate(stream.fileno(), 3_000_000_000)
    start = time.perf_counter()
    with pytest.raises(InputError, match="20,000,000 bytes"):
        read_nanosight(path)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"\r\n \t\r\n", "blanks"),
        (bytes(5000), "zeros"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG"),
        (b"PK\x03\x04rest", "xlsx"),
        (b"%PDF-1.7", "PDF"),
        (b"FCS3.0    256", "FCS"),
        (bytes(range(256)) * 4, "control character"),
        (b"hello, world", "begins with 'hello'"),
        (b"NTA Experiment Summary File;;;\r\n", "semicolons"),
        (b"NTA Single Analysis Summary File,\r\n", "single video"),
        (b"NTA Experiment Summary File,\r\n", "the file ends"),
        (b"NTA Experiment Summary File,\r\nCreated with NTA 2.3 Build 11,\r\n", "NTA 3"),
        (b'NTA Experiment Summary File,\r\n"never closed', "line 2"),
    ],
)
def test_what_is_not_an_export_is_refused_by_name(data, word):
    refusal(data, "lot.csv", word)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_another_encoding_is_named_with_the_way_to_convert_it(synthetic, encoding):
    data = synthetic().decode().encode(encoding)
    refusal(data, encoding[:6].upper(), "iconv")


def test_an_ibm_encoding_is_refused_as_no_text(synthetic):
    refusal(synthetic().decode().encode("cp500"), "control character")


def test_the_encodings_of_the_software_are_all_read(synthetic):
    text = synthetic().decode().replace("Diluent,PBS", "Diluent,PBS 20 µL")
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "latin-1"):
        experiment = parse_nanosight(text.encode(encoding), "lot.csv")
        assert experiment.sample.diluent == "PBS 20 µL"
        assert any("outside ASCII" in warning for warning in experiment.warnings) is encoding.startswith(
            ("cp", "latin")
        )


def test_a_file_cut_anywhere_is_refused_with_its_line(synthetic):
    data = synthetic().rstrip(b"\r\n,")
    for end in [*range(30, len(data) - 10, 613), len(data) - 7]:
        message = refusal(data[:end], "lot.csv")
        assert "line" in message


def test_a_huge_line_is_refused(synthetic):
    data = synthetic().replace(b"Diluent,PBS", b"Diluent," + b"P" * 300_000)
    refusal(data, "300,008 characters", "line 7")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"Temperature/C,22.5", b"Temperature/C,warm", ("'warm'", "Temperature/C", "line 12")),
        (b"Concentration (Particles / ml),1.00e+11", b"Concentration (Particles / ml),NaN", ("'NaN'", "not a number")),
        (b"Concentration (Particles / ml),1.00e+11", b"Concentration (Particles / ml),inf", ("'inf'", "not a number")),
        (
            b"Concentration (Particles / ml),1.00e+11",
            b"Concentration (Particles / ml),-1e9",
            ("'-1e9'", "out of range"),
        ),
        (
            b"Concentration (Particles / ml),1.00e+11",
            b"Concentration (Particles / ml),1e300",
            ("out of range", "1e+16"),
        ),
        (
            b"Concentration (Particles / ml),1.00e+11",
            b'Concentration (Particles / ml),"1,5"',
            ("'1,5'", "decimal point"),
        ),
        (b"5.00e+02", b"0", ("Dilution factor", "out of range")),
        (b"\r\n3.5,", b"\r\n3.7,", ("3.7", "one step")),
        (b"\r\n0.5,", b"\r\n-0.5,", ("-0.5", "out of range")),
        (b"[Conditions],", b"[Results],", ("[Results]", "twice")),
        (b"Camera Level", b"Temperature/C", ("Temperature/C", "twice", "line 13")),
        (b"[Size Data],", b"[Sizes],", ("[Size Data]", "missing", "cut off")),
        (b"Weighting,Number", b"Weighting,Volume", ("0 blocks", "Weighting,Number")),
        (b"Graph Data", b"Graph", ("Graph Data", "missing")),
        (b"Percentile,", b"Percent,", ("percentiles", "cut off")),
        (b"Filename,vesicles_00,", b"Filename,vesicles_09,", ("another order",)),
        (b"vesicles_00", b"vesicles_01", ("same name",)),
        (b"D50,", b"D55,", ("D50", "missing")),
        (b"\r\n50,", b"\r\n51,", ("percentile table",)),
        (b"\r\n60,", b"\r\n60,1.0,", ("4 values", "decimal point")),
        (b"Mode,", b"Mode,1,5,2,5,3,5,", ("Mode", "decimal point")),
    ],
)
def test_one_wrong_cell_is_named_with_line_and_expectation(synthetic, old, new, words):
    data = synthetic()
    assert old in data
    refusal(data.replace(old, new), *words)


def test_a_file_of_other_weightings_gives_the_number_block(synthetic):
    data = synthetic()
    block = data[data.index(b"Weighting,Number") :]
    twice = data + b"\r\n" + block.replace(b"Weighting,Number", b"Weighting,Volume").replace(b"D50,", b"D50,9")
    experiment = parse_nanosight(twice, "lot.csv")
    assert experiment.warnings == ()


def test_an_export_without_averages_is_read_and_computed(synthetic):
    text = synthetic(videos=2).decode()
    bare = text.replace(",Average,Standard Error", "").replace(",Concentration average,Standard Error", "")
    experiment = parse_nanosight(bare.encode(), "lot.csv")
    whole = parse_nanosight(text.encode(), "lot.csv")
    assert experiment.printed == {}
    assert experiment.bins.average == pytest.approx(whole.bins.average, abs=1)
    assert experiment.bins.standard_error == pytest.approx(whole.bins.standard_error, abs=1)


def test_a_single_video_has_no_spread(synthetic):
    experiment = parse_nanosight(synthetic(videos=1), "lot.csv")
    assert experiment.video_cv is None
    assert experiment.standard_error_per_ml is None
    assert experiment.warnings == ()


def test_a_percentile_below_the_one_before_is_refused(synthetic):
    lines = synthetic().split(b"\r\n")
    row = next(i for i, line in enumerate(lines) if line.startswith(b"100,"))
    lines[row] = b"100,1.0,2.0,3.0"
    refusal(b"\r\n".join(lines), "smaller than the one before", f"line {row + 1}")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"Mean,", b"Mean,9", "mean 9"),
        (b"D50,", b"D50,9", "D50 9"),
        (b"Concentration (Particles / ml),1.00e+11", b"Concentration (Particles / ml),1.10e+11", "add up"),
        (b"Camera Level,14", b"Camera Level,15", "Camera Level 15, 14"),
        (b"Vibration detected,No", b"Vibration detected,Severe vibration", "Severe vibration"),
        (b"Created with NTA 3.4", b"Created with NTA 3.9", "never checked on a real file"),
        (b"5.00e+02", b"2.00e+00", "linear range"),
        (b"factor),5.00e+02", b"factor),4.00e+02", "different dilutions"),
        (b"5.00e+02", b"Not recorded", "not recorded"),
    ],
)
def test_an_odd_measurement_is_read_with_a_warning(synthetic, old, new, words):
    data = synthetic()
    assert old in data
    experiment = parse_nanosight(data.replace(old, new), "lot.csv")
    assert any(words in warning for warning in experiment.warnings)


def test_wrong_average_columns_are_reported_with_the_worst_bin(synthetic):
    lines = synthetic().split(b"\r\n")
    row = next(i for i, line in enumerate(lines) if line.startswith(b"130.5,"))
    cells = lines[row].split(b",")
    lines[row] = b",".join([*cells[:-2], b"1", b"2"])
    warnings = parse_nanosight(b"\r\n".join(lines), "lot.csv").warnings
    assert sum("worst at 130.5 nm" in warning for warning in warnings) == 2


CELLS = st.sampled_from(
    [b"NaN", b"-1", b"1e999", b"", b"0", b"\x00", b'"', b",", b"\r\n", b"\xff", b"[Results]", b"1e-300"]
)
CUTS = st.tuples(st.floats(0, 1), st.integers(0, 60), CELLS | st.binary(max_size=20))


def _mutated(data, cuts):
    for place, length, put in cuts:
        at = int(place**3 * len(data))  # most cuts in the first, crowded part of the file
        data = data[:at] + put + data[at + length :]
    return data


def _only_input_errors(data):
    try:
        parse_nanosight(data, "lot.csv")
    except InputError as error:
        _complete(error)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts=st.lists(CUTS, min_size=1, max_size=4))
def test_a_mutated_file_reads_or_is_refused_and_nothing_else(synthetic, cuts):
    _only_input_errors(_mutated(synthetic(), cuts))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts=st.lists(CUTS, min_size=1, max_size=4), version=st.sampled_from(["3.2", "3.4"]))
def test_a_mutated_real_file_reads_or_is_refused_and_nothing_else(shared, cuts, version):
    _only_input_errors(_mutated((shared / "data" / "nta" / f"nanosight_{version}_beads_100nm.csv").read_bytes(), cuts))


@settings(max_examples=200, deadline=None)
@given(
    data=st.binary(max_size=400),
    start=st.sampled_from([b"", b"NTA Experiment Summary File,\r\nCreated with NTA 3.4,\r\n"]),
)
def test_random_bytes_are_refused(data, start):
    with pytest.raises(InputError):
        parse_nanosight(start + data, "lot.csv")

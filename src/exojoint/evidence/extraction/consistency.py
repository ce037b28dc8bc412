"""What must hold between the cells of one record: an interval around its effect, events within groups, named SDs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from exojoint.core.errors import Problem
from exojoint.evidence.extraction.schema import Value

Values = Mapping[str, Value]
NUMBERS = (
    "n_t", "mean_t", "sd_t", "n_c", "mean_c", "sd_c", "events_t", "events_c", "effect", "effect_low", "effect_high",
    "effect_se", "i2_percent",
)  # fmt: skip
RATIOS = ("RR", "OR", "HR")
ROUNDING = 1e-9  # of a share, so that a printed end that equals the effect is not refused


def _get(row: Values, name: str) -> float | None:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else None


def check_row(row: Values, where: str) -> list[Problem]:
    """Return a problem for each contradiction between the cells of one row.

    Parameters
    ----------
    row : mapping of column to value
        Typed cells; missing ones are None or absent.
    where : str
        Place for the messages.
    """
    return [Problem(where, *words) for rule in RULES for words in rule(row)]


Words = tuple[str, str, str]


def _signs(row: Values) -> Iterator[Words]:
    for name in ("n_t", "n_c", "k_studies", "n_participants", "n_total", "n_injections"):
        value = _get(row, name)
        if value is not None and value < 1:
            yield f"{name} is {value:g}", "at least 1", "Correct the count."
    for name in ("sd_t", "sd_c", "effect_se", "time_days", "events_t", "events_c", "dose_value", "volume_ul"):
        value = _get(row, name)
        if value is not None and value < 0:
            yield f"{name} is {value:g}", "a number not below 0", "Was a sign lost or added?"
    for name, top in (("i2_percent", 100.0), ("level", 1.0)):
        value = _get(row, name)
        if value is not None and not 0 <= value <= top:
            yield f"{name} is {value:g}", f"between 0 and {top:g}", "Correct the cell."


def _interval(row: Values) -> Iterator[Words]:
    low, effect, high = (_get(row, name) for name in ("effect_low", "effect", "effect_high"))
    if low is not None and high is not None and low > high:
        yield f"the interval runs from {low:g} to {high:g}", "effect_low <= effect_high", "Exchange the two ends."
    elif effect is not None:
        slack = ROUNDING * max(abs(effect), 1.0)
        if (low is not None and effect < low - slack) or (high is not None and effect > high + slack):
            yield f"effect {effect:g} lies outside its interval", "effect_low <= effect <= effect_high", "Check signs."
    if effect is None and (low is not None or high is not None):
        yield "has an interval but no effect", "an effect between its ends", "Fill `effect`."
    if row.get("measure") in RATIOS:
        for name in ("effect", "effect_low", "effect_high"):
            value = _get(row, name)
            if value is not None and value <= 0:
                yield f"{name} is {value:g} for a ratio", "a ratio above 0, not its logarithm", "Write the ratio."
    if effect is not None and row.get("measure") is None:
        yield "has an effect without a measure", "MD, SMD, RR ...", "Fill `measure`."


def _groups(row: Values) -> Iterator[Words]:
    for side in ("t", "c"):
        n, events = _get(row, f"n_{side}"), _get(row, f"events_{side}")
        if n is not None and events is not None and events > n:
            yield f"events_{side} is {events:g} of {n:g}", f"at most n_{side}", "Count patients, not events."
    spread = [name for name in ("sd_t", "sd_c") if _get(row, name) is not None]
    if spread and row.get("error_type") is None:
        what = f"{' and '.join(spread)} may be an SD or a standard error"
        yield what, "error_type SD, SEM, CI or unclear", "Say which; `unclear` is an answer."


def _scale(row: Values) -> Iterator[Words]:
    low, high = _get(row, "scale_min"), _get(row, "scale_max")
    if low is None or high is None:
        return
    if low >= high:
        yield f"the scale runs from {low:g} to {high:g}", "scale_min < scale_max", "Exchange the two ends."
    reach = (high - low) * (1 + ROUNDING)
    for name in ("mean_t", "mean_c"):
        value = _get(row, name)
        if value is not None and low < high and not -reach <= value - min(low, 0.0) <= 2 * reach:
            yield f"{name} {value:g} is off the scale {low:g} to {high:g}", "a mean or a change on the scale", "Check."


def _recollection(row: Values) -> Iterator[Words]:
    if row.get("verified") in ("recalled", "not_found"):
        filled = [name for name in NUMBERS if row.get(name) is not None]
        if filled:
            what = f"is {row['verified']} but has numbers ({', '.join(filled)})"
            yield what, "no number that nobody saw", "Move them to the note, or say where they were seen."


RULES: tuple[Callable[[Values], Iterator[Words]], ...] = (_signs, _interval, _groups, _scale, _recollection)

"""One depth zone of articular cartilage, used three times, and the regions outside the index column."""

from __future__ import annotations

from exojoint.joint.shapes import Value, saturating, saturating_square
from exojoint.joint.views import View


def thickness(x: View, p: View) -> Value:
    """Return the zone's share of the relative thickness of the index column, from its collagen and aggrecan."""
    swollen = p.frac_thickness_collagen * x.collagen + (1 - p.frac_thickness_collagen) * x.aggrecan
    return p.frac_zone * swollen


def matrix_loss(x: View, p: View) -> Value:
    """Return the signal of lost aggrecan, 1 at the zone's reference aggrecan, larger when it is gone."""
    return (p.aggrecan_ref + p.matrix_loss_offset) / (x.aggrecan + p.matrix_loss_offset)


def aggrecanase_flux(x: View, p: View, lever: View) -> Value:
    """Return the aggrecan that ADAMTS5 cuts per day; its fragments enter the synovial fluid."""
    return p.k_aggrecanase * x.adamts5 * lever.aggrecanase_activity * p.rel_turnover * x.aggrecan


def args_flux(x: View, p: View, lever: View) -> Value:
    """Return the fragments with an ARGS end that reach the synovial fluid per day.

    An intact matrix holds most of what is cut in it back; one that has lost its aggrecan lets it go.
    """
    lost = matrix_loss(x, p)
    return aggrecanase_flux(x, p, lever) * (1 - p.w_args_escape + p.w_args_escape * lost * lost * lost)


def collagen_flux(x: View, p: View, lever: View, wear: Value) -> Value:
    """Return the collagen lost per day: cut by MMP13 where aggrecan no longer shields it, and worn by load."""
    exposed = (1 + p.gain_collagen_exposure * matrix_loss(x, p)) / (1 + p.gain_collagen_exposure)
    cut = p.rel_injury_enzymatic * p.rel_collagenase * p.k_collagenase * x.mmp13 * exposed
    worn = p.rel_injury_mechanical * p.rel_collagen_wear * p.k_collagen_wear * wear
    return p.rel_turnover * (cut + worn) * x.collagen * lever.collagen_loss


def zone_rates(x: View, p: View, lever: View, inflammation: Value, overload: Value, wear: Value) -> dict[str, Value]:
    """Return the rates of the seven states of one zone.

    Parameters
    ----------
    x, p, lever : namespace
        States, parameters and levers as the zone sees them.
    inflammation : value
        Inflammatory signal that cartilage sees, 1 in the reference knee.
    overload : value
        Mechanical overload, 1 in the reference knee.
    wear : value
        Wear of collagen that follows from it, 1 in the reference knee.
    """
    stimulus = (
        p.w_catabolic_constant
        + p.w_catabolic_inflammation * saturating_square(inflammation, p.catabolic_inflammation_half_sq)
        + p.w_catabolic_overload * overload
        + p.w_catabolic_matrix * matrix_loss(x, p)
    )
    free = 1 - (x.healthy + x.catabolic + x.senescent)
    switching, renewal = p.rel_switching * p.rel_turnover, p.rel_renewal * p.rel_turnover
    switched = p.k_catabolic_switch * switching * stimulus * x.healthy * lever.catabolic_switch
    reverted = p.k_reversion * switching * x.catabolic * lever.reversion
    born = p.k_proliferation * renewal * x.healthy * free * (1 + lever.proliferation)
    ageing = p.k_senescence * renewal * p.rel_age_senescence
    aged, aged_catabolic = ageing * x.healthy, p.rel_senescence_catabolic * ageing * x.catabolic
    died = p.k_death_healthy * renewal * stimulus * x.healthy * lever.cell_death
    died_catabolic = p.k_death_catabolic * renewal * stimulus * x.catabolic * lever.cell_death
    cleared = p.k_senescent_clearance * renewal * x.senescent
    induced = saturating(inflammation, p.enzyme_inflammation_half)
    makers = p.rel_turnover * (x.healthy + p.rel_synthesis_catabolic * x.catabolic)
    inhibited = (1 + p.synthesis_inflammation_half) / (inflammation + p.synthesis_inflammation_half)
    drive = (1 + lever.aggrecan_gain) * lever.aggrecan_synthesis
    built = p.rel_aggrecan_synthesis * p.k_aggrecan_synthesis * makers * inhibited * drive
    deposited = p.k_collagen_deposition * p.rel_turnover * x.healthy * (p.max_collagen - x.collagen)
    return {
        "healthy": reverted + born - switched - aged - died,
        "catabolic": switched - reverted - aged_catabolic - died_catabolic,
        "senescent": aged + aged_catabolic - cleared,
        "mmp13": p.k_mmp13 * (mmp13_makers(x, p) * mmp13_induction(p, induced) * lever.protease_output - x.mmp13),
        "adamts5": p.k_adamts5
        * (adamts5_makers(x, p) * adamts5_induction(p, induced) * lever.protease_output - x.adamts5),
        "aggrecan": built * (p.aggrecan_capacity * x.collagen - x.aggrecan)
        - p.k_aggrecan_basal * p.rel_turnover * x.aggrecan
        - aggrecanase_flux(x, p, lever),
        "collagen": p.switch_structure * (deposited * lever.collagen_deposition - collagen_flux(x, p, lever, wear)),
    }


def mmp13_makers(x: View, p: View) -> Value:
    """Return the cells that make MMP13, 1 in the reference knee."""
    return (x.catabolic + p.w_mmp13_senescent * x.senescent) / (p.catabolic_ref + p.w_mmp13_senescent * p.senescent_ref)


def mmp13_induction(p: View, induced: Value) -> Value:
    """Return the induction of MMP13 by inflammation above its constitutive share."""
    return p.frac_mmp13_constitutive + (1 - p.frac_mmp13_constitutive) * induced


def adamts5_makers(x: View, p: View) -> Value:
    """Return the cells that make ADAMTS5, 1 in the reference knee."""
    now = x.catabolic + p.w_adamts5_senescent * x.senescent + p.w_adamts5_healthy * x.healthy
    reference = p.catabolic_ref + p.w_adamts5_senescent * p.senescent_ref + p.w_adamts5_healthy * p.healthy_ref
    return now / reference


def adamts5_induction(p: View, induced: Value) -> Value:
    """Return the induction of ADAMTS5 by inflammation above its constitutive share."""
    return p.frac_adamts5_constitutive + (1 - p.frac_adamts5_constitutive) * induced


def rest_rate(x: View, p: View, lever: View, inflammation: Value, overload: Value) -> Value:
    """Return the rate of cartilage outside the index column: slow loss, growth only under an anabolic signal."""
    grown = p.k_rest_growth * lever.rest_growth * (p.max_rest - x.rest_of_joint)
    lost = p.k_rest_loss * inflammation * overload * x.rest_of_joint * lever.rest_loss
    return p.switch_structure * p.rel_turnover * (grown - lost)

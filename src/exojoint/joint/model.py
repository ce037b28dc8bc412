"""The knee as one frozen object: tables, equations and observables; it names no drug and knows only levers."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.tables import ParameterTable
from exojoint.joint import bone, cartilage, mechanics, observation, pain, synovium
from exojoint.joint.shapes import Value
from exojoint.joint.tables import Lever, Observable, State, folder, joint_tables, read_levers, read_observables
from exojoint.joint.views import ZONES, View, by_zone, view, zone_view

Values = Mapping[str, Value]
ALSO_SET = ("bmi_target", "rel_tone")  # covariates that events may set as well: weight loss, induction in animals
INPUT = "input"  # uncertainty of a row that events may set


@dataclass(frozen=True, slots=True)
class Structure:
    """The rival fluxes of one named structure; everything else is common to all.

    Parameters
    ----------
    deviation : callable
        Parameters -> leg deviation that loads the index column (degree).
    wear : callable
        Parameters, overload -> wear of collagen.
    turnover : callable
        Parameters -> turnover of synovial fluid (1/d).
    sclerosis : callable
        Parameters, load drive -> target of sclerosis.
    osteophytes : callable
        States, parameters, load drive -> growth of osteophytes.
    jsw : callable
        States, parameters, central medial thickness -> joint space width (mm).
    drive : callable
        States, parameters, signals, overload, adiposity -> drive of pro-inflammatory macrophages.
    irritation : callable
        States, parameters, nociception, lost share -> nociception with what acute irritation adds by itself.
    """

    deviation: Callable[[View], Value]
    wear: Callable[[View, Value], Value]
    turnover: Callable[[View], Value]
    sclerosis: Callable[[View, Value], Value]
    osteophytes: Callable[[View, View, Value], Value]
    jsw: Callable[[View, View, Value], Value]
    drive: Callable[[View, View, View, Value, Value], Value] = synovium.macrophage_drive
    irritation: Callable[[View, View, Value, Value], Value] = pain.irritation_painless


IMPROVED = Structure(
    mechanics.deviation_absolute,
    mechanics.wear_above_tolerance,
    synovium.turnover_lymph,
    bone.sclerosis_above_rest,
    bone.osteophytes_growing,
    observation.jsw_narrowed,
    synovium.macrophage_drive_bounded,
)
FLUXES = MappingProxyType(
    {
        "default": IMPROVED,
        "belief": IMPROVED,  # as two_pool
        "bistable": dataclasses.replace(IMPROVED, drive=synovium.macrophage_drive_self_sustaining),
        "painful_flare": dataclasses.replace(IMPROVED, irritation=pain.irritation_painful),
        "two_pool": IMPROVED,  # its rival fluxes belong to a disposition, not to the knee
        "reference_0_1": Structure(
            mechanics.deviation_signed,
            mechanics.wear_proportional,
            synovium.turnover_fixed,
            bone.sclerosis_proportional,
            bone.osteophytes_relaxing,
            observation.jsw_linear,
            irritation=pain.felt_as_it_is,
        ),
    }
)
# How contributions to a lever combine, where a structure says otherwise than levers.csv.
KINDS_OF_LEVERS = MappingProxyType({"reference_0_1": {"local_analgesia": "sum"}})


@dataclass(frozen=True)
class JointModel:
    """A knee of one species under one structure.

    Parameters
    ----------
    species, structure : str
        As in `load_joint`.
    states : tuple of State
        The 41 states, with their starting values in the reference knee of the species.
    parameters : ParameterTable
        Every number of the equations and observables.
    levers : mapping of str to Lever
        The 28 levers by name, without zone suffix.
    observables : mapping of str to Observable
        What can be observed in this species.
    """

    species: str
    structure: str
    states: tuple[State, ...]
    parameters: ParameterTable
    levers: Mapping[str, Lever]
    observables: Mapping[str, Observable]

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the states, in order."""
        return tuple(state.name for state in self.states)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Parameters that events may set: injury of induced animal models, weight, inflammatory tone."""
        rows = self.parameters.items()
        return tuple(name for name, row in rows if row.uncertainty.kind == INPUT or name in ALSO_SET)

    def observable(self, name: str) -> Observable:
        """Return one observable.

        Raises
        ------
        InputError
            When it is unknown, or is not defined for this species.
        """
        if name in self.observables:
            return self.observables[name]
        every = read_observables(folder() / "observables.csv")
        if name in every:
            what = f"`{name}` is not defined for the species {self.species}"
            expected = f"an observable of the {self.species}: {', '.join(self.observables)}"
            raise InputError(Problem("observable", what, expected, f"It is a {every[name].only} observable."))
        expected = "a name of observables.csv"
        raise InputError(
            Problem("observable", f"no observable `{name}`", expected, did_you_mean(name, self.observables))
        )

    def readouts(self, x: Values, p: Values) -> dict[str, Value]:
        """Return what treatments may read of the joint: structure and pools, never anything that a lever moves.

        Parameters
        ----------
        x, p : mapping
            Values of the states and of the parameters by name.

        Returns
        -------
        dict
            ``volume`` (mL), ``m1``, ``m2`` (relative) and per zone ``thickness`` (cm), ``cell_density`` (cell/mL of
            tissue), ``aggrecan``, ``collagen`` (relative).
        """
        read: dict[str, Value] = {"volume": x["volume"], "m1": x["m1"], "m2": x["m2"]}
        for zone in ZONES:
            own_x, own_p = zone_view(x, zone), zone_view(p, zone)
            cells = own_x.healthy + own_x.catabolic + own_x.senescent
            read[f"thickness_{zone}"] = own_p.thickness_healthy * cartilage.thickness(own_x, own_p)
            read[f"cell_density_{zone}"] = own_p.cell_density * own_p.rel_cell_density * cells
            read[f"aggrecan_{zone}"] = own_x.aggrecan
            read[f"collagen_{zone}"] = own_x.collagen
        return read

    def inflammation(self, x: Values, p: Values, lever: Values) -> dict[str, Value]:
        """Return the inflammatory signals after the levers (see `exojoint.joint.synovium.inflammation`)."""
        return synovium.inflammation(view(x), view(p), view(lever))

    def rates(self, x: Values, p: Values, lever: Values) -> dict[str, Value]:
        """Return the rate of every state, in its unit per day.

        Parameters
        ----------
        x, p, lever : mapping
            Values of states, parameters and levers (`exojoint.joint.levers.combine`) by name.
        """
        knee = _Knee(FLUXES[self.structure], x, p, lever)
        return knee.rates()

    def pain(self, x: Values, p: Values, lever: Values) -> Value:
        """Return pain on the scale of the human score (0-100), in any species."""
        return _Knee(FLUXES[self.structure], x, p, lever).pain

    def observe(self, x: Values, p: Values, lever: Values) -> dict[str, Value]:
        """Return every observable of the species, in its unit."""
        every = _Knee(FLUXES[self.structure], x, p, lever).observables()
        return {name: every[name] for name in self.observables}


@functools.cache
def load_joint(species: str = "human", structure: str = "default") -> JointModel:
    """Load the knee of a species.

    Parameters
    ----------
    species : str
        ``human``, ``rat``, ``mouse`` or ``rabbit``.
    structure : str
        ``default``, a rival of it (``belief``, ``bistable``, ``painful_flare``, ``two_pool``), or ``reference_0_1``,
        which reproduces the specification's prototype.

    Raises
    ------
    InputError
        When species or structure is unknown, or a table has a wrong row.
    """
    states, table = joint_tables(species, structure)
    levers = read_levers(folder() / "levers.csv")
    for name, kind in KINDS_OF_LEVERS.get(structure, {}).items():
        levers[name] = dataclasses.replace(levers[name], kind=kind)
    every = read_observables(folder() / "observables.csv")
    seen = {name: row for name, row in every.items() if row.exists_in(species)}
    return JointModel(species, structure, states, table, MappingProxyType(levers), MappingProxyType(seen))


class _Knee:
    """The algebra that rates and observables share, evaluated once for one set of values."""

    def __init__(self, fluxes: Structure, x: Values, p: Values, lever: Values) -> None:
        self.fluxes = fluxes
        self.x, self.p, self.lever = view(x), view(p), view(lever)
        self.zones = {zone: (zone_view(x, zone), zone_view(p, zone), zone_view(lever, zone)) for zone in ZONES}
        self.remaining = sum(cartilage.thickness(own_x, own_p) for own_x, own_p, _ in self.zones.values())
        self.signal = view(synovium.inflammation(self.x, self.p, self.lever))
        loss = 1 - self.remaining
        self.noxious = view(pain.nociception(self.x, self.p, self.lever, self.signal.pain, loss, fluxes.irritation))
        self.pain = pain.pain_score(self.p, pain.pain_odds(self.x, self.p, self.lever, self.noxious.drive))
        quality = sum(mechanics.zone_quality(own_x, own_p) for own_x, own_p, _ in self.zones.values())
        load = mechanics.load(self.x, self.p, self.lever, self.pain, fluxes.deviation(self.p))
        self.stress = load / mechanics.matrix_support(quality, self.p)
        self.overload = mechanics.overload(self.stress, self.p, self.lever)
        self.wear = fluxes.wear(self.p, self.overload)

    def fluxes_of_fragments(self) -> tuple[Value, Value]:
        """Return the flux of aggrecan fragments and of collagen fragments over the zones (1/d)."""
        zones = self.zones.values()
        aggrecan = sum(p.frac_zone * cartilage.aggrecanase_flux(x, p, lever) for x, p, lever in zones)
        collagen = sum(p.frac_zone * cartilage.collagen_flux(x, p, lever, self.wear) for x, p, lever in zones)
        return aggrecan, collagen

    def rates(self) -> dict[str, Value]:
        """Return the rate of every state."""
        x, p, lever, signal = self.x, self.p, self.lever, self.signal
        zones = {
            zone: cartilage.zone_rates(own_x, own_p, own_lever, signal.cartilage, self.overload, self.wear)
            for zone, (own_x, own_p, own_lever) in self.zones.items()
        }
        aggrecan, collagen = self.fluxes_of_fragments()
        fragments = synovium.fragment_source(p, aggrecan, collagen)
        drive = self.fluxes.drive(x, p, signal, self.overload, mechanics.adiposity(x, p))
        on_bone = bone.load_drive(self.stress, p)
        sclerosis = self.fluxes.sclerosis(p, on_bone)
        osteophytes = self.fluxes.osteophytes(x, p, on_bone)
        return {
            **by_zone(zones),
            **synovium.synovium_rates(x, p, lever, signal, drive, fragments, self.fluxes.turnover(p)),
            **bone.bone_rates(x, p, on_bone, signal.pain, sclerosis, osteophytes),
            **pain.pain_rates(x, p, self.noxious),
            "bmi": p.k_bmi * (p.bmi_target + lever.weight_change - x.bmi),
            "rest_of_joint": cartilage.rest_rate(x, p, lever, signal.cartilage, self.overload),
            "replacement_hazard": pain.replacement_hazard(x, p, lever, self.pain, 1 - self.remaining),
        }

    def observables(self) -> dict[str, Value]:
        """Return every observable, human ones included."""
        thickness = observation.thickness_observables(self.x, self.p, self.remaining)
        zones_x = [own_x for own_x, _, _ in self.zones.values()]
        zones_p = [own_p for _, own_p, _ in self.zones.values()]
        args = sum(p.frac_zone * cartilage.args_flux(x, p, lever) for x, p, lever in self.zones.values())
        _, collagen = self.fluxes_of_fragments()
        return {
            **observation.pain_observables(self.p, self.pain),
            "pain_behaviour": self.pain,
            **thickness,
            "jsw": self.fluxes.jsw(self.x, self.p, thickness["thickness_mftc"]),
            **observation.fluid_observables(self.x, self.p, args, collagen),
            "marrow_lesion": self.x.marrow_lesion,
            "sclerosis": self.x.sclerosis,
            "osteophytes": self.x.osteophytes,
            **observation.histology_observables(zones_x, zones_p),
            "replacement_hazard": self.x.replacement_hazard,
        }

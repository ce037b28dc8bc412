# %% [markdown]
# # A small trial, analysed with MMRM
#
# Sixty virtual patients are solved under vesicles and under saline. Because everybody is solved under both, the true
# effect is known without noise; twenty simulated trials of forty patients per arm then say how well a trial sees it.

# %%
import numpy as np

from exojoint.core.streams import stream
from exojoint.engine import compile_system, solve
from exojoint.joint.burn_in import burn_in
from exojoint.joint.model import load_joint
from exojoint.joint.starting import starting_state
from exojoint.patients.population import load_population
from exojoint.patients.sampling import sample_patients
from exojoint.treatments.administer import administer
from exojoint.treatments.assemble import assemble
from exojoint.treatments.treatment import dispositions_for, load_treatment
from exojoint.trial.conduct import simulate_trials
from exojoint.trial.design_file import load_design
from exojoint.trial.estimate import analyse
from exojoint.trial.latent import LatentOutcomes, null_latent, null_rescue
from exojoint.trial.truth import true_effects

luck = stream(20260101, "example", "trial")
design = load_design("parallel_26w")

# %% [markdown]
# ## Sixty patients
# Covariates look like the trial's Table 1; whatever differs between patients fills its own column.

# %%
joint = load_joint("human")
knee = assemble(joint, dispositions_for(["exosome", "saline"], rescue=True))
kernel = compile_system(knee.system)
people = sample_patients(
    load_population("kl2_3_symptomatic"), joint, knee.parameters, {}, luck.child("patients"), np.arange(60)
)
parameters = np.tile(knee.defaults(), (60, 1))
for name, values in people.parameters.items():
    parameters[:, knee.parameter_names.index(name)] = values
start = np.tile(knee.initial(), (60, 1))
start[:, : len(joint.state_names)] = starting_state(
    joint, people.kl, bmi=people.parameters["bmi_target"], collagen_z=people.collagen_z
)
rested = burn_in(joint, kernel, parameters, start, people.pain_latent)
print(f"{rested.settled.sum()} of 60 came to rest; mean pain {people.pain_latent.mean():.0f}")

# %% [markdown]
# ## Everybody under both arms

# %%
DAYS = np.array(design.days)
ARMS = {"exosome": 5e11, "saline": 0.0}


def courses(arm, patient, rescue_from=None):
    """Values (n, days, endpoints) of some patients under an arm; rescue starts at a day of its own for each."""
    events = administer(
        load_treatment("exosome"), days=[0, 28, 56], amount=ARMS[arm], volume_ml=4.0, inert=not ARMS[arm]
    )
    if rescue_from is not None:
        events += administer(load_treatment("paracetamol"), days=[rescue_from], amount=1.0, context=False)
    found = solve(kernel, rested.parameters[patient], rested.state[patient], events, DAYS, design.observables)
    return found.values


everybody = np.arange(60)
values = {arm: courses(arm, everybody)[:, None] for arm in ARMS}  # one lot per arm
record = people.covariates
latent = LatentOutcomes(
    tuple(ARMS), "saline", tuple(design.days), tuple(design.observables), values, people.weights,
    {name: record[name].to_numpy() for name in record.columns if name != "patient"},
)  # fmt: skip


def rescue(arm, patient, _lot, visit):
    """Solve again with rescue medication from a visit on."""
    return courses(arm, patient, DAYS[visit])


# %% [markdown]
# ## Twenty trials
# Rescue, dropout, missed visits and instruments as the design says; the analysis is its MMRM.

# %%
sizes = {"exosome": 40, "saline": 40}
trials = simulate_trials(design, latent, rescue, luck.child("trials"), 20, sizes, lots_per_trial=1)
found = analyse(design, trials, ("womac_pain",)).filter(day=182.0)
truth = true_effects(latent, trials).filter(endpoint="womac_pain", day=182.0)["difference"][0]
covered = ((found["lo"] <= truth) & (truth <= found["hi"])).sum()
print(f"true difference at week 26: {truth:.2f} points")
print(f"trials say {found['estimate'].mean():.2f} on average; standard error {found['se'].mean():.2f}")
print(f"{(found['p'] < design.alpha).sum()} of 20 reject, {covered} of 20 intervals hold the truth")
print("all analyses converged:", found["converged"].all())

# %% [markdown]
# ## The null product first
# The same trials with a product that does nothing: any rejection is a false positive.

# %%
null = simulate_trials(
    design, null_latent(latent), null_rescue(latent, rescue), luck.child("null"), 20, sizes, lots_per_trial=1
)
wrong = (analyse(design, null, ("womac_pain",)).filter(day=182.0)["p"] < design.alpha).sum()
print(f"null product: {wrong} of 20 reject (5 % expected)")

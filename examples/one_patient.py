# %% [markdown]
# # One patient, with and without exosomes
#
# A virtual woman with a knee of grade 3 and pain 55 gets three injections, once of vesicles and once of their vehicle
# (saline). Everything else about her is the same, so the difference is the vesicles'.

# %%
import numpy as np

from exojoint.engine import compile_system, solve
from exojoint.joint.burn_in import burn_in
from exojoint.joint.model import load_joint
from exojoint.joint.starting import starting_state
from exojoint.treatments.administer import administer
from exojoint.treatments.assemble import assemble
from exojoint.treatments.treatment import dispositions_for, load_treatment

# %% [markdown]
# ## The knee
# Joint and dispositions become one system of equations; the joint itself names no drug.

# %%
joint = load_joint("human")
knee = assemble(joint, dispositions_for(["exosome", "saline"]))
kernel = compile_system(knee.system)
print(f"{len(knee.state_names)} states, {len(knee.parameter_names)} parameters, {len(joint.levers)} levers")

# %% [markdown]
# ## The patient
# Two identical rows: one for each arm. The grade sets her structure; burn-in lets inflammation and pain come to rest
# under it and finds the gain that gives her pain.

# %%
start = np.tile(knee.initial(), (2, 1))
start[:, : len(joint.state_names)] = starting_state(joint, [3, 3])
rested = burn_in(joint, kernel, np.tile(knee.defaults(), (2, 1)), start, [55.0, 55.0])
print("at rest:", rested.settled.all())

# %% [markdown]
# ## Two arms
# A dose of 0 particles leaves the rest of an injection: the needle, the volume, the formulation, the expectation.

# %%
label = np.array([5e11, 0.0])  # particles per injection, by row
days = np.array([0.0, 7.0, 28.0, 56.0, 84.0, 182.0, 364.0])
seen = ("womac_pain", "effusion_volume", "thickness_mftc", "vesicles_per_macrophage", "signal_macrophage")
gift = administer(load_treatment("exosome"), days=[0, 28, 56], amount=label, volume_ml=4.0)
course = solve(kernel, rested.parameters, rested.state, gift, days, seen)
pain = course.values[:, :, 0]

# %% [markdown]
# ## What happened
# Both arms improve: being treated is itself a treatment. What the vesicles add is the difference.

# %%
print("day     exosome  vehicle  difference  vesicles per macrophage")
for row, day in enumerate(days):
    added = pain[0, row] - pain[1, row]
    print(f"{day:4.0f}  {pain[0, row]:9.1f}{pain[1, row]:9.1f}{added:12.2f}{course.values[0, row, 3]:17.0f}")

# %% [markdown]
# ## The strict null product
# Vesicles without potency, and no irritation but the needle's: that is the vehicle, as far as the solver's tolerance
# goes.

# %%
silent = rested.parameters.copy()
for name in knee.parameter_names:
    if name.startswith("potency_"):
        silent[:, knee.parameter_names.index(name)] = 0.0
inert = administer(load_treatment("exosome"), days=[0, 28, 56], amount=label, volume_ml=4.0, inert=True)
null = solve(kernel, silent, rested.state, inert, days, ("womac_pain",)).values[:, :, 0]
print(f"largest difference of the null product: {np.abs(null[0] - null[1]).max():.4f} points")

# %% [markdown]
# # A lot, from its cells to the knee
#
# What is on the label is not what arrives: counts have errors and methods, vials lose particles, and a lot may do
# nothing at all while it passes its release tests.

# %%
import numpy as np

from exojoint.core.knowledge import knowledge_space
from exojoint.core.streams import stream
from exojoint.product.catalogue import load_process, load_source, product_parameters
from exojoint.product.delivery import deliver
from exojoint.product.lot import make_campaign

# %% [markdown]
# ## One possible truth
# A knowledge draw fixes what nobody knows: yields, the share of inactive lots, the bias of the count. The origin of
# the knowledge space is the table as written.

# %%
source, process = load_source("umbilical_cord"), load_process("bioreactor_tff")
table = product_parameters(source.name, process.name)
space = knowledge_space(table)
truth = {name: float(value[0]) for name, value in space.values(np.zeros((1, space.n_axes))).items()}
print(f"{source.title}; {process.title}")
inactive = truth["p_inactive_umbilical_cord"]
print(f"{len(table)} rows, {space.n_axes} of them unknown; share of inactive lots {inactive:.2f}")

# %% [markdown]
# ## A campaign
# Lots are made one after the other until six pass release; the failed ones are counted.

# %%
luck = stream(20260101, "example", "lots")
campaign = make_campaign(source, process, truth, luck, wanted=6)
print(f"{len(campaign.released)} released, {len(campaign.failed)} failed")
for lot in campaign.failed[:2]:
    print(" failed:", "; ".join(lot.release_reasons))
print("lot                                  particles/mL   d50 nm  potency  inactive  doses of 5e11")
for lot in campaign.released:
    potency = lot.potency["inflammation"]
    print(
        f"{lot.name:35s}{lot.particles_per_ml:14.2e}{lot.size.d50:9.0f}{potency:9.2f}{lot.inactive!s:>10s}"
        f"{lot.doses(5e11):15d}"
    )

# %% [markdown]
# ## From the label to the knee
# One lot, a thousand injections of the same label.

# %%
lot = campaign.released[0]
given = deliver(lot, 5e11, 4.0, luck.child("visit 0"), np.arange(1000), truth)
print("factors:", {name: round(value, 3) for name, value in given.factors.items()})
low, middle, high = np.quantile(given.particles, [0.1, 0.5, 0.9])
print(f"label 5.00e+11, truly injected {middle:.2e} (80 % between {low:.2e} and {high:.2e}) particles")

# %% [markdown]
# ## A label of zero
# A vial without vesicles still holds the endotoxin of its lot.

# %%
empty = deliver(lot, 0.0, 4.0, luck.child("visit 0"), np.arange(3), truth)
print(f"empty vial: {empty.particles[0]:.0f} particles, {empty.endotoxin_eu[0]:.2f} EU")

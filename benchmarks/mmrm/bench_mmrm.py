"""How long one trial's MMRM takes: ours, and what else a Python user would reach for.

    python benchmarks/mmrm/bench_mmrm.py [--trials 200] [--patients 200] [--visits 5]

Every tool gets the same simulated trials (two arms, baseline, about a fifth of the patients gone by the last visit).
Times are medians over trials, one thread, compilation and imports apart. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np

from exojoint.trial.analysis.mmrm import fit_mmrm
from exojoint.trial.analysis.mmrm_trial import fit_trial, fit_trials

# Quoted, not measured here: R package mmrm 0.3, 200 patients x 5 visits, unstructured, Satterthwaite.
QUOTED_R_SECONDS = 0.13


def simulate(n_trials, n, v, seed=20260101):
    """observed (t, n, v) with intermittent misses and dropout, baseline, arm."""
    rng = np.random.default_rng(seed)
    sigma = 18.0**2 * (0.6 + 0.4 * np.eye(v))
    observed = rng.normal(size=(n_trials, n, v)) @ np.linalg.cholesky(sigma).T
    observed[rng.random(observed.shape) < 0.03] = np.nan
    leaves_at = np.where(rng.random((n_trials, n)) < 0.2, rng.integers(1, max(v, 2), (n_trials, n)), v)
    observed[np.arange(v) >= leaves_at[..., None]] = np.nan
    return observed, rng.normal(60.0, 12.0, (n_trials, n)), np.tile(np.arange(n) % 2, (n_trials, 1))


def long_format(observed, baseline, arm):
    n, v = observed.shape
    subject, visit = np.divmod(np.arange(n * v), v)
    dummies = np.eye(v)[visit]
    X = np.column_stack([dummies * arm[subject, None], dummies, dummies * baseline[subject, None]])
    seen = ~np.isnan(observed.ravel())
    return observed.ravel()[seen], X[seen], subject[seen], visit[seen]


def machine_code(trial):
    fit = fit_trial(*trial)
    return fit.estimate[0, 0, -1], fit.se[0, 0, -1]


def general(trial, **options):
    y, X, subject, visit = long_format(*trial)
    v = trial[0].shape[1]
    one = fit_mmrm(y, X, subject, visit, **options).contrast(np.eye(3 * v)[v - 1])
    return one.estimate, one.se


def kenward_roger(trial):
    return general(trial, method="kenward-roger")


def mixed_lm(trial):
    """Random effect of every visit plus residual: the same family of covariances, with one parameter too many."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    y, X, subject, visit = long_format(*trial)
    v = trial[0].shape[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = MixedLM(y, X, groups=subject, exog_re=np.eye(v)[visit]).fit(reml=True)
    return fit.fe_params[v - 1], fit.bse_fe[v - 1]


def mixed_lm_intercept(trial):
    """Random intercept only: compound symmetry, another model, the usual shortcut."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    y, X, subject, _ = long_format(*trial)
    v = trial[0].shape[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = MixedLM(y, X, groups=subject).fit(reml=True)
    return fit.fe_params[v - 1], fit.bse_fe[v - 1]


def gls_known_covariance(trial):
    """Generalised least squares with the true covariance: one solve, nothing estimated. A floor for a dense method."""
    from statsmodels.regression.linear_model import GLS

    y, X, subject, visit = long_format(*trial)
    v = trial[0].shape[1]
    sigma = 18.0**2 * (0.6 + 0.4 * np.eye(v))
    dense = np.where(subject[:, None] == subject, sigma[visit[:, None], visit], 0.0)
    fit = GLS(y, X, sigma=dense).fit()
    return fit.params[v - 1], fit.bse[v - 1]


def timed(function, trials, n_trials):
    """Median seconds per trial, and the answers."""
    seconds, answers = [], []
    for i in range(n_trials):
        start = time.perf_counter()
        answers.append(function(tuple(part[i] for part in trials)))
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), np.array(answers)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--visits", type=int, default=5)
    options = parser.parse_args()
    trials = simulate(options.trials, options.patients, options.visits)
    start = time.perf_counter()
    fit_trials(*(part[:1] for part in trials))
    print(f"first call, with compilation or its reload from disk: {time.perf_counter() - start:.1f} s")
    rows = [
        ("machine code, one call per trial", machine_code, options.trials),
        ("general fit, Satterthwaite", general, min(options.trials, 100)),
        ("general fit, Kenward-Roger", kenward_roger, min(options.trials, 100)),
    ]
    try:
        import statsmodels

        version = statsmodels.__version__
        rows += [
            (f"statsmodels {version} MixedLM, random visits", mixed_lm, 3),
            (f"statsmodels {version} MixedLM, random intercept", mixed_lm_intercept, 10),
            (f"statsmodels {version} GLS, covariance given", gls_known_covariance, 10),
        ]
    except ImportError:
        print("statsmodels is not installed: left out")
    start = time.perf_counter()
    batch = fit_trials(*trials)
    base = (time.perf_counter() - start) / options.trials
    wanted = np.column_stack([batch.estimate[:, 0, -1], batch.se[:, 0, -1]])
    print(f"{options.patients} patients x {options.visits} visits, median of trials, {options.trials} trials simulated")
    print(f"{'':48s} {'ms':>9s} {'ratio':>9s}  {'estimate, se differ by at most (in se)':s}")
    print(f"{'machine code, batch of trials':48s} {1e3 * base:9.2f} {1.0:9.1f}")
    for name, function, n_trials in rows:
        seconds, answers = timed(function, trials, n_trials)
        apart = np.abs(answers - wanted[:n_trials]) / wanted[:n_trials, 1:]
        print(
            f"{name:48s} {1e3 * seconds:9.2f} {seconds / base:9.1f}  {apart[:, 0].max():.1e}, {apart[:, 1].max():.1e}"
        )
    quoted = f"{1e3 * QUOTED_R_SECONDS:9.2f} {QUOTED_R_SECONDS / base:9.1f}"
    print(f"{'R mmrm, 200 x 5 (quoted, another machine)':48s} {quoted}")


if __name__ == "__main__":
    main()

"""Intervals and areas. Proportions are (hits, of)."""
import numpy as np
from scipy.stats import beta, norm

SMALL = 100  # below it, and where nothing or everything hit, intervals are exact


def exact(hits, of, level=0.95):
    """Clopper and Pearson 1934, two-sided."""
    a = (1 - level) / 2
    return (float(beta.ppf(a, hits, of - hits + 1)) if hits else 0.0, float(beta.ppf(1 - a, hits + 1, of - hits)) if hits < of else 1.0)


def wilson(hits, of, level=0.95):
    """Wilson 1927, two-sided."""
    z = norm.ppf(0.5 + level / 2)
    middle, half = hits / of + z * z / (2 * of), z * np.sqrt(hits / of * (1 - hits / of) / of + z * z / (4 * of * of))
    return (float((middle - half) / (1 + z * z / of)), float((middle + half) / (1 + z * z / of)))


def lower_limit(hits, of, level=0.95):
    """One-sided, exact: what the targets are held against (598 of 598 give 0.995)."""
    return float(beta.ppf(1 - level, hits, of - hits + 1)) if hits else 0.0


def rate(hits, of):
    hits, of = int(hits), int(of)
    if of == 0:
        return {"value": None, "hits": 0, "of": 0, "low": None, "high": None, "limit": None}
    low, high = exact(hits, of) if of < SMALL or hits in (0, of) else wilson(hits, of)
    return {"value": hits / of, "hits": hits, "of": of, "low": low, "high": high, "limit": lower_limit(hits, of)}


def share(truth):
    """The rate of a column of booleans."""
    truth = np.asarray(truth, bool)
    return rate(truth.sum(), truth.size)


def ranks(x):
    """Middle ranks from 1."""
    order = np.argsort(x, kind="mergesort")
    out, sorted_ = np.empty(len(x)), np.asarray(x)[order]
    edges = np.flatnonzero(np.r_[True, sorted_[1:] != sorted_[:-1], True])
    for a, b in zip(edges[:-1], edges[1:]):
        out[order[a:b]] = (a + b + 1) / 2
    return out


def area(positive, negative):
    """Area under the ROC curve and its variance (DeLong 1988; none when a side has one only)."""
    m, n = len(positive), len(negative)
    all_ = ranks(np.r_[positive, negative])
    v10, v01 = (all_[:m] - ranks(positive)) / n, 1 - (all_[m:] - ranks(negative)) / m
    return float(v10.mean()), v10.var(ddof=1) / m + v01.var(ddof=1) / n if m > 1 and n > 1 else None


def auc(positive, negative):
    return auc_of_parts([(positive, negative)])


def auc_of_parts(parts):
    """Mean area of parts (positive, negative) whose scores need not be on one scale, as those of the folds' models; interval by DeLong on the logit.
    Without a spread (nothing overlaps) none is told."""
    parts = [(np.asarray(p, float), np.asarray(n, float)) for p, n in parts]
    of = [sum(len(p) for p, _ in parts), sum(len(n) for _, n in parts)]
    parts = [(p, n) for p, n in parts if len(p) and len(n)]
    if not parts:
        return {"value": None, "low": None, "high": None, "of": of}
    values, variances = zip(*(area(p, n) for p, n in parts))
    value = float(np.mean(values))
    low = high = None
    if None not in variances and 0 < value < 1:
        error = np.sqrt(sum(variances)) / len(parts) / (value * (1 - value)) * norm.ppf(0.975)
        at = np.log(value / (1 - value))
        low, high = (float(1 / (1 + np.exp(-x))) for x in (at - error, at + error))
    return {"value": value, "low": low, "high": high, "of": of}


def resampled(values, statistic, draws=2000, seed=1):
    """The statistic of `values` (first axis: patients) and its 95 % interval by bootstrap (percentiles)."""
    values, rng = np.asarray(values), np.random.RandomState(seed)
    if len(values) == 0:
        return {"value": None, "low": None, "high": None, "of": 0}
    drawn = [statistic(values[rng.randint(0, len(values), len(values))]) for _ in range(draws)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {"value": float(statistic(values)), "low": float(low), "high": float(high), "of": len(values)}


def predictive(sensitivity, specificity, prevalence, draws=20000, seed=1):
    """Predictive values at a prevalence, with intervals from the two rates' own uncertainty (Jeffreys)."""
    rng = np.random.RandomState(seed)
    drawn = [rng.beta(r["hits"] + 0.5, r["of"] - r["hits"] + 0.5, draws) for r in (sensitivity, specificity)]

    def of(se, sp):
        called, silent = prevalence * se + (1 - prevalence) * (1 - sp), prevalence * (1 - se) + (1 - prevalence) * sp
        return {"ppv": prevalence * se / np.maximum(called, 1e-300), "npv": (1 - prevalence) * sp / np.maximum(silent, 1e-300), "alarms per 100": 100 * called}
    exact_, spread = of(sensitivity["value"], specificity["value"]), of(*drawn)
    if sensitivity["value"] == 1 and specificity["value"] == 0:  # everything was called
        exact_["npv"] = np.nan
    return {name: {"value": float(exact_[name]) if np.isfinite(exact_[name]) else None, "low": float(np.percentile(spread[name], 2.5)), "high": float(np.percentile(spread[name], 97.5))}
            for name in exact_}

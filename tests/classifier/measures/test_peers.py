#!/usr/bin/python3
"""The measures against SciPy and scikit-learn on random data with ties: `test_peers.py DRIVER`."""
import subprocess
import sys

try:
    import numpy as np
    import scipy.optimize
    import scipy.special
    import scipy.stats
    import sklearn.metrics as sk
except ImportError as missing:
    print(f"skipped: {missing} (scripts/deps --peers)")
    sys.exit(77)

RANDOM = np.random.default_rng(20260101)
worst = {}


def ours(kind, text):
    run = subprocess.run([sys.argv[1], kind], input=text, capture_output=True, text=True)
    assert run.returncode == 0, f"{kind}: exit {run.returncode} {run.stderr}"
    return [[float(x) for x in line.split()] for line in run.stdout.splitlines()]


def same(name, got, expected, relative=1e-10, absolute=1e-13):
    got, expected = np.asarray(got, float), np.asarray(expected, float)
    assert got.shape == expected.shape and got.size, f"{name}: {got.shape} of {expected.shape}"
    assert (np.isnan(got) == np.isnan(expected)).all(), f"{name}: {got} is not {expected}"
    gap = np.abs(got - expected) / (absolute / relative + np.abs(expected))
    worst[name] = max(worst.get(name, 0), float(np.nanmax(gap)))
    at = np.unravel_index(np.nanargmax(gap), gap.shape)
    assert not gap[at] > relative, f"{name}, {at}: {got[at]!r} is not {expected[at]!r} (relative {gap[at]:.3g})"


def table(*columns):
    return "\n".join(" ".join(repr(float(x)) for x in row) for row in zip(*columns))


def special_functions():
    a, b = 10 ** RANDOM.uniform(-1, 5, 400), 10 ** RANDOM.uniform(-1, 5, 400)
    mean = a / (a + b)
    x = np.clip(mean + RANDOM.normal(0, 3, 400) * np.sqrt(mean * (1 - mean) / (a + b + 1)), 1e-9, 1 - 1e-9)
    got = ours("special", "\n".join(f"beta {p!r} {q!r} {r!r}" for p, q, r in zip(a.tolist(), b.tolist(), x.tolist())))
    # SciPy's own (Cephes) loses digits for large arguments: 1e-8 of it, 1e-11 of moderate ones
    same("incomplete beta", [g[0] for g in got], scipy.special.betainc(a, b, x), 1e-8, 1e-14)
    small = (a < 200) & (b < 200)
    same("incomplete beta, moderate", np.array([g[0] for g in got])[small],
         scipy.special.betainc(a, b, x)[small], 1e-11, 1e-14)
    a, b = np.maximum(a, 1), np.maximum(b, 1)  # under 1 a quantile may lie closer to 1 than a double can
    p = RANDOM.uniform(0.001, 0.999, 400)
    got = ours("special", "\n".join(f"beta_quantile {u!r} {v!r} {w!r}" for u, v, w in
                                    zip(a.tolist(), b.tolist(), p.tolist())))
    same("beta quantile, back", scipy.special.betainc(a, b, [g[0] for g in got]), p, 1e-7)
    p = np.concatenate([10 ** RANDOM.uniform(-200, -1, 100), RANDOM.uniform(0, 1, 100)])
    got = ours("special", "\n".join(f"normal {u!r}" for u in p.tolist()))
    same("normal quantile", [g[0] for g in got], scipy.stats.norm.ppf(p), 1e-12)
    x = 10 ** RANDOM.uniform(-6, 3, 200)
    got = ours("special", "\n".join(f"chi {u!r}" for u in x.tolist()))
    same("chi-square", [g[0] for g in got], scipy.stats.chi2.sf(x, 1), 1e-11, 1e-300)


def intervals():
    n = RANDOM.integers(1, 3000, 300)
    k = np.minimum(RANDOM.integers(0, 3000, 300), n)
    got = ours("special", "\n".join(f"exact {u} {v} 0.95" for u, v in zip(k, n)))
    low = np.where(k == 0, 0, scipy.stats.beta.ppf(0.025, k, n - k + 1))
    high = np.where(k == n, 1, scipy.stats.beta.ppf(0.975, k + 1, np.maximum(n - k, 1)))
    same("Clopper-Pearson", got, np.stack([low, high], 1), 1e-9)
    exact = [list(scipy.stats.binomtest(int(u), int(v)).proportion_ci(0.95, "exact")) for u, v in zip(k[:60], n[:60])]
    same("Clopper-Pearson, binomtest", got[:60], exact, 1e-7)
    got = ours("special", "\n".join(f"wilson {u} {v} 0.95" for u, v in zip(k[:60], n[:60])))
    wilson = [list(scipy.stats.binomtest(int(u), int(v)).proportion_ci(0.95, "wilson")) for u, v in zip(k[:60], n[:60])]
    same("Wilson", got, wilson, 1e-10)


def mcnemar():
    tables = RANDOM.integers(0, 40, (200, 4))
    got = ours("special", "\n".join("mcnemar " + " ".join(map(str, t)) for t in tables))
    exact = [scipy.stats.binomtest(int(t[1]), int(t[1] + t[2])).pvalue if t[1] + t[2] else 1 for t in tables]
    same("McNemar exact", [g[0] for g in got], exact, 1e-10)
    gap = np.maximum(np.abs(tables[:, 1] - tables[:, 2]) - 1, 0)
    chi = scipy.stats.chi2.sf(gap ** 2 / np.maximum(tables[:, 1] + tables[:, 2], 1), 1)
    same("McNemar chi-square", [g[1] for g in got], chi, 1e-10)
    try:
        from statsmodels.stats.contingency_tables import mcnemar as peer
    except ImportError:
        print("skipped: no statsmodels (scripts/deps --peers): McNemar against SciPy only")
        return
    for t, g in zip(tables, got):
        if t[1] != t[2]:  # at a tie it subtracts the correction from nothing
            pair = np.array([[t[0], t[1]], [t[2], t[3]]])
            same("McNemar, statsmodels", g, [peer(pair, exact=True).pvalue,
                                             peer(pair, exact=False, correction=True).pvalue], 1e-10)


def delong_naive(a, b, positive):
    def parts(s):
        under = (s[positive][:, None] > s[~positive]) + 0.5 * (s[positive][:, None] == s[~positive])
        return under.mean(1), under.mean(0)
    (pa, na), (pb, nb) = parts(a), parts(b)
    cov = np.cov(pa, pb) / len(pa) + np.cov(na, nb) / len(na)
    z = (pa.mean() - pb.mean()) / np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
    return [pa.mean(), pb.mean(), cov[0, 0], cov[1, 1], cov[0, 1], z, 2 * scipy.stats.norm.sf(abs(z))]


def curves():
    for levels in (3, 10, 50, 10 ** 9):
        for count in (20, 307, 2000):
            positive = RANDOM.random(count) < 0.3
            positive[:4] = [True, False, True, False]
            a, b = (np.round((RANDOM.normal(0, 1, count) + shift * positive) * levels / 4) / levels for shift in (1, 0.7))
            got = ours("curve", f"{count}\n" + table(a, positive))[0]
            same("AUC", got[0], sk.roc_auc_score(positive, a), 1e-12)
            same("average precision", got[1], sk.average_precision_score(positive, a), 1e-12)
            fpr = sk.roc_curve(positive, a, drop_intermediate=False)[0]
            same("points of the ROC", got[2], len(fpr))
            got = ours("pair", f"{count}\n" + table(a, b, positive))[0]
            same("DeLong", got, delong_naive(a, b, positive), 1e-9)


def classes():
    for count, k in ((30, 2), (307, 3), (1000, 7)):
        truth = np.concatenate([np.arange(k), RANDOM.integers(0, k, count - k)])
        raw = np.round(RANDOM.normal(0, 1, (count, k)) + 1.5 * np.eye(k)[truth], 1)
        p = scipy.special.softmax(raw, 1).astype(np.float32)
        answer = p.argmax(1)
        got = ours("cases", f"{count} {k}\n" + table(truth, *p.T.astype(float)))[0]
        average = dict(average="macro", zero_division=0)
        hot = np.eye(k)[truth]
        # summed by numpy in another order, in float64 of the same float32
        q = p.astype(float)
        logs = np.log(q)
        nll = lambda beta: np.mean(scipy.special.logsumexp(beta * logs, axis=1) - beta * logs[np.arange(count), truth])
        best = scipy.optimize.minimize_scalar(nll, bounds=(0.01, 100), method="bounded", options=dict(xatol=1e-10))
        same("averages of classes", got[:8], [
            sk.accuracy_score(truth, answer), sk.balanced_accuracy_score(truth, answer),
            sk.precision_score(truth, answer, **average), sk.f1_score(truth, answer, **average),
            np.mean([sk.roc_auc_score(truth == c, q[:, c]) for c in range(k)]),
            sk.average_precision_score(hot, q, average="macro"),
            -np.mean(logs[np.arange(count), truth]), np.mean(((q - hot) ** 2).sum(1))], 1e-11)
        same("temperature", 1 / got[8], best.x, 1e-4)
        assert got[9] <= best.fun + 1e-12, "temperature: SciPy found a lower likelihood"
        matrix = sk.multilabel_confusion_matrix(truth, answer).astype(float)
        tn, fp, fn, tp = (matrix[:, i, j] for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)))
        same("rates of classes", np.reshape(got[10:], (k, 4)), np.stack([
            tp / (tp + fn), tn / (tn + fp), sk.precision_score(truth, answer, average=None),
            sk.f1_score(truth, answer, average=None)], 1), 1e-12)


def reliability():
    for count, bins in ((50, 10), (5000, 15)):
        p = np.round(RANDOM.random(count), 2)
        event = RANDOM.random(count) < p ** 2
        got = ours("bins", f"{count} {bins}\n" + table(p, event))[0]
        of = np.minimum((p * bins).astype(int), bins - 1)
        gaps = [abs(event[of == k].mean() - p[of == k].mean()) for k in range(bins) if (of == k).any()]
        sizes = [np.mean(of == k) for k in range(bins) if (of == k).any()]
        even = scipy.stats.rankdata(p, "min").astype(int) - 1
        even = even * bins // count
        ece = sum(np.mean(even == k) * abs(event[even == k].mean() - p[even == k].mean()) for k in set(even))
        same("reliability", got, [np.dot(gaps, sizes), max(gaps), sk.brier_score_loss(event, p), ece], 1e-11)


def bootstrap():
    for count, of in ((40, 40), (300, 60), (4000, 1500)):
        patient = RANDOM.integers(0, of, count)
        value = np.exp(RANDOM.normal(0, 1, count)) + RANDOM.normal(0, 1, of)[patient]
        got, draws = ours("bootstrap", f"{count}\n" + table(value, patient, patient * 0))
        number = np.unique(patient, return_inverse=True)[1]
        patients = number.max() + 1
        # leave-one-out as the contract has it: one patient, or one of 1000 groups
        group = number % min(patients, 1000)
        left = np.array([value[group != g].mean() for g in range(group.max() + 1)])
        d = left.mean() - left
        a = (d ** 3).sum() / (6 * (d ** 2).sum() ** 1.5)
        z0 = scipy.stats.norm.ppf((np.mean(draws < value.mean()) + np.mean(np.array(draws) <= value.mean())) / 2)
        z = z0 + scipy.stats.norm.ppf([0.025, 0.975])
        share = scipy.stats.norm.cdf(z0 + z / (1 - a * z))
        same("bootstrap limits", got, [value.mean(), *np.percentile(draws, [2.5, 97.5]),
                                       *np.percentile(draws, 100 * share)], 1e-9)
        # the spread of draws is that of SciPy's own bootstrap of patients, to the noise of 2000 draws
        sums, sizes = np.bincount(number, value), np.bincount(number).astype(float)
        peer = scipy.stats.bootstrap((sums, sizes), lambda s, n: s.sum() / n.sum(), paired=True, n_resamples=2000,
                                     vectorized=False, method="BCa", random_state=7)
        same("bootstrap spread", np.std(draws, ddof=1), peer.standard_error, 0.08)
        width = np.diff(peer.confidence_interval)[0]
        same("BCa against SciPy", got[3:], peer.confidence_interval, 1e-6, 0.12 * width)


for test in (bootstrap, special_functions, intervals, mcnemar, curves, classes, reliability):
    test()
for name, gap in worst.items():
    print(f"{name}: largest relative gap {gap:.2g}")

"""The exam in teaching/: points add up, references lead somewhere, and every number of the answers is computed."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar

from scaling_laws import allocation, diagrams, plateaus, resolvent, tasks, theory
from scaling_laws.asymptotics import bottleneck_loss, delta_asymptotic, local_exponent, spectral_constant
from scaling_laws.phenomenology import ChinchillaLaw, PowerLawCurve
from scaling_laws.regression import ridge_path
from scaling_laws.spectra import Empirical, PowerLaw

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.heavy  # for teachers: "make test" is no slower for it
HEAD = re.compile(r"^### (\d+\.\d+) (.+) \((\d+) points(?:, ([\w ]+))?\)$", flags=re.M)
PART = re.compile(r"^\(([a-z])\)(?: |$)", flags=re.M)
NUMBER = r"−?\d+(?:\.\d+)?"
BOLD = re.compile(rf"\*\*({NUMBER})(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?\*\*")
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
LONG, ENDLESS = 10**15, 1e15  # latents of a long spectrum; an unlimited resource


def sections(name):
    """The title, the points and the text of each question in a file."""
    text = (ROOT / "teaching" / name).read_text(encoding="utf-8")
    found = list(HEAD.finditer(text))
    ends = [re.search(r"^## |\Z", text[m.end() :], flags=re.M).start() + m.end() for m in found]
    starts = [m.start() for m in found[1:]] + [len(text)]
    return {
        m[1]: (m[2], int(m[3]), text[m.end() : min(end, start)])
        for m, end, start in zip(found, ends, starts, strict=True)
    }


QUESTIONS, ANSWERS = sections("exam.md"), sections("exam_answers.md")


def parts(text):
    """The text of each part, by its letter; of the whole question if it has no parts."""
    pieces = PART.split(text)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True)) or {"": text}


def printed(text):
    """Numbers in bold: the value, and half of the last digit."""
    for number, power in BOLD.findall(text):
        unit = 10.0 ** int(power.translate(SUPERSCRIPTS) or 0) if power else 1.0
        digits = len(number.partition(".")[2])
        yield float(number.replace("−", "-")) * unit, 0.5 * 10.0**-digits * unit


def test_each_question_has_an_answer_with_the_same_title_points_and_parts():
    assert {key: value[:2] for key, value in QUESTIONS.items()} == {key: value[:2] for key, value in ANSWERS.items()}
    for key, (_, _, text) in QUESTIONS.items():
        assert list(parts(text)) == list(parts(ANSWERS[key][2])), key


def test_the_exam_covers_every_chapter_and_keeps_its_size():
    chapters = [int(key.split(".")[0]) for key in QUESTIONS]
    assert all(chapters.count(chapter) >= 2 for chapter in range(1, 16)) and set(chapters) == set(range(1, 16))
    assert 40 <= sum(len(parts(text)) for _, _, text in QUESTIONS.values()) <= 60
    text = (ROOT / "teaching" / "exam.md").read_text(encoding="utf-8")
    kinds = {match[4] for match in HEAD.finditer(text)}
    assert kinds == {"short", "derivation", "calculator", "figure", "table", "by hand"}
    assert len(QUESTIONS) == 39 and "Thirty-nine questions with sixty parts" in text


@pytest.mark.parametrize("key", QUESTIONS)
def test_points_of_the_steps_add_up(key):
    _, total, question = QUESTIONS[key]
    asked = parts(question)
    earned = {
        part: sum(map(int, re.findall(r"^- \[(\d)\]", text, flags=re.M)))
        for part, text in parts(ANSWERS[key][2]).items()
    }
    assert sum(earned.values()) == total
    if "" not in asked:
        assert {part: int(re.search(r"\((\d+)\)\s*$", text)[1]) for part, text in asked.items()} == earned


def test_papers_have_a_hundred_points_and_the_oral_takes_its_time():
    text = (ROOT / "teaching" / "exam.md").read_text(encoding="utf-8")
    chosen, short = [], []
    for title, name in (("## A written exam", "written exam"), ("## A resit", "resit")):
        paper = text.split(title)[1].split("\n## ")[0]
        rows = re.findall(r"^\| (\d+\.\d+) \|.*\| (\d+) \|$", paper, flags=re.M)
        assert all(QUESTIONS[key][1] == int(points) for key, points in rows)
        stated = int(re.search(r"^\| \*\*sum\*\* \|.*\| (\d+) \|$", paper, flags=re.M)[1])
        assert sum(int(points) for _, points in rows) == stated == 100
        chosen += [key for key, _ in rows]
        swap = re.search(rf"^\| {name} \| ([\d., ]+) \| ([\d., ]+) \|$", text, flags=re.M)
        out, new = (cell.split(", ") for cell in swap.groups())
        assert set(out) <= {key for key, _ in rows}
        short.append([key for key, _ in rows if key not in out] + new)
    assert len(chosen) == len(set(chosen))  # the resit has other questions
    for paper in short:  # after twelve weeks
        assert sum(QUESTIONS[key][1] for key in paper) == 100
        assert not {"7", "12", "14", "15"} & {key.split(".")[0] for key in paper}
    assert len(short[0] + short[1]) == len(set(short[0] + short[1]))
    oral = text.split("## An oral exam")[1]
    minutes, plan = re.match(r": (\d+) minutes", oral), re.search(r"Plan: (.*?)\.", oral, flags=re.S)[1]
    assert sum(map(int, re.findall(r"(\d+) minutes", plan))) == int(minutes[1]) == 30
    cards = re.findall(r"\b\d+\.\d+\b", "".join(re.findall(r"^\| \d \|.*", oral, flags=re.M)))
    named = re.search(r"All but (\S+) and (\S+) are in one of the two papers", oral)
    assert len(cards) == len(set(cards)) == 12 and set(cards) <= set(QUESTIONS)
    assert set(cards) - set(chosen) == set(named.groups())


def test_figures_and_exercises_of_the_book_are_called_by_what_they_are(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    targets = importlib.import_module("plain_notebooks").Book.read().targets
    text = "".join((ROOT / "teaching" / name).read_text(encoding="utf-8") for name in ("exam.md", "exam_answers.md"))
    varied = re.findall(r"^\| (\d.*?) \| `([\w-]+)`.*? \| .* \|$", text.split("## Formula sheet")[0], flags=re.M)
    assert len(varied) == 8 and all(targets[label].text.startswith("Exercise ") for _, label in varied)
    for question, _ in varied:
        for key, part in re.findall(r"(\d+\.\d+)(?: \((\w)\))?", question):
            assert not part or part in parts(QUESTIONS[key][2]), question
            assert key in QUESTIONS
    called = re.findall(r"(Figure [\d.]+) \(`([\w-]+)`\)", text)
    assert len(called) == len(re.findall("You see Figure", text)) == 2
    assert all(targets[label].text == name for name, label in called)


def what_a_factor_buys():
    curve = PowerLawCurve(amplitude=0.4, exponent=0.35, offset=1.8)  # the present size is 1
    now, loss = local_exponent(curve, 1.0), curve(1.0)
    halved, lower = (brentq(lambda x, goal=goal: curve(x) - goal, 1, 1e6) for goal in (2.0, 0.9 * loss))
    yield from [now, loss, halved, 0.9 * loss, 0.9 * loss - 1.8, lower, 0.8 * loss]
    yield from [0.9 ** (-1 / 0.35), 0.9 ** (-1 / now)]


def model_that_will_be_used():
    law = ChinchillaLaw(e=0.0, a=300.0, alpha=0.4, b=500.0, beta=0.3)

    def best(cost, used):
        def tokens(log_n):
            return (cost / 2 / np.exp(log_n) - used) / 3

        span = (1, np.log(cost / 2 / (used + 1)))
        options = {"bounds": span, "method": "bounded", "options": {"xatol": 1e-10}}
        log_n = minimize_scalar(lambda x: law(np.exp(x), tokens(x)), **options).x
        return np.exp(log_n), tokens(log_n)

    def share(n, d):
        return 500.0 * d**-0.3 / law(n, d)

    cost = 1e20
    used = np.exp(brentq(lambda x: np.exp(x) / 3 / best(cost, np.exp(x))[1] - 1, np.log(1e8), np.log(1e12)))
    n, d = best(cost, used)
    unused = np.exp(brentq(lambda x: np.log(best(np.exp(x), 0.0)[0] / n), np.log(1e14), np.log(1e20)))
    n_unused, d_unused = best(unused, 0.0)
    yield from [share(n, d), share(n_unused, d_unused), d / d_unused, 2]


def how_many_modes():
    law, integral = PowerLaw(1.0, LONG), quad(lambda v: 1 / (1 + v**2), 0, np.inf)[0] * 100
    df1, df2 = law.degrees_of_freedom(1e-4)
    halved = quad(lambda v: 1 / (1 + v**2) ** 2, 0, np.inf)[0] * 100
    yield from [1e-4**-0.5, integral, df1, halved, df2, 2 ** (1 + 1.0), 2 ** (1 + 0.25)]


def two_levels():
    strong, weak = (np.array(Empirical([v] * n).degrees_of_freedom(0.1)) for v, n in [(1.0, 10), (0.01, 1000)])
    both = np.array(Empirical([1.0] * 10 + [0.01] * 1000).degrees_of_freedom(0.1))
    yield from [strong[0], weak[0], both[0], strong[1], weak[1], both[1], 100 * weak[0] / both[0]]
    yield from [10 / 2, 10 + 1000 * 0.01 / 0.1, weak[0] / 1000]


def ten_samples():
    world = Empirical([1.0] * 5 + [1 / 12] * 24)
    delta, loss = (function(world, ENDLESS, 10) for function in (theory.solve_delta, theory.test_loss))
    bound = np.sum(world.eigenvalues[10:])
    yield from [delta, 1 / (1 + delta), 1 / 12 / (1 / 12 + delta), loss]
    yield from [np.sum(world.eigenvalues * (delta / (world.eigenvalues + delta)) ** 2), bound, loss / bound]


def bayesian():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((7, 3)), rng.standard_normal(7)
    one = x @ ridge_path(x, y, [0.25])[0]
    same = [10 * x @ ridge_path(10 * x, y, [ridge])[0] for ridge in (25.0, 2.5)]
    assert np.allclose(one, same[0]) and not np.allclose(one, same[1], rtol=1e-3)
    yield from [0.5 / 2, 0.5 / (2 / 10**2), 2 / 10**2, 10 * 0.25]


def two_polynomials():
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    sigma = nodes + (nodes**2 - 1) / np.sqrt(8)
    for correlation in (0.3, -0.7):
        other = correlation * nodes + np.sqrt(1 - correlation**2) * nodes[:, None]
        kernel = weights @ ((other + (other**2 - 1) / np.sqrt(8)) * sigma) @ weights
        assert np.isclose(kernel, correlation + correlation**2 / 4)
    pairs = np.sum(np.tri(40))
    yield from [(weights @ (sigma * nodes)) ** 2 / (weights @ sigma**2), 40, pairs, pairs - 40]


def multiplication_table():
    def table(n):
        return n / 2 * (np.log(n) + 2 * np.euler_gamma - 1)

    count = [len(range(i, 12 // i + 1)) for i in (1, 2, 3)]
    ordered = sum(12 // i for i in range(1, 13))
    slope = 2 / -local_exponent(table, 1e4) - 1
    yield from [*count, sum(count), table(12) + 12**0.5 / 2, ordered, np.log(1e4) + 2 * np.euler_gamma, slope]
    yield table(1e4) + 50


def three_directions():
    d, labels = np.array([4.0, 2.0, 1.0]), np.array([3.0, 2.0, 5.0])
    theta = ridge_path(np.diag(d), labels, [4.0])[0]
    fitted = d * theta / labels
    yield from [*fitted, fitted.sum(), np.sum((labels - d * theta) ** 2), *theta, theta @ theta, *d / (d + 4)]


def left_of_the_peak():
    losses = {n: 2.5 / n / (1 - n / 100) for n in range(1, 100)}
    best = min(losses, key=losses.get)
    yield from [best, losses[best], losses[best] * (100 - best) / best]


def two_descents():
    setting = PowerLaw(1.0, 500), 100
    losses = theory.test_loss(*setting, [50, 90], noise_var=0.01)
    assert losses[1] > losses[0]
    chapter = (ROOT / "book" / "05_ridge_regression.ipynb").read_text(encoding="utf-8")
    last = int(re.search(r"line = np\.geomspace\(8, (\d+), 600\)", chapter)[1])
    (train, test), (late_train, late_test) = (
        [function(*setting, t, noise_var=0.01) for function in (theory.train_loss, theory.test_loss)]
        for t in (last, 10**4)
    )
    assert train < test and late_train > late_test  # in the figure the training loss is still below
    yield from [last, train / (test + 0.01), train, test, late_train / (late_test + 0.01), late_train, late_test]


def white_data():
    white = Empirical([1.0] * 90)
    edges = resolvent.sample_covariance_edges(white, 1000)[0]
    square = quad(lambda mu: mu**2 * resolvent.marchenko_pastur_density(mu, 0.09), *edges)[0]
    n_samples = brentq(lambda t: resolvent.sample_covariance_edges(white, t)[0, 0] - 0.64, 100, 1e5)
    largest = resolvent.sample_covariance_edges(white, n_samples)[0, 1]
    yield from [*edges, square - 1, 90 - 30, (90 / n_samples) ** 0.5, n_samples, largest]


def ridge_of_the_data():
    kappa = [theory.solve_delta(Empirical([1.0] * 500), ENDLESS, 500, g * ENDLESS) for g in (0.5, 1e-4)]
    yield from [kappa[0], 1 / (1 + kappa[0]), kappa[1], kappa[1] / 1e-4]


def nine_diagrams():
    pairs = ((0, 3), (1, 2))
    one = diagrams.Diagram(pairs, pairs)
    assert one.planar and (one.sample_loops, one.feature_loops, one.latent_loops) == (2, 1, (1, 1))
    planar, whole = (diagrams.wick_moment(2, 10, 10, [1.0, 1.0], planar_only=only) for only in (True, False))
    yield from [one.n_loops, 10**2 * 10 * 2**2 / 2**2, planar, whole - planar, whole, 100 * (1 - planar / whole)]
    square_of_trace, trace_of_square = 2**2, 1 + 1  # exchanged in the last line
    yield (10**4 * square_of_trace + 2 * 10**3 * trace_of_square) / 2**2


def counting_powers():
    genus = 2 * 5 + 1 - 9
    yield from [genus, 100.0**-genus]


FLAT = Empirical([1.0] * 30)


def solved_by_hand():
    setting = FLAT, 20, 40, 20.0
    delta = theory.solve_delta(*setting)
    df1, df2 = FLAT.degrees_of_freedom(delta)
    d = (20 - df1) * (40 - df1) + (60 - 2 * df1) * (df1 - df2)
    signal, total = theory.test_loss(*setting), theory.test_loss(*setting, noise_var=3.4)
    train = theory.train_loss(*setting, noise_var=3.4)
    assert np.isclose(delta, 2)
    yield from [df1, delta * (20 - df1) * (40 - df1), df2, d, signal, total - signal, delta * (df1 - df2)]
    yield from [train / (total + 3.4), train, total * (1 - df1 / 40) ** 2]


def test_without_ridge_training_and_test_loss_are_those_of_question_8_2():
    law = PowerLaw(0.7, 10**6)
    product = 50 * theory.solve_delta(law, 50, 120)
    assert np.isclose(theory.train_loss(law, 50, 120, noise_var=0.3), (product + 0.3) * (1 - 50 / 120))
    assert np.isclose(theory.test_loss(law, 50, 120, noise_var=0.3), product / (1 - 50 / 120) + 0.3 * 50 / 70)


def measured_loss():
    whole = 0.05 / (1 - 48 / 80) ** 2
    yield from [whole, whole - 0.1, 0.05 / (1 - 48 / 80)]


def exchanged():
    law, noise = PowerLaw(0.5, 10**5), 0.2
    a, b = (theory.test_loss(law, *sizes, 1e-4, noise_var=noise) for sizes in ((100, 400), (400, 100)))
    delta = theory.solve_delta(law, 100, 400, 1e-4)
    df1, df2 = law.degrees_of_freedom(delta)
    d = (100 - df1) * (400 - df1) + (500 - 2 * df1) * (df1 - df2)
    yield (b - a) * d / noise / df2


def fifty_features():
    constant = spectral_constant(1.0) ** 2
    plain = bottleneck_loss(1.0, 50)
    half = bottleneck_loss(1.0, 50, shift=0.5)
    assert np.isclose(half, theory.test_loss(PowerLaw(1.0, LONG), 50, ENDLESS), rtol=1e-4)
    slope = local_exponent(lambda n: bottleneck_loss(1.0, n, shift=0.5), 50.0)
    yield from [constant, plain, half, 100 * (plain / half - 1), slope, (1 + 1) / (2 * 0.01)]


def test_the_sum_of_question_9_2_is_known_exactly():
    a = 1e-4**-0.5
    assert np.isclose((np.pi * a / np.tanh(np.pi * a) - 1) / 2, PowerLaw(1.0, LONG).degrees_of_freedom(1e-4)[0])


def crossover():
    law = PowerLaw(0.5, LONG)
    yield allocation.optimal_loss(law, 1e6, 1e6) / allocation.optimal_loss(law, ENDLESS, 1e6)
    law = PowerLaw(1.0, LONG)
    target = allocation.optimal_loss(law, 1000, 500)
    yield from [1 + 1**0.5, (1 + 1) ** 0.5]
    yield brentq(lambda t: allocation.optimal_loss(law, ENDLESS, t) - target, 100, 1000)
    few = PowerLaw(0.5, 2000), 60  # the green dots
    yield from [60, allocation.optimal_loss(few[0], 60, 60) / allocation.optimal_loss(few[0], ENDLESS, 60)]


def tuning_and_prices():
    law = PowerLaw(1.0, LONG)

    def ratio(n, t):
        n, t = 1e4 * n, 1e4 * t  # the same shape at a large size
        return allocation.optimal_loss(law, n, t) / theory.test_loss(law, n, t)

    assert np.isclose(ratio(125, 100), ratio(100, 125))
    yield from [ratio(100, 125), 100 * (1 - ratio(100, 125)), brentq(lambda t: ratio(100, t) - 0.99, 200, 5000)]

    def affordable(n):
        return allocation.optimal_loss(law, 1e4 * n, 1e4 * (600 - 4 * n))

    best = minimize_scalar(affordable, bounds=(10, 140), method="bounded", options={"xatol": 1e-6}).x
    modes = allocation.optimal_modes(1.0, 100, 200)
    assert np.isclose(modes, 100 * 200 / (100 + 200))
    yield from [best, 600 - 4 * best, modes, 100 * (affordable(75) / affordable(100) - 1)]


def test_equal_sizes_are_best_as_question_10_2_claims():
    law = Empirical(np.exp(3 * np.random.default_rng(10).standard_normal(400)))
    ratio = np.array([0.9, 1.0, 1.1])
    losses = allocation.optimal_loss(law, 100 * ratio, 100 / ratio)
    assert losses.argmin() == 1


def little_noise():
    yield from [np.exp(0.2), 1000 * np.exp(-0.1), 1000 * np.exp(0.1)]


def forty_latents():
    law = PowerLaw(1.0, 10**6)
    unit = 0.03 / law.tail(40)

    def loss(t, noise=0.0):
        return plateaus.truncated_loss(law, 40, 500, t, weight_var=unit, noise_var=noise)

    sizes = np.arange(20, 600)
    finite = plateaus.truncated_loss(law, 40, 500, sizes, 1e-12)
    yield from [sizes[finite.argmax()], loss(80), loss(200), loss(1e15)]
    yield from [brentq(lambda t: loss(t) - 1.1 * 0.03, 100, 1000), loss(200, 0.01) - loss(200), 0.01 * 200 / 160]


def four_students():
    """The table of the question is that of four settings."""
    law = PowerLaw(0.5, 10**12)
    tuned = allocation.optimal_ridge(law, 1e6, 1e3)
    settings = {
        "samples": (10**12, 1e6, 1e3, tuned, 0.0),
        "ridge": (10**12, 1e6, 1e6, 1e-3, 0.0),
        "unseen latents": (1000, 1e8, 1e8, 1e-3, 0.0),
        "label noise": (10**12, 1e6, 3e6, 1e-18, 100.0),
    }
    rows = re.findall(r"^\| [A-D] \| (.*) \|$", QUESTIONS["11.2"][2], flags=re.M)
    for (cause, (visible, n, t, ridge, noise)), row in zip(settings.items(), rows, strict=True):
        sizes = np.array([[n, 2 * n, n, n], [t, t, 2 * t, t], [ridge, ridge, ridge, ridge / 2]])
        loss = plateaus.truncated_loss(law, visible, *sizes, noise_var=noise)
        changes = np.rint(100 * (loss[1:] / loss[0] - 1)).astype(int)
        assert [int(cell.replace("−", "-")) for cell in row.split(" | ")] == changes.tolist(), cause
        assert plateaus.diagnose(law, n, t, ridge, n_visible=visible, noise_var=noise) == cause
    noise = [theory.decompose(law, n, t, noise_var=1.0).noise for n, t in ((1e6, 3e6), (2e6, 3e6), (1e6, 6e6))]
    yield from [100 * (2**-0.5 - 1), 100 * (2 ** (-0.5 / 1.5) - 1), *noise]

    def clean(n, t):
        return theory.test_loss(law, 1e6 * n, 1e6 * t)

    def worse(ratio):
        return clean(2, ratio) / clean(1, ratio) - (1 + 3)

    ratios = [brentq(worse, 2.1, 3), brentq(worse, 1.5, 1.95)]  # there are no others: right and left of T = 2 N
    changes = [100 * (clean(1, 2 * ratio) / clean(1, ratio) - 1) for ratio in ratios]
    yield from [*ratios, *changes]


def easy_task():
    ratio = tasks.split_ratio(1.0, 0.36)
    t, n = (1e6 * ratio) ** 0.5, (1e6 / ratio) ** 0.5
    s = n * 0.8 / 1.8
    best = minimize_scalar(lambda x: closed_loss(x, n, t), bounds=(1, t), method="bounded", options={"xatol": 1e-8}).x
    assert np.isclose(s, best, rtol=1e-5)
    ridge = (np.pi / 2 / s) ** 2 * (n - s) * (t - s)
    yield from [(1 - 0.36) ** 0.5, ratio, t, n, s / n, s / t, ridge, -tasks.loss_exponents(1.0, 0.36).compute]


def closed_loss(s, n, t, alpha=1.0, b=0.36):
    """Equation (12.11), without its constants."""
    n, t = s / n, s / t
    return s ** -(alpha + b) * ((1 - b) + b * n) / (1 + alpha - alpha * (n + t) - (1 - alpha) * n * t)


def test_the_limits_of_question_12_2_are_those_of_the_library():
    law, b = PowerLaw(0.5, 2000), 0.7
    rank = np.arange(1, 2001)
    for n, t, power in ((50, ENDLESS, 1), (ENDLESS, 50, 2)):
        delta = theory.solve_delta(law, n, t)
        missed = delta / (law.eigenvalues + delta)
        limit = np.sum(rank**-b * law.eigenvalues * missed**power)
        limit *= 1 if power == 1 else 50 / (50 - law.degrees_of_freedom(delta)[1])
        assert np.isclose(theory.test_loss(law, n, t, task_exponent=b), limit)


def exponents_that_part():
    runs = [
        minimize_scalar(lambda x, c=c: np.exp(-2.25 * x) + np.exp(0.25 * x) / c, bounds=(0, 60), method="bounded")
        for c in (1e8, 1e10)
    ]
    slope, fall = (runs[1].x - runs[0].x) / np.log(100), np.log(runs[1].fun / runs[0].fun) / np.log(100)
    assert np.isclose(-fall, tasks.loss_exponents(0.75, 1.5).compute, atol=1e-3)
    yield from [slope, 1 - slope, fall, 2 * slope - 1]


def kernel_and_target():
    alpha, power = 1.6 - 1, 1.4 - 1
    smooth = tasks.loss_exponents(alpha, 5 - 1 - alpha)
    assert np.isclose(tasks.loss_exponents(alpha, power - alpha).samples, power)
    assert tasks.split_ratio(alpha, power - alpha) > 1
    yield from [alpha, power, power - alpha, tasks.loss_exponents(alpha, power - alpha).samples]
    yield from [5 - 1, smooth.samples, smooth.features]


def two_estimates():
    leverages = np.array([0.2, 0.8])
    left_out, generalised = np.mean(0.01 / (1 - leverages) ** 2), 0.01 / (1 - leverages.mean()) ** 2
    distinct = 500 * (1 - (1 - 1 / 500) ** 200)
    yield from [left_out, generalised, left_out / generalised, distinct, distinct]


def ten_times_smaller():
    size, time = 10 ** (1 / 2), 10 ** (3 / 2)
    compute = 10 ** ((2 + 2) / 2)
    assert np.isclose(size * time, compute)
    yield from [size, time, compute, compute ** (1 / 4), compute ** (3 / 4)]


def one_mode():
    strength = np.array([0.1, 1.0, 10.0])
    yield from [*-np.expm1(-strength), *strength / (strength + 1)]


def steps():
    error, steps = 1.0, 0
    while error > 0.05:
        error, steps = error * (1 - 0.02 * 0.5), steps + 1
    assert steps == 299
    yield from [2 / 50, np.log(0.05) / np.log(0.99)]
    yield from [np.log(0.05) / np.log(1 - step * 1.5) for step in (1 / 51, 0.02)]
    yield 0.5 / 1.5


def one_latent():
    def missed(n):
        return delta_asymptotic(1.0, n) / (0.01 + delta_asymptotic(1.0, n))

    yield from [delta_asymptotic(1.0, 50), missed(50), brentq(lambda n: missed(n) - 0.01, 50, 1000)]


def fair_fight():
    yield from [50 * 40 + 50, 50]


def quanta():
    yield from [0.5, 0.5 / 1.5, tasks.loss_exponents(0.5).samples]


COMPUTED = {
    "1.1": what_a_factor_buys, "1.2": model_that_will_be_used, "2.1": how_many_modes, "2.2": two_levels,
    "3.1": ten_samples, "3.2": bayesian, "4.1": two_polynomials, "4.2": multiplication_table,
    "5.1": three_directions, "5.2": left_of_the_peak, "5.3": two_descents, "6.1": white_data,
    "6.2": ridge_of_the_data, "7.1": nine_diagrams, "7.2": counting_powers, "8.1": solved_by_hand,
    "8.3": measured_loss, "8.4": exchanged, "9.1": fifty_features,
    "9.3": crossover, "10.1": tuning_and_prices, "10.3": little_noise,
    "11.1": forty_latents, "11.2": four_students, "12.1": easy_task,
    "12.3": exponents_that_part, "13.1": kernel_and_target, "13.2": two_estimates, "14.1": ten_times_smaller,
    "14.2": one_mode, "14.3": steps, "15.1": one_latent, "15.2": fair_fight, "15.3": quanta,
}  # fmt: skip


GIVEN = {  # numbers in the questions, as the functions above take them
    "1.1": "1.8 0.35 0.4", "1.2": "6 2 2 3 1 3 0.4 0.3 0", "2.1": "2 10 4 1 2 1 0.25", "2.2": "2 1 1 0.01 1 2 0.1 1 1",
    "3.1": "29 1 24 1 12 10", "3.2": "2 0.5", "4.1": "1 12 2 1 2 2 1 2 40", "4.2": "2 2 1 2 0.5772 12 2 10 4",
    "5.1": "4 2 1 3 2 5 4", "5.2": "2 2 100 2 2.5", "5.3": "5.1 0.01 100 50 90 10 4 0.030 0.021",
    "6.1": "90 0 1 1000 30 0.64", "6.2": "1 1 1 2 1 12 10 4", "7.1": "2 0 3 0 1 1 2 2 3 3 0 10 2 1 1 0 3 1 2 2",
    "7.2": "100 1", "8.1": "30 1 20 40 20 3.4 2 2", "8.3": "200 80 0.05 48 0.1", "8.4": "100 400 400 100 2 2",
    "9.1": "1 50 1 12 50 0.01", "9.3": "9.5 12 1 1000 500", "10.1": "1 1 2 1 1 1 2 1 100 125 100 4 600 1",
    "10.3": "10 6 0.02 0.004", "11.1": "500 40 2 0.03 40 2 40 500 80 200 0.01 200",
    "11.2": "12 0 −29 0 −21 −21 −21 0 0 0 300 −60 0",
    "12.1": "1 2 0.36 2 2 2 1 1 10 6 1 2", "12.3": "1 2 1 0.75 1.5", "13.1": "2 2 1.6 2 1.4 2 5",
    "13.2": "0.2 0.8 0.01 200 500", "14.1": "2", "14.2": "1 1 1 0.1 1 10", "14.3": "50 0.5 12 2 2 95 1",
    "15.1": "1 10 10 1 2 50", "15.2": "50 40", "15.3": "1 12 0.33 0.5",
}  # fmt: skip


@pytest.mark.parametrize("key", GIVEN)
def test_questions_give_the_numbers_that_their_answers_start_from(key):
    text = re.sub(r"\(\d\)$", "", QUESTIONS[key][2], flags=re.M)
    assert " ".join(re.findall(NUMBER, text)) == GIVEN[key]


@pytest.mark.parametrize("key", ANSWERS)
def test_numbers_of_an_answer_are_what_comes_out(key):
    computed = list(COMPUTED[key]()) if key in COMPUTED else []
    found = list(printed(ANSWERS[key][2]))
    assert len(found) == len(computed), [value for value, _ in found]
    for (value, half_digit), expected in zip(found, computed, strict=True):
        assert abs(value - expected) <= half_digit * (1 + 1e-6), f"{value} is printed, {expected} comes out"


ON_THE_WAY = {
    "1.1": [1 - 0.1], "2.1": [1 + 0.25], "2.2": [1 + 0.1, 0.01 + 0.1, 1000], "3.1": [10 * 12],
    "5.3": [0.01, 100], "6.1": [0.09**0.5, 0.64**0.5, 0.2**2],
    "8.1": [20 * 40, (20 - 10) * (40 - 10), 10 - 10 / 3, 32000 / 1700, 3.4 * 300 / 1700], "8.3": [48 / 80],
    "9.3": [1.5, 1.6, 1.65], "10.1": [1 - 0.99, 600 - 4 * 75],
    "10.3": [0.004 / 0.02, 0.1, 1e6**0.5], "11.1": [1 + 0.1, 200 - 40], "12.1": [np.pi**2 / 4],
    "13.2": [(0.2 + 0.8) / 2], "15.1": [100, 1 / 10**2, 156, np.ceil(156.3)],
    "14.3": [0.04 / 2, 1 - 0.95, 1 - 0.02 * 0.5, 0.5 + 1, 298, *np.ceil([298.1, 98.4, 100.3])],
}  # fmt: skip


@pytest.mark.parametrize("key", ANSWERS)
def test_no_number_of_an_answer_is_left_unchecked(key):
    """A decimal, or a whole number from 100 on, is in bold, or given in the question, or was computed on the way."""
    answer = ANSWERS[key][2]
    known = set(re.findall(NUMBER, QUESTIONS[key][2])) | {match[0] for match in BOLD.findall(answer)}
    left = re.findall(NUMBER, BOLD.sub("", answer))
    doubtful = {number for number in left if "." in number or len(number) > 2} - known
    rounded = {number for number in doubtful for value in ON_THE_WAY.get(key, []) if same(number, value)}
    assert doubtful == rounded


def same(number, value):
    return f"{value:.{len(number.partition('.')[2])}f}" == number

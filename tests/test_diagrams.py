"""Wick contractions: enumerated, counted, summed, drawn."""

import inspect
from collections import Counter
from functools import cache
from itertools import chain, combinations, permutations, product
from math import comb, factorial, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

from scaling_laws.diagrams import Diagram, all_diagrams, draw_diagram, pairings, planar_count, wick_moment, wick_orders
from scaling_laws.plotting import BLUE, GREEN, ORANGE
from scaling_laws.resolvent import spectral_edges, stieltjes
from scaling_laws.spectra import Empirical, PowerLaw

ORDERS = range(1, 6)
EIGENVALUES = np.array([2.0, 0.9, 0.9, 0.3])
A, B, C = ((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))  # the three pairings of four places
SMALL = [diagram for k in (1, 2, 3) for diagram in all_diagrams(k)]

sizes = st.integers(1, 100)
spectra = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8).map(np.array)


# ------------------------------------------------------------------------------------------------ pairings, diagrams


@pytest.mark.parametrize("k", ORDERS)
def test_pairings_are_all_involutions_without_fixed_point(k):
    table = pairings(k)
    assert table.shape == (factorial(2 * k) // (2**k * factorial(k)), 2 * k)
    assert table.dtype.kind == "i"
    assert len(np.unique(table, axis=0)) == len(table)
    places = np.broadcast_to(np.arange(2 * k), table.shape)
    assert_array_equal(np.take_along_axis(table, table, axis=1), places)
    assert (table != places).all()


def test_writing_into_the_pairings_spoils_no_later_call():
    expected = wick_moment(2, 3, 5, EIGENVALUES)
    table = pairings(2)
    table[:] = table[0]
    assert len(np.unique(pairings(2), axis=0)) == 3
    assert wick_moment(2, 3, 5, EIGENVALUES) == expected


@pytest.mark.parametrize(("k", "count"), [(1, 1), (2, 9), (3, 225), (4, 11025)])
def test_every_pairing_of_one_kind_meets_every_pairing_of_the_other(k, count):
    assert len(set(all_diagrams(k))) == len(all_diagrams(k)) == count
    assert {diagram.order for diagram in all_diagrams(k)} == {k}


# The feature indices of the places 0 to 3 are a, a, b, b and the sample indices s, t, t, s. So of x, A and B identify s
# with t, C does not; of u, B and C identify a with b, A does not. Equal pairings leave two latent indices, each
# contracted once; different ones leave one.
BY_HAND = [  # x, u, sample loops, feature loops, latent loops, Euler genus, orientable, term
    (A[:1], A[:1], 1, 1, (1,), 0, True, r"T N \,\mathrm{tr}\,\Lambda"),
    (A, A, 1, 2, (1, 1), 0, True, r"T N^{2} \,(\mathrm{tr}\,\Lambda)^{2}"),
    (A, B, 1, 1, (2,), 2, False, r"T N \,\mathrm{tr}\,\Lambda^{2}"),
    (A, C, 1, 1, (2,), 2, True, r"T N \,\mathrm{tr}\,\Lambda^{2}"),
    (B, A, 1, 2, (2,), 1, False, r"T N^{2} \,\mathrm{tr}\,\Lambda^{2}"),
    (B, B, 1, 1, (1, 1), 1, False, r"T N \,(\mathrm{tr}\,\Lambda)^{2}"),
    (B, C, 1, 1, (2,), 2, False, r"T N \,\mathrm{tr}\,\Lambda^{2}"),
    (C, A, 2, 2, (2,), 0, True, r"T^{2} N^{2} \,\mathrm{tr}\,\Lambda^{2}"),
    (C, B, 2, 1, (2,), 1, False, r"T^{2} N \,\mathrm{tr}\,\Lambda^{2}"),
    (C, C, 2, 1, (1, 1), 0, True, r"T^{2} N \,(\mathrm{tr}\,\Lambda)^{2}"),
]


@pytest.mark.parametrize("row", BY_HAND, ids=lambda row: f"{row[0]} {row[1]}")
def test_the_diagrams_of_the_first_two_orders_agree_with_those_worked_out_by_hand(row):
    x, u, sample_loops, feature_loops, latent_loops, euler_genus, orientable, term = row
    diagram = Diagram(x, u)
    assert diagram.order == len(x)
    assert (diagram.sample_loops, diagram.feature_loops) == (sample_loops, feature_loops)
    assert diagram.latent_loops == latent_loops
    assert diagram.n_loops == sample_loops + feature_loops + len(latent_loops)
    assert (diagram.euler_genus, diagram.orientable) == (euler_genus, orientable)
    assert diagram.planar == (euler_genus == 0)
    assert diagram.term == term


@pytest.mark.parametrize(
    ("x", "u", "term"),
    [
        # x ties no two of the three sample indices, u none of the feature indices, and all latents
        (((0, 5), (1, 2), (3, 4)), ((0, 1), (2, 3), (4, 5)), r"T^{3} N^{3} \,\mathrm{tr}\,\Lambda^{3}"),
        # places 0 and 5 are paired by both, the others in a square
        (
            ((0, 5), (1, 2), (3, 4)),
            ((0, 5), (1, 4), (2, 3)),
            r"T^{3} N^{2} \,\mathrm{tr}\,\Lambda\,\mathrm{tr}\,\Lambda^{2}",
        ),
        (((0, 1), (2, 3), (4, 5)),) * 2 + (r"T N^{3} \,(\mathrm{tr}\,\Lambda)^{3}",),
        # two squares: places 0 to 3 and 4 to 7; of the features a = b and c = d, of the samples only that of 0 and 3
        (
            ((0, 3), (1, 2), (4, 7), (5, 6)),
            ((0, 1), (2, 3), (4, 5), (6, 7)),
            r"T^{3} N^{4} \,(\mathrm{tr}\,\Lambda^{2})^{2}",
        ),
        (((0, 1), (2, 3), (4, 6), (5, 7)),) * 2 + (r"T N^{3} \,(\mathrm{tr}\,\Lambda)^{4}",),
    ],
)
def test_the_term_of_a_larger_diagram_agrees_with_that_worked_out_by_hand(x, u, term):
    assert Diagram(x, u).term == term


def identified(diagram):
    """Loops of the three kinds from the index labels themselves, joined pair by pair (union-find)."""
    k = len(diagram.x)
    feature = [("feature", p // 2) for p in range(2 * k)]
    sample = [("sample", (p + 1) // 2 % k) for p in range(2 * k)]
    latent = [("latent", p) for p in range(2 * k)]
    parent = {label: label for label in feature + sample + latent}

    def root(label):
        while parent[label] != label:
            label = parent[label]
        return label

    for pairs, labels in ((diagram.x, sample), (diagram.u, feature)):
        for p, q in pairs:
            parent[root(labels[p])] = root(labels[q])
            parent[root(latent[p])] = root(latent[q])
    contractions = Counter(root(latent[p]) for p, _ in diagram.x)
    n_samples, n_features = (len({root(label) for label in labels}) for labels in (sample, feature))
    return n_samples, n_features, tuple(sorted(contractions.values(), reverse=True))


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_loops_are_the_classes_of_identified_indices(k):
    for diagram in all_diagrams(k):
        expected = identified(diagram)
        assert (diagram.sample_loops, diagram.feature_loops, diagram.latent_loops) == expected, diagram
        assert diagram.n_loops == expected[0] + expected[1] + len(expected[2])
        assert diagram.euler_genus == 2 * k + 1 - diagram.n_loops


def two_sided(diagram):
    """Whether the places can be coloured so that every ribbon and every piece of the circle joins two colours."""
    n = 2 * len(diagram.x)
    neighbours = {p: {(p + 1) % n, (p - 1) % n} for p in range(n)}  # the circle
    for p, q in (*diagram.x, *diagram.u):
        neighbours[p].add(q)
        neighbours[q].add(p)
    colour, todo = {0: 0}, [0]
    while todo:
        p = todo.pop()
        for q in neighbours[p]:
            if q not in colour:
                colour[q] = 1 - colour[p]
                todo.append(q)
    return all(colour[p] != colour[q] for p in range(n) for q in neighbours[p])


def test_a_diagram_is_orientable_if_all_pairs_join_places_of_opposite_parity():
    for diagram in SMALL:
        untwisted = all((p + q) % 2 for p, q in (*diagram.x, *diagram.u))
        assert diagram.orientable == untwisted == two_sided(diagram), diagram


def cycles(permutation):
    """Lengths of the cycles of a permutation, longest first."""
    lengths, left = [], set(range(len(permutation)))
    while left:
        start = place = min(left)
        length = 0
        while not length or place != start:
            left.remove(place)
            place, length = permutation[place], length + 1
        lengths.append(length)
    return tuple(sorted(lengths, reverse=True))


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_orientable_diagrams_are_those_of_complex_entries(k):
    # tr prod_i conj(X_{I_i t_i}) conj(u_{j_i I_i}) u_{j_i J_i} X_{J_i t_{i+1}}: only a conjugate and an entry can pair,
    # the conjugates i with the entries s[i] of X, v[i] of u. So t_i = t_{s[i]+1}, j_i = j_{v[i]}, J_{s[i]} = J_{v[i]}
    expected = Counter()
    for s, v in product(permutations(range(k)), repeat=2):
        latent = [v[s.index(i)] for i in range(k)]
        expected[len(cycles([(i + 1) % k for i in s])), len(cycles(v)), cycles(latent)] += 1
    found = Counter((d.sample_loops, d.feature_loops, d.latent_loops) for d in all_diagrams(k) if d.orientable)
    assert found == expected


def test_orientable_diagrams_have_an_even_euler_genus():
    genera = {orientable: {d.euler_genus for d in SMALL if d.orientable == orientable} for orientable in (True, False)}
    assert genera == {True: {0, 2, 4}, False: {1, 2, 3, 4}}


def crosses(diagram):
    """Whether two chords cross, drawn in a circle with its legs in the order x u u x x u u x ..."""
    chords = [sorted(2 * p + p % 2 for p in pair) for pair in diagram.x]
    chords += [sorted(2 * p + (p + 1) % 2 for p in pair) for pair in diagram.u]
    return any(a < c < b < d or c < a < d < b for (a, b), (c, d) in combinations(chords, 2))


def test_planar_diagrams_are_those_without_crossing_chords_and_those_of_euler_genus_zero():
    for diagram in SMALL:
        assert diagram.planar == (diagram.euler_genus == 0) == (not crosses(diagram)), diagram
        assert diagram.euler_genus >= 0


def moved(diagram, move):
    """The diagram with every place moved."""
    n = 2 * diagram.order
    return Diagram(*(tuple((move(p) % n, move(q) % n) for p, q in pairs) for pairs in (diagram.x, diagram.u)))


def test_the_dual_exchanges_samples_and_features():
    for diagram in SMALL:
        dual = diagram.dual
        assert (dual.sample_loops, dual.feature_loops) == (diagram.feature_loops, diagram.sample_loops)
        assert dual.latent_loops == diagram.latent_loops
        assert dual.orientable == diagram.orientable
        assert moved(diagram, lambda p: p + 1) == Diagram(dual.u, dual.x)
    assert {diagram.dual for diagram in SMALL} == set(SMALL)


def test_the_dual_of_the_dual_is_the_diagram_two_places_on():
    for diagram in SMALL:
        assert diagram.dual.dual == moved(diagram, lambda p: p + 2)


@pytest.mark.parametrize("move", [lambda p: p + 2, lambda p: 1 - p], ids=["two places on", "mirror image"])
def test_loops_stay_when_the_trace_is_turned_or_read_backwards(move):
    for diagram in SMALL:
        image = moved(diagram, move)
        for name in ("sample_loops", "feature_loops", "latent_loops", "orientable", "planar", "term"):
            assert getattr(image, name) == getattr(diagram, name), (name, diagram)


def test_a_diagram_does_not_depend_on_how_its_pairs_are_listed():
    diagram = Diagram(x=A, u=C)
    for x, u in (([[3, 2], [1, 0]], [[2, 1], [3, 0]]), (np.array(A), np.array(C)), (set(A), frozenset(C))):
        assert Diagram(x, u) == diagram
        assert hash(Diagram(x, u)) == hash(diagram)
        assert Diagram(x, u).term == diagram.term


# ------------------------------------------------------------------------------------------------------------ counts


@pytest.mark.parametrize(
    ("k", "count"), [(1, 1), (2, 3), (3, 12), (4, 55), pytest.param(5, 273, marks=pytest.mark.heavy)]
)
def test_planar_diagrams_are_counted_by_the_fuss_catalan_numbers(k, count):
    assert planar_count(k) == count
    assert wick_moment(k, 1, 1, [1.0], planar_only=True) == count
    if k < 5:
        assert sum(diagram.planar for diagram in all_diagrams(k)) == count


def test_planar_counts_obey_the_recursion_of_ternary_trees():
    counts = [1]
    for k in range(1, 40):
        pairs = [sum(counts[i] * counts[m - i] for i in range(m + 1)) for m in range(k)]
        counts.append(sum(counts[k - 1 - m] * pairs[m] for m in range(k)))
        assert planar_count(k) == counts[k]


@pytest.mark.parametrize("k", ORDERS)
def test_planar_diagrams_with_given_numbers_of_loops_are_counted_by_edelmans_formula(k):
    n, t, m = 3, 7, 5  # multichains of non-crossing partitions, with a, b and c blocks
    expected = sum(
        comb(k, a) * comb(k, b) * comb(k, c) // k * n**a * t**b * m**c
        for a, b, c in product(range(1, k + 1), repeat=3)
        if a + b + c == 2 * k + 1
    )
    assert wick_moment(k, n, t, np.ones(m), feature_var=m, planar_only=True) == pytest.approx(expected, rel=1e-13)


# ----------------------------------------------------------------------------------------------------------- moments


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_orders_are_the_sum_over_all_diagrams(k):
    n, t, variance = 3, 7, 1.3
    expected = np.zeros(2 * k - 1)
    for diagram in all_diagrams(k):
        sample_loops, feature_loops, latent_loops = identified(diagram)
        traces = prod(np.sum(EIGENVALUES**j) for j in latent_loops)
        genus = 2 * k + 1 - sample_loops - feature_loops - len(latent_loops)
        expected[genus] += (variance / 4) ** k * n**feature_loops * t**sample_loops * traces
    assert_allclose(wick_orders(k, n, t, EIGENVALUES, feature_var=variance), expected, rtol=1e-12)


def power_sums(k):
    """Sums over the products of power sums of EIGENVALUES that the k-th moment needs."""
    p1, p2, p3 = (np.sum(EIGENVALUES**j) for j in (1, 2, 3))
    return {1: [p1], 2: [p2, p1**2], 3: [p3, p2 * p1, p1**3]}[k]


def wishart(k, n):
    """E of the products of power sums (as in power_sums) of a real Wishart matrix with n degrees of freedom.

    From E W B W = n^2 SBS + n SBS + n S tr SB for symmetric B, and, one order up, from E f(W) tr W =
    n tr S E f(W) - 2 d/d(theta) E f(W) at the scale S - theta S^2, by which a density exp(-tr W/S / 2) is tilted.
    """
    rows = {
        1: [[n]],
        2: [[n**2 + n, n], [2 * n, n**2]],
        3: [
            [n**3 + 3 * n**2 + 4 * n, 3 * n**2 + 3 * n, n],
            [4 * n**2 + 4 * n, n**3 + n**2 + 4 * n, n**2],
            [8 * n, 6 * n**2, n**3],
        ],
    }
    return np.array(rows[k], dtype=float)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize(("n", "t"), [(1, 1), (2, 7), (30, 4)])
def test_low_moments_follow_from_two_averages_over_wishart_matrices(k, n, t):
    # of the Wishart matrices X X^T, with T degrees of freedom, and u^T u, with N: first over X at fixed u, then over u
    expected = (1.3 / 4) ** k * (wishart(k, t) @ wishart(k, n) @ power_sums(k))[0]
    assert wick_moment(k, n, t, EIGENVALUES, feature_var=1.3) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("n", "t"), [(1, 1), (2, 7), (30, 4)])
def test_the_first_moment_is_the_mean_square_of_the_features(n, t):
    expected = 1.3 * n * t * EIGENVALUES.sum() / 4
    assert wick_moment(1, n, t, EIGENVALUES, feature_var=1.3) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("k", ORDERS)
@pytest.mark.parametrize(("n", "t"), [(1, 1), (6, 1), (3, 8)])
def test_with_one_latent_the_moment_is_that_of_two_chi_squares(k, n, t):
    expected = prod(0.7 * 1.3 * (n + 2 * i) * (t + 2 * i) for i in range(k))
    assert wick_moment(k, n, t, [0.7], feature_var=1.3) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("k", ORDERS)
@pytest.mark.parametrize("other", [1, 5, 200])
def test_with_one_feature_or_one_sample_the_moment_is_that_of_a_quadratic_form(k, other):
    # given u, the T entries of u X are independent with the variance u Lambda u^T, a sum of chi-squares
    cumulants = [2 ** (i - 1) * factorial(i - 1) * np.sum((1.3 * EIGENVALUES / 4) ** i) for i in range(1, k + 1)]
    moments = [1.0]
    for i in range(1, k + 1):
        moments.append(sum(comb(i - 1, j - 1) * cumulants[j - 1] * moments[i - j] for j in range(1, i + 1)))
    expected = moments[k] * prod(other + 2 * i for i in range(k))
    assert wick_moment(k, 1, other, EIGENVALUES, feature_var=1.3) == pytest.approx(expected, rel=1e-13)
    assert wick_moment(k, other, 1, EIGENVALUES, feature_var=1.3) == pytest.approx(expected, rel=1e-13)


def gaussian_average(latent, n_other, variances):
    """E of a product of entries (latent[p], q_p) of a matrix with independent Gaussian rows, summed over the q that the
    places share in twos: (0, 1), (2, 3), ... For every row of `latent`."""
    moment = np.array([1.0, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945])
    other = np.array(list(product(range(n_other), repeat=latent.shape[1] // 2))).repeat(2, axis=1)
    total = np.ones((len(latent), len(other)))
    for index, variance in enumerate(variances):
        for row in range(n_other):
            power = (latent == index).astype(int) @ (other == row).T.astype(int)
            total *= moment[power] * variance ** (power / 2)
    return total.sum(axis=1)


@pytest.mark.parametrize(
    ("k", "n", "t", "eigenvalues"),
    [
        (2, 3, 2, [2.0, 1.0, 0.5]),
        (3, 2, 3, [2.0, 1.0, 0.5]),
        (4, 1, 2, [2.0, 0.5]),
        (4, 3, 2, [2.0, 0.5]),
        (4, 2, 2, [2.0, 1.0, 0.5]),
        (5, 2, 1, [2.0, 0.5]),
        (5, 2, 3, [2.0, 0.5]),
    ],
)
def test_moments_agree_with_the_sum_over_all_values_of_all_indices(k, n, t, eigenvalues):
    latent = np.array(list(product(range(len(eigenvalues)), repeat=2 * k)))
    over_u = gaussian_average(latent, n, np.full(len(eigenvalues), 1.3 / len(eigenvalues)))
    over_x = gaussian_average(
        np.roll(latent, 1, axis=1), t, eigenvalues
    )  # samples are shared by 2k-1 and 0, 1 and 2, ...
    assert wick_moment(k, n, t, eigenvalues, feature_var=1.3) == pytest.approx(over_u @ over_x, rel=1e-12)


def measured_moments(n, t, eigenvalues, feature_var, trials, rng):
    """Mean and standard error of the first three moments over random instances of the model."""
    m = len(eigenvalues)
    x = rng.standard_normal((trials, m, t)) * np.sqrt(eigenvalues)[:, None]
    u = rng.standard_normal((trials, n, m)) * np.sqrt(feature_var / m)
    phi = u @ x
    gram = phi @ phi.swapaxes(1, 2) if n < t else phi.swapaxes(1, 2) @ phi
    square = gram @ gram
    moments = np.array([np.einsum("aii->a", gram), np.einsum("aii->a", square), np.einsum("aij,aij->a", square, gram)])
    return moments.mean(axis=1), moments.std(axis=1, ddof=1) / np.sqrt(trials)


@pytest.mark.heavy
def test_moments_agree_with_random_instances_of_the_model():
    rng, scores = np.random.default_rng(7), []
    for n, t, n_latent in ((5, 9, 7), (9, 4, 6), (6, 6, 12)):
        eigenvalues = PowerLaw(0.4, n_latent).eigenvalues
        mean, stderr = measured_moments(n, t, eigenvalues, 1.7, 100_000, rng)
        exact = [wick_moment(k, n, t, eigenvalues, feature_var=1.7) for k in (1, 2, 3)]
        planar = [wick_moment(k, n, t, eigenvalues, feature_var=1.7, planar_only=True) for k in (2, 3)]
        assert (abs(mean[1:] - planar) > 30 * stderr[1:]).all()  # precise enough to see the others
        scores.extend((mean - exact) / stderr)
    assert np.abs(scores).max() < 4
    assert 0.15 < np.mean(np.square(scores)) < 2.5  # nine, three independent


def white_wishart(k, m, t):
    """E tr (X X^T)^k for M x T entries of variance 1, known in closed form."""
    return [t * m, t * m * (t + m + 1), t * m * (t**2 + m**2 + 3 * t * m + 3 * t + 3 * m + 4)][k - 1]


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize(("m", "t"), [(1, 1), (5, 2), (4, 9)])
def test_infinitely_many_features_or_samples_leave_the_moments_of_one_random_matrix(k, m, t):
    many = 1e15
    unit = (many * 1.3 / m) ** k
    for n_features, n_samples in ((many, t), (t, many)):
        found = wick_moment(k, n_features, n_samples, np.ones(m), feature_var=1.3)
        assert found / unit == pytest.approx(white_wishart(k, m, t), rel=1e-12)


@given(st.sampled_from([1, 2, 3, 4]), sizes, sizes, spectra)
def test_moments_are_symmetric_in_features_and_samples_at_every_order(k, n, t, eigenvalues):
    one, other = wick_orders(k, n, t, eigenvalues), wick_orders(k, t, n, eigenvalues)
    assert_allclose(one, other, rtol=1e-12)


@given(st.sampled_from([1, 2, 3, 4]), sizes, sizes, spectra, st.floats(1e-3, 1e3))
def test_moments_grow_with_the_units_to_the_power_of_their_order(k, n, t, eigenvalues, unit):
    expected = unit**k * wick_orders(k, n, t, eigenvalues)
    assert_allclose(wick_orders(k, n, t, unit * eigenvalues), expected, rtol=1e-12)
    assert_allclose(wick_orders(k, n, t, eigenvalues, feature_var=unit), expected, rtol=1e-12)


@given(st.sampled_from([1, 2, 3, 4]), sizes, sizes, spectra, st.integers(1, 9))
def test_latents_of_zero_variance_change_only_the_normalisation_of_the_features(k, n, t, eigenvalues, zeros):
    padded = np.concatenate([np.zeros(zeros), eigenvalues])
    expected = wick_orders(k, n, t, eigenvalues) * (eigenvalues.size / padded.size) ** k
    assert_allclose(wick_orders(k, n, t, padded), expected, rtol=1e-12)


@pytest.mark.parametrize("k", ORDERS)
def test_the_planar_part_and_the_whole_are_the_first_order_and_the_sum_of_all(k):
    orders = wick_orders(k, 6, [3, 8], EIGENVALUES, feature_var=1.3)
    assert orders.shape == (2 * k - 1, 2)
    assert (orders > 0).all()
    assert_array_equal(wick_moment(k, 6, [3, 8], EIGENVALUES, feature_var=1.3, planar_only=True), orders[0])
    assert_allclose(wick_moment(k, 6, [3, 8], EIGENVALUES, feature_var=1.3), orders.sum(axis=0), rtol=1e-14)


@pytest.mark.parametrize("k", ORDERS)
def test_each_unit_of_euler_genus_costs_one_power_of_the_size(k):
    shares = [
        wick_orders(k, n, n, np.ones(n)) / wick_moment(k, n, n, np.ones(n), planar_only=True) for n in (1, 7, 300)
    ]
    assert_allclose(shares[1], shares[0] / 7.0 ** np.arange(2 * k - 1), rtol=1e-12)
    assert_allclose(shares[2], shares[0] / 300.0 ** np.arange(2 * k - 1), rtol=1e-12)
    assert shares[0].sum() * planar_count(k) == pytest.approx(pairings(k).shape[0] ** 2)


SETTINGS = [
    (Empirical(np.ones(20)), 30, 12, 1.0),
    (Empirical([3.0, 1.0, 0.5, 0.5, 0.0]), 4, 4, 0.6),
    (PowerLaw(0.7, 40), 15, 25, 2.0),
    (PowerLaw(1.5, 10), 100, 60, 1.0),
]


def contour(spectrum, n, t, feature_var):
    """Points z of a circle around all bands, and weights of the trapezoid rule for -(1/2 pi i) times an integral."""
    radius = 2 * spectral_edges(spectrum, n, t, feature_var=feature_var)[-1, 1]
    z = radius * np.exp(2j * np.pi * (np.arange(400) + 0.5) / 400)
    return z, -z / 400


@pytest.mark.parametrize("setting", SETTINGS, ids=range(len(SETTINGS)))
def test_the_planar_part_is_the_moment_of_the_resolvent_at_large_sizes(setting):
    spectrum, n, t, feature_var = setting
    z, weights = contour(*setting)
    trace = n * stieltjes(z, spectrum, n, t, feature_var=feature_var)
    for k in ORDERS:
        found = wick_moment(k, n, t, spectrum.eigenvalues, feature_var=feature_var, planar_only=True)
        expected = np.sum(weights * z**k * trace)
        assert abs(expected.imag) < 1e-10 * found
        assert found == pytest.approx(expected.real, rel=1e-10)


@pytest.mark.parametrize("setting", SETTINGS, ids=range(len(SETTINGS)))
def test_the_part_of_euler_genus_one_is_the_moment_of_its_determinant(setting):
    spectrum, n, t, feature_var = setting
    eigenvalues, unit = spectrum.eigenvalues, spectrum.n_latent / feature_var
    z, weights = contour(*setting)
    delta = None
    for far in np.geomspace(1e4, 1, 60):  # by Newton's method from large circles to this one
        target = -far * z * unit
        delta = target / (n * t) if delta is None else delta
        for _ in range(6):
            resolved = eigenvalues / (eigenvalues + delta[:, None])
            s, transition = resolved.sum(axis=1), (resolved * (1 - resolved)).sum(axis=1)
            determinant = (n - s) * (t - s) + (n + t - 2 * s) * transition
            delta = delta + (target - delta * (n - s) * (t - s)) / determinant
    assert_allclose(delta * (n - s) * (t - s), target, rtol=1e-12)
    # the correction to the trace of the logarithm is half that of the determinant, which winds around 0 nowhere
    logarithm = np.log(abs(determinant) / (n * t)) + 1j * np.unwrap(np.angle(determinant))
    assert abs(np.ptp(np.angle(determinant))) < np.pi
    for k in (2, 3, 4, 5):
        found = wick_orders(k, n, t, eigenvalues, feature_var=feature_var)[1]
        expected = np.sum(weights * k * z ** (k - 1) * logarithm / 2)
        assert abs(expected.imag) < 1e-10 * found
        assert found == pytest.approx(expected.real, rel=1e-10)


# --------------------------------------------------------------------------------------------------------- arguments


def test_sizes_broadcast_and_each_entry_is_its_own_setting():
    n, t = np.array([[10], [3]]), [2, 5, 4]
    orders, moments = wick_orders(3, n, t, EIGENVALUES), wick_moment(3, n, t, EIGENVALUES)
    planar = wick_moment(3, n, t, EIGENVALUES, planar_only=True)
    assert (orders.shape, moments.shape, planar.shape) == ((5, 2, 3), (2, 3), (2, 3))
    for index in np.ndindex(2, 3):
        setting = (3, n[index[0], 0], t[index[1]], EIGENVALUES)
        assert_allclose(orders[:, *index], wick_orders(*setting), rtol=1e-14)
        assert_allclose([moments[index], planar[index]], [wick_moment(*setting), wick_orders(*setting)[0]], rtol=1e-14)
    assert wick_orders(3, [], 4, EIGENVALUES).shape == (5, 0)
    assert wick_moment(3, [], 4, EIGENVALUES).shape == (0,)


def test_scalars_give_floats():
    assert isinstance(wick_moment(2, 3, 4, EIGENVALUES), float)
    assert isinstance(wick_moment(2, 3, 4, EIGENVALUES, planar_only=True), float)
    assert isinstance(planar_count(3), int)


def test_the_order_of_the_eigenvalues_and_the_type_of_the_numbers_do_not_matter():
    expected = wick_moment(4, 100, 120, [3.0, 2.0, 1.0])
    for eigenvalues in ([1, 3, 2], np.array([2, 1, 3], dtype=np.int8), (1.0, 2.0, 3.0)):
        for number in (int, float, np.int8, np.uint8):
            assert wick_moment(4, number(100), number(120), eigenvalues) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("k", ORDERS)
def test_the_largest_sizes_neither_overflow_nor_warn(k):
    for number in (int, float):
        huge = number(10**15)
        found = wick_moment(k, huge, huge, [2.0, 1.0])
        leading = huge**k / 2**k * float(huge**k) * (2**k + 1)  # one diagram keeps all samples and features free
        assert found == pytest.approx(leading, rel=1e-12)


@pytest.mark.parametrize("number", [float, np.float64, np.int8, np.uint8, np.int64])
def test_an_order_may_be_any_whole_number(number):
    assert_array_equal(pairings(number(3)), pairings(3))
    assert all_diagrams(number(3)) == all_diagrams(3)
    assert planar_count(number(30)) == planar_count(30)
    for k in (2, 5):
        assert_array_equal(wick_orders(number(k), 3, 4, EIGENVALUES), wick_orders(k, 3, 4, EIGENVALUES))
        assert wick_moment(number(k), 3, 4, EIGENVALUES) == wick_moment(k, 3, 4, EIGENVALUES)


NOT_REAL = [np.nan, np.inf, -np.inf, "1", 1j, None, [1.0, np.nan]]
BAD = {
    "k": [0, -1, 1.5, 1e16, np.nan, np.inf, "2", None, True, [2]],
    **{name: [0, -1, 0.99, 1.01e15, [5, 0], *NOT_REAL] for name in ("n_features", "n_samples")},
    "eigenvalues": [1.0, [], [[1.0]], [1.0, -1e-9], [0.0, 0.0], *NOT_REAL],
    "feature_var": [0, -1.0, [1.0, 2.0], *NOT_REAL],
}
TOO_LARGE = [(pairings, 6), (all_diagrams, 5), (wick_orders, 6), (wick_moment, 6)]


@pytest.mark.parametrize(
    ("function", "name", "bad"),
    [
        *(
            (function, name, bad)
            for function in (pairings, all_diagrams, planar_count, wick_orders, wick_moment)
            for name in inspect.signature(function).parameters
            for bad in BAD.get(name, [])
        ),
        *((function, "k", bad) for function, bad in TOO_LARGE),
    ],
)
def test_a_bad_argument_is_refused_by_name(function, name, bad):
    good = {"k": 2, "n_features": 10, "n_samples": 20, "eigenvalues": [2.0, 1.0]}
    arguments = {key: value for key, value in good.items() if key in inspect.signature(function).parameters}
    with pytest.raises(ValueError, match=f"^{name} must be"):
        function(**{**arguments, name: bad})


@pytest.mark.parametrize(
    "bad",
    [
        (),
        ((0, 1),),
        ((0, 1), (2, 3), (4, 5)),
        ((0, 1), (0, 1)),
        ((0, 1), (1, 2)),
        ((0, 0), (1, 1)),
        ((0, 0), (1, 3)),
        ((1, 2), (3, 4)),
        ((0, 1), (2, 4)),
        ((-1, 0), (1, 2)),
        ((0, 1), (2,)),
        ((0, 1), ()),
        ((0, 1, 2, 3), (1, 2)),
        ((0.5, 1), (2, 3)),
    ],
)
def test_pairs_that_do_not_cover_the_places_once_are_refused_by_name(bad):
    with pytest.raises(ValueError, match=r"^u must pair"):
        Diagram(x=A, u=bad)
    if len(bad) != 1 and len(bad) != 3:  # else it is the other that does not fit
        with pytest.raises(ValueError, match=r"^x must pair"):
            Diagram(x=bad, u=A)


# ---------------------------------------------------------------------------------------------------------- drawings


@cache
def drawn(diagram, **options):
    axes = Figure().add_subplot()
    draw_diagram(axes, diagram, **options)
    return axes


def lines_of(axes, color):
    """The points of all lines of a colour: first the ribbons' edges, then the pieces of the circle."""
    lines = [np.array(line.get_data()).T for line in axes.lines if to_hex(line.get_color()) == color.lower()]
    on_circle = [np.allclose(np.hypot(*line.T), 1, atol=1e-9) for line in lines]
    return [[line for line, on in zip(lines, on_circle, strict=True) if on == wanted] for wanted in (False, True)]


def closed_curves(lines):
    """Numbers of lines in the closed curves that lines with common ends make up."""
    at = {}
    for index, line in enumerate(lines):
        for end in (line[0], line[-1]):
            at.setdefault(tuple(np.round(end, 9) + 0.0), []).append(index)
    assert {len(meeting) for meeting in at.values()} == {2}  # every end meets just one other
    group = list(range(len(lines)))
    for one, other in at.values():
        group = [group[one] if g == group[other] else g for g in group]
    return sorted(Counter(group).values(), reverse=True)


def places_of(axes, line):
    """The labels next to the ends of a line."""
    labels = {int(text.get_text()): np.array(text.get_position()) for text in axes.texts}
    nearest = (min(labels, key=lambda p: np.sum((labels[p] - end) ** 2)) for end in (line[0], line[-1]))
    return tuple(sorted(nearest))


def crossings(one, other):
    """How often two polygonal lines cross."""

    def side(a, b, c):
        return (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])

    p, q, r, s = one[:-1, None], one[1:, None], other[None, :-1], other[None, 1:]
    return np.sum((side(p, q, r) * side(p, q, s) < 0) & (side(r, s, p) * side(r, s, q) < 0))


SOME = np.random.default_rng(3)
DRAWN = [
    *all_diagrams(1),
    *all_diagrams(2),
    *SOME.choice(all_diagrams(3), 30, replace=False),
    *SOME.choice(all_diagrams(4), 6, replace=False),
    Diagram(x=tuple((p, p + 5) for p in range(5)), u=tuple((p, 9 - p) for p in range(5))),
]
PLANAR = [diagram for k in (1, 2, 3) for diagram in all_diagrams(k) if diagram.planar]


@pytest.mark.heavy
@pytest.mark.parametrize("diagram", DRAWN, ids=lambda diagram: f"{diagram.x} {diagram.u}")
def test_closed_lines_of_one_colour_are_the_loops_of_one_kind(diagram):
    axes = drawn(diagram)
    loops = [closed_curves([*chain(*lines_of(axes, color))]) for color in (BLUE, ORANGE, GREEN)]
    sample_loops, feature_loops, latent_loops = identified(diagram)
    assert (len(loops[0]), len(loops[1])) == (sample_loops, feature_loops)
    # a green line passes an edge of x, a place, an edge of u and a place for each contraction of X
    assert [length // 4 for length in loops[2]] == list(latent_loops)


@pytest.mark.parametrize("diagram", DRAWN, ids=lambda diagram: f"{diagram.x} {diagram.u}")
def test_every_contraction_is_a_ribbon_with_one_edge_of_its_own_colour_and_one_green_edge(diagram):
    axes, k = drawn(diagram), diagram.order
    (blue, samples), (orange, features), (green, places) = (lines_of(axes, color) for color in (BLUE, ORANGE, GREEN))
    assert (len(axes.lines), len(axes.patches)) == (8 * k, 2 * k)
    for color, pairs in ((blue, diagram.x), (orange, diagram.u), (green, diagram.x + diagram.u)):
        assert sorted(places_of(axes, edge) for edge in color) == sorted(pairs)
    assert sorted(places_of(axes, arc) for arc in samples) == sorted(
        tuple(sorted(pair)) for pair in zip(range(1, 2 * k, 2), [*range(2, 2 * k, 2), 0], strict=True)
    )
    assert sorted(places_of(axes, arc) for arc in features) == [(p, p + 1) for p in range(0, 2 * k, 2)]
    assert sorted(places_of(axes, arc) for arc in places) == [(p, p) for p in range(2 * k)]

    mouths = []
    for patch in axes.patches:
        corners = patch.get_xy()[:-1]
        edges = [corners[: len(corners) // 2], corners[len(corners) // 2 :]]
        found = [
            [np.array_equal(edge, line) or np.array_equal(edge[::-1], line) for edge in edges]
            for lines in (blue + orange, green)
            for line in lines
        ]
        assert np.sum(found, axis=0).tolist() == [1, 1]
        assert np.any(found[: 2 * k]) and np.any(found[2 * k :])
        # nowhere much wider than at its mouths, so both edges take the same way; twisted if p + q is even
        width = np.hypot(*(edges[0] - edges[1][::-1]).T)
        assert width.max() <= 1.1 * width[[0, -1]].max()
        p, q = places_of(axes, edges[0])
        assert crossings(*edges) == ((p + q) % 2 == 0)
        assert np.hypot(*corners.T).max() < 1 + 1e-12
        mouths += [2 * np.arcsin(width[0] / 2), 2 * np.arcsin(width[-1] / 2)]
    arcs = [2 * np.arcsin(np.hypot(*np.diff(arc, axis=0).T) / 2).sum() for arc in samples + features + places]
    assert sum(arcs) + sum(mouths) == pytest.approx(2 * np.pi)  # side by side, none over another


@pytest.mark.parametrize("diagram", PLANAR, ids=lambda diagram: f"{diagram.x} {diagram.u}")
def test_no_lines_cross_in_the_drawing_of_a_planar_diagram(diagram):
    edges = [edge for color in (BLUE, ORANGE, GREEN) for edge in lines_of(drawn(diagram), color)[0]]
    assert sum(crossings(one, other) for one, other in combinations(edges, 2)) == 0


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_places_are_numbered_clockwise_from_the_top_outside_the_circle(k):
    axes = drawn(all_diagrams(k)[-1])
    assert [text.get_text() for text in axes.texts] == [str(p) for p in range(2 * k)]
    x, y = np.array([text.get_position() for text in axes.texts]).T
    radius, turn = np.hypot(x, y), np.pi * np.arange(2 * k) / k
    assert_allclose([x, y], radius * [np.sin(turn), np.cos(turn)], atol=1e-12)
    assert (radius > 1.05).all()
    for limits, values in ((axes.get_xlim(), x), (axes.get_ylim(), y)):
        assert limits[0] < values.min() and values.max() < limits[1]


def test_without_labels_only_the_numbers_are_missing():
    axes, bare = drawn(Diagram(A, B)), drawn(Diagram(A, B), labels=False)
    assert len(bare.texts) == 0
    assert len(bare.patches) == len(axes.patches)
    for one, other in zip(bare.lines, axes.lines, strict=True):
        assert_array_equal(one.get_data(), other.get_data())


def test_a_drawing_is_round_has_no_frame_and_can_be_rendered():
    figure = Figure(figsize=(3, 2))
    canvas, axes = FigureCanvasAgg(figure), figure.add_subplot()
    draw_diagram(axes, Diagram(B, C))
    canvas.draw()
    assert axes.get_aspect() == 1
    assert not axes.axison
    image = np.asarray(canvas.buffer_rgba())[..., :3].reshape(-1, 3)
    for color in (BLUE, ORANGE, GREEN):
        assert (image == [int(color[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=1).any()


def test_places_may_be_whole_floats():
    assert Diagram(x=np.array([[0.0, 1.0]]), u=((0, np.array(1)),)) == Diagram(x=((0, 1),), u=((0, 1),))
    with pytest.raises(ValueError, match=r"^x must pair places by twos"):
        Diagram(x=((0.5, 1),), u=((0, 1),))


def test_only_one_diagram_is_drawn_on_only_one_axes():
    panels = Figure().subplots(1, 2)
    with pytest.raises(ValueError, match=r"^diagram must be one Diagram; got list"):
        draw_diagram(panels[0], all_diagrams(1))
    for bad in (panels, None):
        with pytest.raises(ValueError, match=r"^axes must be one matplotlib Axes, such as plt.subplots"):
            draw_diagram(bad, all_diagrams(1)[0])

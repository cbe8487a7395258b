"""Ridge regression."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import rbf_kernel

from scaling_laws.regression import ridge_path, shrunk_inverse

SHAPES = [(30, 12), (12, 30), (20, 20), (1, 5), (5, 1), (1, 1)]


def problem(n_samples, n_features, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_samples, n_features)), rng.standard_normal(n_samples)


def exact_ridge(features, labels, ridge):
    """Solve the normal equations in rational arithmetic, without any rounding."""
    rows = [[Fraction(float(value)) for value in row] for row in features]
    columns, target = list(zip(*rows, strict=True)), [Fraction(float(value)) for value in labels]

    def dot(left, right):
        return sum(x * y for x, y in zip(left, right, strict=True))

    system = [
        [*(dot(a, b) + (Fraction(ridge) if i == j else 0) for j, b in enumerate(columns)), dot(a, target)]
        for i, a in enumerate(columns)
    ]
    for i, pivot in enumerate(system):  # Gauss-Jordan; the matrix is positive definite
        pivot[:] = [value / pivot[i] for value in pivot]
        for j, row in enumerate(system):
            if j != i:
                row[:] = [value - row[i] * other for value, other in zip(row, pivot, strict=True)]
    return np.array([float(row[-1]) for row in system])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ridge", [1e-6, 1e-2, 1.0, 1e6])
def test_coefficients_agree_with_scikit_learn(shape, ridge):
    features, labels = problem(*shape)
    yardstick = Ridge(alpha=ridge, fit_intercept=False, solver="svd").fit(features, labels).coef_
    assert_allclose(ridge_path(features, labels, ridge), yardstick, rtol=1e-9, atol=1e-12 * abs(yardstick).max())


@pytest.mark.parametrize("shape", SHAPES)
def test_without_ridge_the_fit_is_the_minimum_norm_least_squares_one(shape):
    features, labels = problem(*shape)
    expected = np.linalg.lstsq(features, labels)[0]
    assert_allclose(ridge_path(features, labels, 0.0), expected, rtol=1e-8, atol=1e-10 * abs(expected).max())


@pytest.mark.parametrize("shape", [(30, 12), (12, 30), (20, 20)])
@pytest.mark.parametrize("rank", [1, 5, 11])
def test_rank_deficient_features_without_ridge_give_the_pseudo_inverse(shape, rank):
    left, right = problem(shape[0], rank)[0], problem(rank, shape[1], seed=1)[0]
    features, labels = left @ right, problem(*shape, seed=2)[1]
    expected = np.linalg.pinv(features, rcond=1e-12) @ labels
    assert_allclose(ridge_path(features, labels, 0.0), expected, rtol=1e-9, atol=1e-11 * abs(expected).max())


@pytest.mark.parametrize(("n_samples", "n_features"), [(12, 8), (8, 12), (9, 9)])
@pytest.mark.parametrize("ridge", [1e-12, 1e-9, 1e-3])
def test_ill_conditioned_features_agree_with_exact_rational_arithmetic(n_samples, n_features, ridge):
    index = np.arange(n_samples)[:, None] + np.arange(n_features)
    features = 1 / (index + 1.0)  # Hilbert's matrix: singular values fall below 1e-10
    labels = features @ np.ones(n_features)
    expected = exact_ridge(features, labels, ridge)
    assert_allclose(ridge_path(features, labels, ridge), expected, rtol=1e-7)


def test_an_ill_conditioned_ridge_in_a_path_does_not_spoil_the_others():
    features, labels = problem(15, 10)
    features *= 10.0 ** -np.arange(10)
    ridges = np.array([1e-12, 1e-4, 10.0])
    alone = np.array([ridge_path(features, labels, ridge) for ridge in ridges])
    assert_allclose(ridge_path(features, labels, ridges)[1:], alone[1:], rtol=1e-8)
    assert_allclose(ridge_path(features, labels, ridges)[0], alone[0], rtol=1e-12)


@pytest.mark.parametrize("shape", [(300, 40), (40, 300), (90, 90)])
@pytest.mark.parametrize("smallest", [1e-13, 1e-10, 1.0])
def test_a_few_ridges_at_once_agree_with_a_long_path(shape, smallest):
    features, labels = problem(*shape)
    features = features * 10.0 ** (-5 * np.arange(shape[1]) / shape[1])  # condition number of the Gram matrix 1e10
    ridges = np.geomspace(smallest, 1e3, 7) * np.linalg.norm(features, 2) ** 2
    path = ridge_path(features, labels, ridges)
    for few in range(1, 5):
        assert_allclose(ridge_path(features, labels, ridges[:few]), path[:few], rtol=1e-9, atol=1e-13 * abs(path).max())


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,)])
@pytest.mark.parametrize("zero", [True, False])
def test_coefficients_take_the_shape_of_the_ridges(shape, zero):
    features, labels = problem(6, 4)
    ridges = np.geomspace(0.1, 10, int(np.prod(shape))).reshape(shape) * (0 if zero else 1)
    path = ridge_path(features, labels, ridges)
    assert path.shape == (*shape, 4)
    for index in np.ndindex(shape):
        assert_allclose(path[index], ridge_path(features, labels, ridges[index]), rtol=1e-13)


@pytest.mark.parametrize("ridge", [0.0, 1.0])
@pytest.mark.parametrize("shape", [(4, 3), (3, 4)])
def test_features_that_are_all_zero_give_zero_coefficients(shape, ridge):
    assert not ridge_path(np.zeros(shape), np.ones(shape[0]), ridge).any()


@given(st.integers(1, 12), st.integers(1, 12), st.floats(-6, 3), st.integers(0, 99))
def test_the_gradient_of_the_objective_vanishes(n_samples, n_features, exponent, seed):
    features, labels = problem(n_samples, n_features, seed)
    ridge = 10.0**exponent
    coefficients = ridge_path(features, labels, ridge)
    gradient = features.T @ (features @ coefficients - labels) + ridge * coefficients
    size = np.linalg.norm(features, 2) * np.linalg.norm(labels)
    assert abs(gradient).max() < 1e-9 * size


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 99))
def test_coefficients_shrink_as_the_ridge_grows(n_samples, n_features, seed):
    norms = np.linalg.norm(ridge_path(*problem(n_samples, n_features, seed), [0.0, 1e-3, 1.0, 1e3]), axis=1)
    assert (np.diff(norms) <= 1e-12 * norms[0]).all()


@given(st.floats(-150, 150), st.integers(0, 9))
def test_the_units_of_the_features_do_not_matter(exponent, seed):
    features, labels = problem(6, 4, seed)
    unit = 2.0 ** round(exponent)
    scaled = ridge_path(unit * features, labels, [0.0, unit**2])
    assert_allclose(unit * scaled, ridge_path(features, labels, [0.0, 1.0]), rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("features", ([1.0, 2.0], [1.0, 2.0], 1.0)),
        ("features", (np.ones((0, 3)), [], 1.0)),
        ("features", (np.ones((3, 0)), np.ones(3), 1.0)),
        ("features", ([[1.0], [np.nan]], [1.0, 2.0], 1.0)),
        ("features", ([["a"]], [1.0], 1.0)),
        ("labels", (np.ones((3, 2)), np.ones(2), 1.0)),
        ("labels", (np.ones((3, 2)), np.ones((3, 1)), 1.0)),
        ("labels", (np.ones((2, 2)), [1.0, np.inf], 1.0)),
        ("labels", (np.ones((2, 2)), [1.0, 1j], 1.0)),
        ("ridges", (np.ones((2, 2)), np.ones(2), -1e-9)),
        ("ridges", (np.ones((2, 2)), np.ones(2), [1.0, np.nan])),
        ("ridges", (np.ones((2, 2)), np.ones(2), "1")),
    ],
)
def test_a_bad_argument_is_refused_by_name(name, arguments):
    with pytest.raises(ValueError, match=f"^{name} must"):
        ridge_path(*arguments)


def test_shrinking_takes_lists_and_refuses_what_is_no_number():
    assert shrunk_inverse([2.0, 1.0], 10**20, (3, 2)).tolist() == [2e-20, 1e-20]
    assert shrunk_inverse([], 0, (3, 2)).shape == (0,)
    with pytest.raises(ValueError, match=r"^singular must be"):
        shrunk_inverse(None, 0, (3, 2))
    with pytest.raises(ValueError, match=r"^ridge must be"):
        shrunk_inverse([1.0], -1, (3, 2))


def test_a_repeated_input_spoils_no_other_sample():
    # a Cholesky solver keeps what rounding leaves of the zero eigenvalue: findings/sklearn_kernel_ridge_repeat.sh
    for seed in range(30):
        rng = np.random.default_rng(seed)
        inputs, labels = rng.standard_normal((100, 20)), rng.standard_normal(100)
        inputs[1] = inputs[0]
        kernel = rbf_kernel(inputs, gamma=0.1)
        assert_allclose((kernel @ ridge_path(kernel, labels, 0.0))[2:], labels[2:], atol=1e-10)


def test_the_peak_survives_single_precision():
    # thresholds of other libraries cut it off: findings/jax_float32_peak.sh
    features, labels = problem(100, 100)
    exact = ridge_path(features, labels, 0.0)
    single = ridge_path(features.astype(np.float32), labels.astype(np.float32), 0.0)
    assert_allclose(single, exact, atol=1e-3 * np.abs(exact).max())

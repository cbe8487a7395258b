"""Closed forms for long power laws."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import gamma, zeta

from scaling_laws.asymptotics import bottleneck_loss, delta_asymptotic, local_exponent, spectral_constant
from scaling_laws.spectra import PowerLaw
from scaling_laws.theory import solve_delta, test_loss

LONG = 10**15
alphas = st.floats(0.01, 5)
positive = st.floats(-12, 12).map(lambda exponent: 10.0**exponent)


def constant_by_quadrature(alpha):
    """The integral of 1/(1 + y^(1 + alpha)), with y > 1 mapped to y = x^(-1/alpha), x < 1, which decays no longer."""
    below = quad(lambda y: 1 / (1 + y ** (1 + alpha)), 0, 1, epsabs=0, epsrel=1e-12)[0]
    return below + quad(lambda x: 1 / (1 + x ** (1 + 1 / alpha)), 0, 1, epsabs=0, epsrel=1e-12)[0] / alpha


def zeta_below_zero(s):
    """The zeta function at negative numbers, by its functional equation."""
    return 2**s * np.pi ** (s - 1) * np.sin(np.pi * s / 2) * gamma(1 - s) * zeta(1 - s)


def error_of_delta(alpha, df1, *, n_latent=LONG, **shift):
    """Relative error of the closed form at the ridgeless Delta of a plentiful other resource, where df1 = N."""
    return delta_asymptotic(alpha, df1, **shift) / solve_delta(PowerLaw(alpha, n_latent), df1, 1e15) - 1


@given(st.floats(0.01, 10))
def test_the_spectral_constant_is_its_integral(alpha):
    assert spectral_constant(alpha) == pytest.approx(constant_by_quadrature(alpha), rel=1e-11)


def test_the_spectral_constant_falls_from_infinity_to_one():
    constant = spectral_constant(np.geomspace(1e-9, 1e9, 200))
    assert (np.diff(constant) <= 0).all()
    assert constant[0] == pytest.approx(1e9, rel=1e-6)
    assert constant[-1] == pytest.approx(1, rel=1e-15)
    assert spectral_constant(1.0) == pytest.approx(np.pi / 2, rel=1e-15)


@pytest.mark.parametrize("alpha", [0.5, 0.7, 1.0, 1.5, 2.0, 4.0])
def test_without_shift_the_error_of_delta_is_one_plus_alpha_over_twice_the_number_of_modes(alpha):
    df1 = np.array([100, 300, 1000])
    coefficient = error_of_delta(alpha, df1) * df1
    # next in line: the square of the first correction, alpha (1 + alpha)/(8 s^2), and the end of the spectrum
    remainder = alpha * (1 + alpha) / 8 / df1 + 2 * (1 + alpha) / alpha * df1 * (df1 / LONG) ** alpha
    assert_allclose(coefficient, (1 + alpha) / 2, rtol=0, atol=1e-9 + 1.01 * remainder.max())
    assert (np.abs(coefficient - (1 + alpha) / 2) <= 1e-9 + 1.01 * remainder).all()


@pytest.mark.parametrize("alpha", [0.5, 0.8, 1.5, 2.0, 2.5, 4.5])
def test_with_shift_one_half_the_error_of_delta_comes_from_the_smallest_ranks(alpha):
    # sum - integral = zeta(0) + zeta(-a) x the next term of f at I = 0, -(Delta/lambda_+) I^a
    a, df1 = 1 + alpha, np.array([10, 30])
    expected = a * zeta_below_zero(-a) * spectral_constant(alpha) ** a * (df1 + 0.5) ** -(2 + alpha)
    error = error_of_delta(alpha, df1, shift=0.5)
    assert (np.abs(error / expected - 1) < [0.04, 0.005]).all()
    slope = -np.log(error[1] / error[0]) / np.log(df1[1] / df1[0])
    assert slope == pytest.approx(2 + alpha, rel=0.04)


@pytest.mark.parametrize("alpha", [1.0, 3.0])
def test_where_one_plus_alpha_is_even_the_smallest_ranks_leave_no_power_of_the_number_of_modes(alpha):
    # zeta vanishes at the even negative numbers
    assert np.abs(error_of_delta(alpha, [30, 100], shift=0.5)).max() < 1e-12


@pytest.mark.parametrize(("alpha", "n_latent"), [(0.2, 10**15), (0.3, 10**15), (0.5, 10**10), (1.0, 10**8)])
def test_the_end_of_the_spectrum_adds_a_power_alpha_of_the_share_of_modes(alpha, n_latent):
    a, df1 = 1 + alpha, np.array([1e3, 3e3])  # the missing sum over I > M is M^-alpha / (alpha Delta)
    expected = a / alpha / spectral_constant(alpha) ** a * (df1 / n_latent) ** alpha
    assert_allclose(error_of_delta(alpha, df1, n_latent=n_latent, shift=0.5), expected, rtol=0.03)


@given(alphas, positive, positive, st.floats(0, 2))
def test_delta_is_proportional_to_the_scale_of_the_spectrum(alpha, df1, scale, shift):
    delta = delta_asymptotic(alpha, df1, scale=scale, shift=shift)
    assert delta == pytest.approx(scale * delta_asymptotic(alpha, df1, shift=shift), rel=1e-14)
    # the number of modes back from Delta, on a log scale
    back = np.log(spectral_constant(alpha)) - np.log(delta / scale) / (1 + alpha)
    assert back == pytest.approx(np.log(df1 + shift), abs=1e-12)


@given(st.floats(0.5, 3), positive)
def test_delta_of_a_scaled_spectrum_is_the_exact_one(alpha, scale):
    exact = solve_delta(PowerLaw(alpha, LONG, scale), 1e3, 1e15)
    assert delta_asymptotic(alpha, 1e3, scale=scale, shift=0.5) == pytest.approx(exact, rel=1e-5)


@given(st.floats(0.5, 4), st.floats(10, 1e4), st.floats(0, 10), st.floats(0.1, 10))
def test_the_scarce_resource_sets_the_exact_loss(alpha, size, weight_var, scale):
    spectrum, variance = PowerLaw(alpha, LONG, scale), {"weight_var": weight_var}
    bottleneck = bottleneck_loss(alpha, size, scale=scale, shift=0.5, **variance)
    tolerance = {"rel": 4 * (1 + alpha) ** 2 * size ** -(2 + alpha) + 6 * (size / LONG) ** alpha + 1e-10}
    assert bottleneck == pytest.approx(test_loss(spectrum, size, 1e15, **variance), **tolerance)
    assert bottleneck == pytest.approx(test_loss(spectrum, 1e15, size, **variance), **tolerance)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_the_scaling_law_holds_to_leading_order_and_its_exponent_is_alpha(alpha):
    size = np.array([1e2, 3e2, 1e3])
    law = bottleneck_loss(alpha, size, weight_var=3.0, scale=0.2)
    assert_allclose(law, 0.6 * constant_by_quadrature(alpha) ** (1 + alpha) * size**-alpha, rtol=1e-9)
    exact = test_loss(PowerLaw(alpha, LONG, 0.2), size, 1e15, weight_var=3.0)
    assert_allclose((law / exact - 1) * size, (1 + alpha) / 2, rtol=0.02)


@given(st.floats(-5, 5), positive)
def test_a_pure_power_has_its_exponent_everywhere(exponent, size):
    assert local_exponent(lambda x: 3 * x**-exponent, size) == pytest.approx(exponent, rel=1e-10, abs=1e-10)


@given(st.floats(0, 4), st.floats(0, 4), st.floats(-3, 3))
def test_the_exponent_of_a_sum_is_the_average_weighted_by_the_terms(first, second, log_size):
    size = 10**log_size
    parts = np.array([size**-first, 0.1 * size**-second])
    expected = parts @ [first, second] / parts.sum()
    assert local_exponent(lambda x: x**-first + 0.1 * x**-second, size) == pytest.approx(expected, abs=3e-8)


@pytest.mark.parametrize("alpha", [0.3, 0.5, 1.0, 1.5, 2.0])
def test_far_from_crossovers_the_exact_loss_falls_with_the_exponent_of_the_spectrum(alpha):
    spectrum, size = PowerLaw(alpha, LONG), np.array([1e3, 1e4, 1e5])
    for loss in (lambda n: test_loss(spectrum, n, 1e15), lambda t: test_loss(spectrum, 1e15, t)):
        assert_allclose(local_exponent(loss, size), alpha, rtol=0.01)


def test_a_plateau_has_exponent_zero():
    loss = lambda t: test_loss(PowerLaw(1.0, LONG), 100, t)  # noqa: E731
    assert local_exponent(loss, 1e9) == pytest.approx(0, abs=1e-6)


def test_arguments_broadcast_and_scalars_give_floats():
    alpha, size = np.array([0.5, 1.0, 2.0]), np.array([[10.0], [100.0]])
    for function in (delta_asymptotic, bottleneck_loss):
        values = function(alpha, size, scale=2.0, shift=[0.0, 0.5, 0.5])
        assert values.shape == (2, 3)
        assert values[1, 2] == function(2.0, 100, scale=2.0, shift=0.5)
        assert isinstance(function(2, 100), float)
    assert spectral_constant(alpha).shape == (3,)
    assert isinstance(spectral_constant(1), float)
    assert local_exponent(lambda x: 1 / x, size).shape == (2, 1)
    assert isinstance(local_exponent(lambda x: 1 / x, 10), float)


def test_neither_shift_nor_variance_nor_scale_is_assumed():
    assert delta_asymptotic(1.0, 100) == delta_asymptotic(1.0, 100, scale=1.0, shift=0.0)
    assert bottleneck_loss(1.0, 100) == bottleneck_loss(1.0, 100, weight_var=1.0, scale=1.0, shift=0.0)
    assert bottleneck_loss(1.0, 100, weight_var=0.0) == 0


NOT_REAL = [np.nan, np.inf, -np.inf, "1", 1j, None, [1.0, np.nan]]
BAD = {
    **{name: [0, -1.0, [1.0, 0.0], *NOT_REAL] for name in ("alpha", "df1", "scale")},
    **{name: [-1e-300, [0.0, -1.0], *NOT_REAL] for name in ("shift", "weight_var")},
}
GOOD = {
    spectral_constant: {"alpha": 1.0},
    delta_asymptotic: {"alpha": 1.0, "df1": 10},
    bottleneck_loss: {"alpha": 1.0, "size": 10},
    local_exponent: {"loss": lambda x: 1 / x, "size": 10},
}


@pytest.mark.parametrize(
    ("function", "name", "bad"),
    [
        *((function, name, bad) for function in GOOD for name in inspect.signature(function).parameters
          for bad in BAD.get(name, [])),
        *((bottleneck_loss, "size", bad) for bad in [0, 0.99, -1, 1.01e15, [5, 0], *NOT_REAL]),
        *((local_exponent, "size", bad) for bad in [0, -1, [5, 0], *NOT_REAL]),
    ],
)  # fmt: skip
def test_a_bad_argument_is_refused_by_name(function, name, bad):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        function(**{**GOOD[function], name: bad})


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_a_loss_that_is_not_positive_has_no_exponent(bad):
    with pytest.raises(ValueError, match=r"^loss must be positive"):
        local_exponent(lambda x: np.where(x > 10, bad, 1.0), [5.0, 20.0])


@pytest.mark.parametrize("returned", [None, "a", 1j, [[1], [1, 2]]])
def test_what_a_loss_returns_must_be_numbers(returned):
    with pytest.raises(ValueError, match=r"^loss must be positive at the given sizes: .*got "):
        local_exponent(lambda size: returned, 10)


@pytest.mark.parametrize("loss", [3.0, None, [1.0, 2.0]])
def test_a_loss_must_be_a_function(loss):
    with pytest.raises(ValueError, match=r"^loss must be a function of the size; got "):
        local_exponent(loss, 10)

"""Spectra, sums over them, and fits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from scaling_laws.natural import covariance_eigenvalues
from scaling_laws.spectra import Empirical, PowerLaw, SpectrumFit, correct_eigenvalues, fit_spectrum

EXPONENTS = [(1, 0), (2, 0), (1, 1), (0, 1)]
ALPHAS = [0.01, 0.1, 0.3, 1.0, 2.0, 5.0]
alphas = st.floats(0.01, 5)
sizes = st.floats(0, 15).map(lambda exponent: int(10**exponent))
deltas = st.floats(-60, 27).map(lambda exponent: 10.0**exponent)


def long_terms(index, alpha, delta, p, q):
    """f^p g^q at real ranks, in extended precision."""
    eigenvalue = np.asarray(index, np.longdouble) ** -(1 + np.longdouble(alpha))
    total = eigenvalue + np.asarray(delta, np.longdouble)
    return (eigenvalue / total) ** p * (delta / total) ** q


def nested_quadrature(alpha, n_latent, delta, p, q, n_head=20_000):
    """The sum by Gauss-Legendre panels in log I, with the first Euler-Maclaurin corrections."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    edges = np.linspace(np.log(n_head), np.log(n_latent), 65).astype(np.longdouble)
    half = np.diff(edges)[:, None] / 2
    index = np.exp(edges[:-1, None] + half * (1 + nodes))
    integral = (half * weights * index * long_terms(index, alpha, delta, p, q)).sum()
    ends = np.array([n_head, n_latent], np.longdouble)
    value = long_terms(ends, alpha, delta, p, q)
    slope = value * (1 + alpha) * (q - (p + q) * long_terms(ends, alpha, delta, 0, 1)) / ends
    head = long_terms(np.arange(1, n_head + 1), alpha, delta, p, q).sum()
    return float(head + integral + (value[1] - value[0]) / 2 + (slope[1] - slope[0]) / 12)


@pytest.mark.parametrize(("p", "q"), EXPONENTS)
@pytest.mark.parametrize(
    "n_latents",
    [range(1, 65), [65, 66, 1000], pytest.param([20_000], marks=pytest.mark.heavy)],
    ids=["short", "medium", "long"],
)
def test_power_law_sums_agree_with_adding_every_term_in_extended_precision(n_latents, p, q):
    delta = np.concatenate([[0.0], np.geomspace(1e-40, 1e27, 35)])
    for n_latent in n_latents:
        for alpha in ALPHAS:
            direct = long_terms(np.arange(1, n_latent + 1), alpha, delta[:, None], p, q).sum(axis=1)
            assert_allclose(PowerLaw(alpha, n_latent).mode_sum(delta, p, q), direct.astype(float), rtol=1e-12)


@pytest.mark.heavy
@pytest.mark.parametrize(("p", "q"), EXPONENTS)
@pytest.mark.parametrize("alpha", ALPHAS)
def test_power_law_sums_over_1e15_modes_agree_with_quadrature(alpha, p, q):
    delta = 10.0 ** np.array([-90, -40, -15, -12, -6, -3, -2, 0, 3, 27])
    expected = [nested_quadrature(alpha, 10**15, d, p, q) for d in delta]
    assert_allclose(PowerLaw(alpha, 10**15).mode_sum(delta, p, q), expected, rtol=1e-12)


@given(alphas, sizes, deltas, deltas)
def test_degrees_of_freedom_are_ordered_and_fall_with_delta(alpha, n_latent, delta, other):
    spectrum = PowerLaw(alpha, n_latent)
    df1, df2 = spectrum.degrees_of_freedom(np.sort([delta, other]))
    assert (df2 <= df1 * (1 + 1e-12)).all()
    assert (df1 <= spectrum.rank * (1 + 1e-12)).all()
    assert df1[1] <= df1[0] * (1 + 1e-12)
    assert df2[1] <= df2[0] * (1 + 1e-12)


@given(alphas, sizes, deltas, st.floats(1e-9, 1e9))
def test_rescaling_eigenvalues_and_delta_together_changes_nothing(alpha, n_latent, delta, scale):
    scaled = PowerLaw(alpha, n_latent, scale)
    assert_allclose(
        scaled.degrees_of_freedom(scale * delta), PowerLaw(alpha, n_latent).degrees_of_freedom(delta), rtol=1e-11
    )
    assert scaled.trace == pytest.approx(scale * PowerLaw(alpha, n_latent).trace, rel=1e-14)


@given(alphas, sizes, st.floats(-20, 3).map(lambda exponent: 10.0**exponent))
def test_modes_are_either_resolved_or_not(alpha, n_latent, delta):
    spectrum = PowerLaw(alpha, n_latent)
    one, two, transition, unresolved = (spectrum.mode_sum(delta, p, q) for p, q in EXPONENTS)
    assert one + unresolved == pytest.approx(n_latent, rel=1e-12)
    assert two + transition == pytest.approx(one, rel=1e-12)


@given(st.floats(0.1, 5), sizes, st.floats(-12, 3).map(lambda exponent: 10.0**exponent))
def test_df1_changes_with_log_delta_at_the_rate_df2_minus_df1(alpha, n_latent, delta):
    spectrum, step = PowerLaw(alpha, n_latent), 1e-3
    up, down, up2, down2 = spectrum.mode_sum(delta * np.exp(step * np.array([1, -1, 2, -2])), 1, 0)
    slope = (8 * (up - down) - (up2 - down2)) / (12 * step)
    df1, df2 = spectrum.degrees_of_freedom(delta)
    assert slope == pytest.approx(df2 - df1, rel=1e-8, abs=1e-8 * df1)


@given(alphas, st.integers(1, 3000), deltas, st.floats(1e-3, 1e3))
def test_a_power_law_agrees_with_the_list_of_its_eigenvalues(alpha, n_latent, delta, scale):
    spectrum = PowerLaw(alpha, n_latent, scale)
    listed = Empirical(spectrum.eigenvalues)
    assert_allclose(spectrum.degrees_of_freedom(delta), listed.degrees_of_freedom(delta), rtol=1e-12)
    assert (spectrum.rank, spectrum.n_latent) == (listed.rank, listed.n_latent)
    assert spectrum.trace == pytest.approx(listed.trace, rel=1e-12)
    assert spectrum.eigenvalue(n_latent) == listed.eigenvalue(n_latent)


def test_traces_of_long_power_laws_approach_the_zeta_function():
    assert PowerLaw(1.0, 10**15).trace == pytest.approx(np.pi**2 / 6, rel=1e-14)
    assert PowerLaw(3.0, 10**15, 2.0).trace == pytest.approx(2 * np.pi**4 / 90, rel=1e-14)


def test_sums_keep_the_shape_of_delta_and_a_scalar_gives_a_float():
    for spectrum in (PowerLaw(1.0, 1000), Empirical([2.0, 1.0])):
        assert spectrum.degrees_of_freedom(np.ones((2, 3)))[0].shape == (2, 3)
        assert spectrum.degrees_of_freedom([])[1].shape == (0,)
        assert all(isinstance(df, float) for df in spectrum.degrees_of_freedom(0.1))


@given(alphas, sizes, deltas)
def test_several_sums_from_one_pass_are_the_sums_one_by_one(alpha, n_latent, delta):
    pairs = [*EXPONENTS, (2, 1), (3, 0), (2, 2)]
    for spectrum in (PowerLaw(alpha, n_latent), Empirical([3.0, 1.0, 0.0])):
        assert spectrum.mode_sums([delta], pairs).shape == (7, 1)
        assert spectrum.mode_sums(delta, pairs).tolist() == [spectrum.mode_sum(delta, p, q) for p, q in pairs]


@pytest.mark.parametrize("alpha", [1e-3, *ALPHAS])
def test_tails_keep_their_digits_up_to_the_end_of_a_long_spectrum(alpha):
    for n_latent, last in ((10**15, 600), (10**6, 1), (10**15, 1)):
        expected = np.sum((n_latent - np.arange(float(last))) ** -(1 + alpha))
        assert PowerLaw(alpha, n_latent).tail(n_latent - last) == pytest.approx(expected, rel=1e-13)


def test_many_deltas_times_many_eigenvalues_are_summed_in_blocks(monkeypatch):
    spectrum, delta = Empirical(np.linspace(0.1, 1, 50)), np.linspace(0, 1, 77)
    whole = spectrum.mode_sum(delta, 1, 1)
    monkeypatch.setattr("scaling_laws._mode_sums.BLOCK", 500)
    assert_array_equal(spectrum.mode_sum(delta, 1, 1), whole)


def test_an_empirical_spectrum_is_sorted_counted_and_cannot_be_changed():
    given_list = np.array([0.0, 2.0, 3.0, 0.0])
    spectrum = Empirical(given_list)
    assert spectrum.eigenvalues.tolist() == [3.0, 2.0, 0.0, 0.0]
    assert (spectrum.n_latent, spectrum.rank, spectrum.trace) == (4, 2, 5.0)
    assert spectrum.degrees_of_freedom(0.0) == (2.0, 2.0)
    with pytest.raises(ValueError, match="read-only"):
        spectrum.eigenvalues[0] = 1.0
    given_list[0] = 9.0  # the caller's list is still the caller's
    assert spectrum.trace == 5.0


@pytest.mark.parametrize(
    ("name", "bad"),
    [("alpha", b) for b in (0, -0.5, np.nan, np.inf, "1", 1j, [1.0])]
    + [("n_latent", b) for b in (0, -1, 2.5, np.nan, 10**15 + 1, "5", [3])]
    + [("scale", b) for b in (0, -1, np.inf, None)],
)
def test_a_bad_argument_of_a_power_law_is_refused_by_name(name, bad):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        PowerLaw(**{"alpha": 1.0, "n_latent": 10, name: bad})


@pytest.mark.parametrize("bad", [[], [0.0, 0.0], [1.0, -1e-9], [1.0, np.nan], [np.inf], 1.0, [[1.0]], ["a"], [1j]])
def test_a_bad_list_of_eigenvalues_is_refused_by_name(bad):
    with pytest.raises(ValueError, match=r"^eigenvalues must be"):
        Empirical(bad)


@pytest.mark.parametrize("bad", [-1e-300, [1.0, -2.0], np.nan, np.inf, "a", 1j])
def test_a_bad_delta_is_refused_by_name(bad):
    for spectrum in (PowerLaw(1.0, 100), Empirical([1.0])):
        with pytest.raises(ValueError, match=r"^delta must be"):
            spectrum.degrees_of_freedom(bad)


def test_a_power_law_too_long_to_list_says_so_and_still_sums():
    spectrum = PowerLaw(1.0, 10**9)
    with pytest.raises(ValueError, match="n_latent must be at most"):
        _ = spectrum.eigenvalues
    assert spectrum.mode_sum(0.0, 1, 0) == pytest.approx(1e9)


@given(alphas, st.integers(40, 500), st.floats(1e-3, 1e3))
def test_a_fit_recovers_an_exact_power_law_exactly(alpha, n_latent, scale):
    fit = fit_spectrum(np.random.default_rng(0).permutation(PowerLaw(alpha, n_latent, scale).eigenvalues))
    assert fit.alpha == pytest.approx(alpha, abs=1e-10)
    assert fit.scale == pytest.approx(scale, rel=1e-9)
    assert fit.stderr < 1e-9
    assert fit.ranks == (4, n_latent // 2)
    assert_allclose(fit.line([1, 10]), PowerLaw(fit.alpha, n_latent, fit.scale).eigenvalue([1, 10]), rtol=1e-14)


@pytest.mark.heavy
@pytest.mark.parametrize("alpha", [0.1, 0.3, 1.0])
def test_fits_to_sampled_data_are_unbiased_with_honest_errors_where_raw_eigenvalues_mislead(alpha):
    n_samples, deviation, fits, raw = 400, np.sqrt(PowerLaw(alpha, 1000).eigenvalues), [], []
    for seed in range(24):
        data = np.random.default_rng(seed).standard_normal((n_samples, deviation.size)) * deviation
        sample = np.linalg.eigvalsh(data @ data.T / n_samples)
        fits.append(fit_spectrum(sample, n_samples))
        raw.append(fit_spectrum(sample, ranks=fits[-1].ranks).alpha)
    found = np.array([fit.alpha for fit in fits])
    spread = found.std(ddof=1)
    assert abs(found.mean() - alpha) < 3 * spread / np.sqrt(found.size)
    assert 0.5 < np.mean([fit.stderr for fit in fits]) / spread < 2
    if alpha < 1:
        assert np.mean(raw) < alpha - 10 * np.std(raw, ddof=1) / np.sqrt(found.size)


def test_a_fit_leaves_corrected_eigenvalues_where_they_are():
    law, fits = PowerLaw(0.3, 2000), []
    for draw in np.random.default_rng(0).standard_normal((6, 400, 2000)):
        samples = draw * np.sqrt(law.eigenvalues)
        sample = np.linalg.eigvalsh(samples @ samples.T / 400)[::-1]
        both = (sample, 400), (correct_eigenvalues(sample, 400),)
        fits.append([fit_spectrum(*given, ranks=(20, 160)).alpha for given in both])
    kept, sorted_again = np.mean(fits, axis=0)
    assert abs(kept - 0.3) < 0.03
    assert sorted_again < 0.24


def test_corrected_eigenvalues_keep_the_sum_and_stay_in_order():
    rng = np.random.default_rng(0)
    data = rng.standard_normal((60, 40)) * np.sqrt(PowerLaw(0.5, 40).eigenvalues)
    sample = np.linalg.eigvalsh(data.T @ data / 60)[::-1]
    corrected = correct_eigenvalues(rng.permutation(sample), 60)
    assert corrected.sum() == pytest.approx(sample.sum(), rel=1e-12)
    shifted = sample - corrected / 60  # interlaces: mu_1 >= nu_1 >= mu_2 >= nu_2 ...
    assert (sample >= shifted).all()
    assert (shifted[:-1] >= sample[1:] * (1 - 1e-12)).all()


def test_corrected_eigenvalues_solve_the_secular_equation():
    sample, n_samples = np.array([5.0, 2.0, 1.0]), 7
    shifted = sample - correct_eigenvalues([*sample, 0.0], n_samples)[:3] / n_samples
    assert_allclose((sample / (sample - shifted[:, None])).sum(axis=1), n_samples, rtol=1e-10)
    assert correct_eigenvalues([*sample, 0.0], n_samples)[3] == 0


@pytest.mark.parametrize("bad", [0, 2, 2.5, np.nan, "9"])
def test_a_bad_number_of_samples_is_refused_by_name(bad):
    with pytest.raises(ValueError, match=r"^n_samples must be"):
        correct_eigenvalues([3.0, 2.0, 1.0], bad)


@pytest.mark.parametrize("ranks", [(0, 30), (1, 15), (10, 101), (90, 99), (50, 20)])
def test_a_bad_range_of_ranks_is_refused_by_name(ranks):
    with pytest.raises(ValueError, match=r"^ranks must"):
        fit_spectrum(np.append(PowerLaw(1.0, 95).eigenvalues, np.zeros(5)), ranks=ranks)


@pytest.mark.parametrize("spectrum", [PowerLaw(1.0, 100), Empirical([3.0, 1.0])])
def test_ranks_and_exponents_outside_their_range_are_refused_by_name(spectrum):
    for index in (0, spectrum.n_latent + 1, np.nan):
        with pytest.raises(ValueError, match="index"):
            spectrum.eigenvalue(index)
    for p, q in ((0, 0), (0, 2), (4, 0), (1, -1), (0.5, 0)):
        with pytest.raises(ValueError, match="p and q"):
            spectrum.mode_sum(1.0, p, q)
    with pytest.raises(ValueError, match="delta"):
        spectrum.mode_sum(-1.0, 1, 0)


def test_a_spectrum_that_underflows_is_refused_by_name():
    with pytest.raises(ValueError, match="alpha"):
        PowerLaw(30.0, 10**15)


@pytest.mark.parametrize("n_samples", [50, 10**4, 10**9, 10**12, 10**15])
def test_corrected_eigenvalues_keep_their_digits_for_any_number_of_samples(n_samples):
    sample = PowerLaw(1.0, 50).eigenvalues * np.exp(0.3 * np.random.default_rng(5).standard_normal(50))
    found = correct_eigenvalues(sample, n_samples)
    assert found.sum() == pytest.approx(sample.sum(), rel=1e-12)
    if n_samples >= 10**9:  # first order in 1/T; the next one is below 1e-12
        sample = np.sort(sample)[::-1]
        repulsion = [np.sum(np.delete(sample, k) / (mu - np.delete(sample, k))) for k, mu in enumerate(sample)]
        assert_allclose((sample - found) / sample, np.array(repulsion) / n_samples, rtol=1e-4, atol=1e-15)


def few_samples(n_samples=60, n_inputs=200, alpha=0.7):
    """Data with fewer samples than inputs, and the eigenvalues of its covariance as numpy gives them."""
    deviation = np.sqrt(PowerLaw(alpha, n_inputs).eigenvalues)
    data = np.random.default_rng(3).standard_normal((n_samples, n_inputs)) * deviation
    return data, np.linalg.eigvalsh(np.cov(data.T, bias=True))


@pytest.mark.parametrize("shape", [(60, 200), (12, 13), (2, 400)])
@pytest.mark.parametrize("dtype", [float, np.float32])
def test_zero_eigenvalues_that_rounding_made_negative_are_zeros_again(shape, dtype):
    data, values = few_samples(*shape)
    values = np.linalg.eigvalsh(np.cov(data.T, bias=True, dtype=dtype)).astype(dtype)
    assert values.min() < 0
    spectrum, clean = Empirical(values), covariance_eigenvalues(data)
    assert spectrum.rank == np.count_nonzero(clean) == shape[0] - 1
    assert_allclose(spectrum.eigenvalues, clean, atol=1e3 * np.finfo(dtype).eps * clean[0])


def test_negative_eigenvalues_beyond_rounding_are_refused_with_their_size_and_a_way_out():
    with pytest.raises(ValueError, match=r"at least 0.*-1e-09.*rounding.*6\.7e-16.*covariance_eigenvalues"):
        Empirical([1.0, 0.5, -1e-9])
    assert Empirical([1.0, 1e-17]).rank == 2  # nothing negative: taken as it is
    assert Empirical([1.0, 1e-17, -1e-17]).eigenvalues.tolist() == [1.0, 0.0, 0.0]


def test_a_fit_takes_no_rounding_noise_for_eigenvalues():
    data, values = few_samples()
    clean = covariance_eigenvalues(data)
    for noisy in (values, np.maximum(values, 0), np.abs(values), np.append(clean[:59], np.zeros(10))):
        assert fit_spectrum(noisy)[:3] == pytest.approx(fit_spectrum(clean)[:3], rel=1e-9)
        assert fit_spectrum(noisy).ranks == (4, 29)
        assert_allclose(fit_spectrum(noisy, 60, ranks=(4, 30))[:3], fit_spectrum(clean, 60, ranks=(4, 30))[:3])
        for ranks in [(4, 60), (50, 100)]:
            with pytest.raises(ValueError, match="end at 59, the number of positive eigenvalues"):
                fit_spectrum(noisy, ranks=ranks)


def test_whole_floats_are_taken_for_numbers_of_samples_and_ranks():
    values = PowerLaw(0.5, 200).eigenvalues
    assert fit_spectrum(values, 400.0) == fit_spectrum(values, 400)
    assert fit_spectrum(values, 400.0, ranks=(4.0, np.float64(60))) == fit_spectrum(values, 400, ranks=(4, 60))
    assert isinstance(fit_spectrum(values, 400.0).ranks[1], int)
    for bad in [400.5, "400", np.nan]:
        with pytest.raises(ValueError, match=r"^n_samples must be"):
            fit_spectrum(values, bad)


@pytest.mark.parametrize(("alpha", "n_samples"), [(0.3, 64), (1.0, 100), (0.3, 151)])
def test_the_default_range_works_from_64_samples_on(alpha, n_samples):
    deviation, fits = np.sqrt(PowerLaw(alpha, 1000).eigenvalues), []
    for seed in range(24):
        data = np.random.default_rng(seed).standard_normal((n_samples, 1000)) * deviation
        fits.append(fit_spectrum(np.linalg.eigvalsh(data @ data.T / n_samples), n_samples))
    assert {fit.ranks for fit in fits} == {(4, 19)}
    found = np.array([fit.alpha for fit in fits])
    spread = found.std(ddof=1)
    assert abs(found.mean() - alpha) < 3 * spread / np.sqrt(found.size)
    assert 0.5 < np.mean([fit.stderr for fit in fits]) / spread < 2


def test_too_few_samples_or_eigenvalues_for_the_default_range_are_said_to_be_that():
    values = PowerLaw(0.5, 50).eigenvalues
    with pytest.raises(ValueError, match=r"^n_samples must be at least 64 for the default range.*ranks=.*Got 63"):
        fit_spectrum(values, 63)
    with pytest.raises(ValueError, match=r"^eigenvalues must .* 38 positive .* default range.*ranks=.*Got 37"):
        fit_spectrum(np.append(values[:37], np.zeros(30)))
    assert fit_spectrum(values[:38]).ranks == (4, 19)
    assert fit_spectrum(values[:37], ranks=(4, 30)).alpha == pytest.approx(0.5)


@pytest.mark.parametrize("ranks", [40, (4,), (4, 20, 40), "4-40", "40", [[4, 40]], {4, 40}, slice(4, 40)])
def test_ranks_that_are_no_pair_are_refused_by_name(ranks):
    with pytest.raises(ValueError, match=r"^ranks must be a pair"):
        fit_spectrum(PowerLaw(0.5, 100).eigenvalues, ranks=ranks)


def test_equal_eigenvalues_that_a_correction_cannot_tell_apart_are_refused():
    with pytest.raises(ValueError, match=r"^ranks must span eigenvalues that stay positive"):
        fit_spectrum(np.repeat([2.0, 1.0], 20), 100, ranks=(4, 30))


# ----------------------------------------------------------------------------------------------------- complex delta

LONG_ALPHAS = [0.05, 0.3, 1.0, 2.0, 5.0]


def added_one_by_one(alpha, n_latent, delta):
    """The sums of f, g and f g in extended precision, and how far rounding can move them.

    By the rounding of every term, and by that of delta and the eigenvalue, which a pole close by amplifies.
    """
    eigenvalue = np.arange(1, n_latent + 1, dtype=np.longdouble) ** -(1 + np.longdouble(alpha))
    sums, rounding = np.empty((3, delta.size), np.clongdouble), np.empty((3, delta.size))
    for k, one in enumerate(delta.astype(np.clongdouble)):
        f, g = eigenvalue / (eigenvalue + one), one / (eigenvalue + one)
        sums[:, k] = f.sum(), g.sum(), (f * g).sum()
        for row, (term, motion) in enumerate(((f, f * g), (g, f * g), (f * g, f * g * (f - g)))):
            rounding[row, k] = (np.abs(term) + np.abs(motion)).sum()
    return sums, np.finfo(float).eps * rounding


def assert_sums_are_added_up(alpha, n_latent, delta, allowed=100):
    found = PowerLaw(alpha, n_latent).continued_sums(delta)
    expected, rounding = added_one_by_one(alpha, n_latent, delta)
    assert (np.abs(found - expected) <= allowed * rounding).all()
    return found


@pytest.mark.parametrize("n_latent", [513, 600, 5000, pytest.param(10**5, marks=pytest.mark.heavy)])
@pytest.mark.parametrize("alpha", LONG_ALPHAS)
def test_sums_at_complex_delta_agree_with_adding_every_term(alpha, n_latent):
    rng = np.random.default_rng(n_latent)
    size = np.exp(rng.uniform(-(1 + alpha) * np.log(n_latent) - 3, 3, 8))
    assert_sums_are_added_up(alpha, n_latent, size * np.exp(1j * rng.uniform(0, np.pi, 8)))
    assert_sums_are_added_up(alpha, n_latent, size * np.exp(1j * (np.pi - 10.0 ** rng.uniform(-14, -1, 8))))


# Where a pole passes the ends of the Euler-Maclaurin formula, and where these are moved away from it
@pytest.mark.parametrize("centre", [1, 40, 64, 88, 128, 300, -88, -64, -24, 0, 24, 100])
@pytest.mark.parametrize("n_latent", [600, 5000])
@pytest.mark.parametrize("alpha", LONG_ALPHAS)
def test_sums_next_to_and_between_the_poles_agree_with_adding_every_term(alpha, n_latent, centre):
    rng = np.random.default_rng(centre % 1000)
    index = (centre if centre > 0 and centre != 100 else n_latent + centre) + rng.integers(-4, 5, 5)
    index = np.maximum(index, 1) + rng.uniform(0.02, 0.98, 5)
    on_axis = -(index ** -(1 + alpha)) + 0j
    assert (assert_sums_are_added_up(alpha, n_latent, on_axis).imag == 0).all()
    assert_sums_are_added_up(alpha, n_latent, on_axis * np.exp(-1j * 10.0 ** rng.uniform(-14, -1, 5)))


@pytest.mark.parametrize("turn", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("alpha", LONG_ALPHAS)
def test_sums_at_complex_delta_far_below_the_eigenvalues_keep_their_digits(alpha, turn):
    # f = 1, and g = f g = delta/lambda, up to relative corrections of order delta/lambda
    delta = 700.0 ** -(1 + alpha) * 10.0 ** np.array([-40, -20, -16]) * np.exp(1j * turn)
    inverse_trace = np.sum(np.arange(1.0, 701) ** (1 + alpha))
    expected = [np.full(3, 700), delta * inverse_trace, delta * inverse_trace]
    assert_allclose(PowerLaw(alpha, 700).continued_sums(delta), expected, rtol=2e-13)


@pytest.mark.parametrize("n_latent", [600, 10**6, 10**15])
@pytest.mark.parametrize("alpha", LONG_ALPHAS)
def test_sums_at_complex_delta_continue_those_at_real_delta(alpha, n_latent):
    spectrum = PowerLaw(alpha, n_latent)
    delta = np.geomspace(spectrum.eigenvalue(n_latent) / 100, 30, 40)
    found = spectrum.continued_sums(delta + 0j)
    expected = [spectrum.mode_sum(delta, p, q) for p, q in ((1, 0), (0, 1), (1, 1))]
    assert (found.imag == 0).all()
    assert_allclose(found.real, expected, rtol=1e-11)
    slope = np.pi / 3e5 * np.array([-2, -1, 1, 2])  # Cauchy and Riemann: the derivative along a circle
    around = spectrum.continued_sums(0.01 * np.exp(1j * (1 + slope)))
    derivative = (around[0] @ [1, -8, 8, -1]) / (12 * slope[2])
    centre = spectrum.continued_sums(np.array([0.01 * np.exp(1j)]))[2, 0]
    assert derivative == pytest.approx(-1j * centre, rel=1e-9)


def test_sums_at_complex_delta_keep_its_shape_and_that_of_lists_counts_the_rank():
    delta = np.array([[1j, -0.3 + 0.1j, 2.0]]).T
    for spectrum in (PowerLaw(1.0, 10**9), PowerLaw(1.0, 100), Empirical([2.0, 1.0, 0.0])):
        assert spectrum.continued_sums(delta).shape == (3, 3, 1)
        assert spectrum.continued_sums(np.empty(0, complex)).shape == (3, 0)
        resolved, unresolved, _ = spectrum.continued_sums(delta[:, 0])
        assert_allclose(resolved + unresolved, spectrum.rank, rtol=1e-12)
    both = 2 / (2 + 1j) + 1 / (1 + 1j)
    assert_allclose(Empirical([2.0, 1.0, 0.0]).continued_sums(delta)[0, 0], both, rtol=1e-15)


@pytest.mark.parametrize("spectrum", [PowerLaw(1.0, 100), Empirical([3.0, 1.0])])
def test_exponents_of_a_mode_sum_may_be_any_whole_numbers_and_nothing_else(spectrum):
    expected = spectrum.mode_sum(0.5, 2, 1)
    for p, q in ((np.array(2), np.array(1)), (2.0, 1.0), (np.int8(2), np.float32(1))):
        assert spectrum.mode_sum(0.5, p, q) == expected
    for p in (np.array([1, 2]), [1], "1", None, 1.5, 10**400):
        with pytest.raises(ValueError, match=r"^p and q must be"):
            spectrum.mode_sum(0.5, p, 1)


def test_a_list_has_no_eigenvalue_between_two():
    spectrum = Empirical([3.0, 2.0, 1.0])
    assert spectrum.eigenvalue([1.0, 3.0]).tolist() == [3.0, 1.0]
    with pytest.raises(ValueError, match=r"^index must be whole.*got 1\.5$"):
        spectrum.eigenvalue([1, 1.5])


@pytest.mark.parametrize("ranks", [([1, 2], 3), (4, None), ("4", "100"), (4, 10**20), (4, 99.5)])
def test_ranks_that_are_not_whole_are_refused_by_name(ranks):
    with pytest.raises(ValueError, match=r"^ranks must be a whole number"):
        fit_spectrum(PowerLaw(1.0, 1000).eigenvalues, ranks=ranks)


def test_a_fitted_line_begins_above_rank_zero():
    fit = SpectrumFit(1.0, 0.1, 2.0, (4, 100))
    assert fit.line(np.array([1, 10**20], dtype=object)).tolist() == [2.0, 2e-40]
    for bad in (0, -1, "3", None):
        with pytest.raises(ValueError, match=r"^rank must be"):
            fit.line(bad)


@pytest.mark.parametrize(("alpha", "n_latent"), [(10**30, 1), (1e-300, 1000), (1e-17, 1000), (1e-8, 1000), (400, 2)])
def test_the_trace_is_a_number_at_any_exponent(alpha, n_latent):
    spectrum = PowerLaw(alpha, n_latent, 2.0)
    assert spectrum.trace == pytest.approx(spectrum.eigenvalues.sum(), rel=1e-6)
    assert spectrum.tail(n_latent) == 0

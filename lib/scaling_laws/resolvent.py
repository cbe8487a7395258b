r"""Resolvents: eigenvalue densities of random matrices, read off from the Delta equation at complex ridges.

Stands beside chapter 6 of the book. A resolvent at the ridge :math:`\gamma = -z` belongs to a complex Delta, and every
random factor of the matrix contributes one bracket to the equation for it,

.. math:: -z\,c = \Delta \prod_k\, [n_k - df_1(\Delta)],

with :math:`n = (N, T)` and :math:`c = M/\sigma_u^2` for the model's :math:`\Phi\Phi^\top`, and :math:`n = (T)` and
:math:`c = T` for a sample covariance. Read as a function :math:`z(\Delta)` on the real axis, its extrema are the
edges of the spectrum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import elementwise

from ._validation import MAX_SIZE, complex_array, real_array, real_number
from .spectra import PowerLaw, Spectrum, check_spectrum
from .theory import solve_delta

TOLERANCE = 1e-14  # relative Newton step in Delta after which, squared, only rounding is left
MAX_NEWTON = 20  # Newton steps at one ridge
FIRST_STEP = 0.01  # by which the height over the real axis shrinks; where that fails, its square root, and so on
MAX_STEPS = 1000
STRIDE = 8  # at one of so many places the continuation starts anew
FLOOR = 1e-14  # height over the real axis, relative to the ridge, that counts as on it: at the edge of a band
REAL = 1e-9  # so far Newton may overshoot a root on the real axis, relative to it
SOLVED = 1e-9  # relative residual, and part on the wrong side of the real axis, of a root
MAX_BANDS = 20_000  # most bands that the edges are listed for
CLOSE = 1e-10  # how close to a pole an edge is looked for, as a share of the interval
GRID = (1 - np.cos(np.pi * (np.arange(32) + 0.5) / 32)) / 2  # where in an interval a gap is looked for first


def marchenko_pastur_density(eigenvalue: ArrayLike, ratio: ArrayLike) -> np.ndarray:
    r"""Density of the eigenvalues of a sample covariance of white data.

    Parameters
    ----------
    eigenvalue : array_like
        Where to evaluate, in units of the data's variance.
    ratio : array_like
        Dimension of the data over the number of samples, :math:`q = M/T > 0`; broadcasts against `eigenvalue`.

    Returns
    -------
    ndarray or float
        :math:`\rho(\mu)` of :math:`XX^\top/T`, with the mass :math:`\min(1, 1/q)`. For :math:`q > 1` the share
        :math:`1 - 1/q` of the eigenvalues is zero and not part of the density. Infinite at 0 for :math:`q = 1`.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    Marchenko and Pastur (1967), derived in chapter 6,

    .. math:: \rho(\mu) = \frac{\sqrt{(\mu_+ - \mu)(\mu - \mu_-)}}{2 \pi q \mu}, \qquad \mu_\pm = (1 \pm \sqrt q)^2 .

    Examples
    --------
    >>> print(marchenko_pastur_density([0.5, 1.0, 3.0], 0.25).round(4))
    [0.8422 0.6164 0.    ]
    """
    eigenvalue = real_array("eigenvalue", eigenvalue)
    root = np.sqrt(real_array("ratio", ratio, above=0))
    inside = (eigenvalue - (1 - root) ** 2) * ((1 + root) ** 2 - eigenvalue)
    at_edge = (eigenvalue == 0) & (root == 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.sqrt(np.maximum(inside, 0)) / (2 * np.pi * root**2 * eigenvalue)
    return np.where(at_edge, np.inf, np.where(inside > 0, density, 0.0))[()]


def stieltjes(
    z: ArrayLike, spectrum: Spectrum, n_features: float, n_samples: float, *, feature_var: float = 1.0
) -> np.ndarray:
    r"""Stieltjes transform of the model's feature matrix, its resolvent's trace at any complex number.

    Parameters
    ----------
    z : array_like of complex
        Finite and not 0; any shape. On the real axis: the limit from above.
    spectrum : PowerLaw or Empirical
        Eigenvalues :math:`\lambda_I` of the latent covariance.
    n_features, n_samples : float
        Numbers of features :math:`N` and training samples :math:`T`, from 1 to 1e15.
    feature_var : float, default 1
        :math:`\sigma_u^2 > 0`.

    Returns
    -------
    ndarray or complex
        :math:`G(z) = \frac1N \mathrm{E}\,\mathrm{tr}\,(\Phi\Phi^\top - z)^{-1}` for large sizes, of the shape of `z`.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    :math:`G(z) = [N - df_1(\Delta)]/(-N z)` with the Delta of chapter 8, continued from the ridge :math:`\gamma = -z`
    (chapter 6).

    Examples
    --------
    At minus the ridge the transform is the trace that chapter 8 computes:

    >>> from scaling_laws.theory import solve_delta
    >>> spectrum = PowerLaw(alpha=1.0, n_latent=10**6)
    >>> df1, df2 = spectrum.degrees_of_freedom(solve_delta(spectrum, 100, 200, ridge=1e-6))
    >>> print(f"{stieltjes(-1e-6, spectrum, 100, 200).real:.4f} {(100 - df1) / 100 / 1e-6:.4f}")
    211000.7419 211000.7419
    """
    spectrum, sizes, unit = _model(spectrum, n_features, n_samples, feature_var)
    z = complex_array("z", z)
    if (z == 0).any():
        raise ValueError("z must be different from 0")
    return _stieltjes(z, spectrum, sizes, unit, sizes[0])


def spectral_density(
    eigenvalue: ArrayLike, spectrum: Spectrum, n_features: float, n_samples: float, *, feature_var: float = 1.0
) -> np.ndarray:
    r"""Density of the eigenvalues of :math:`\Phi\Phi^\top` for the full model: random features of random data.

    Parameters
    ----------
    eigenvalue : array_like
        Where to evaluate; any shape.
    spectrum, n_features, n_samples, feature_var
        As in `stieltjes`.

    Returns
    -------
    ndarray or float
        :math:`\rho(\mu)`, per feature: its mass is :math:`\min(N, T, \mathrm{rank}\,\Lambda)/N`, and the share that is
        missing to 1 are zero modes. Infinite at 0 if the spectrum reaches down to it.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    :math:`\rho(\mu) = \mathrm{Im}\,G(\mu + i0)/\pi` with `stieltjes` (chapter 6).

    Examples
    --------
    >>> spectrum = PowerLaw(alpha=1.0, n_latent=10**6)
    >>> print(spectral_density([1e-6, 1e-5, 1e-4], spectrum, 100, 200).round(1))
    [170510.9  17724.4    691.6]
    """
    spectrum, sizes, unit = _model(spectrum, n_features, n_samples, feature_var)
    return _density(eigenvalue, spectrum, sizes, unit, sizes[0])


def spectral_edges(spectrum: Spectrum, n_features: float, n_samples: float, *, feature_var: float = 1.0) -> np.ndarray:
    r"""Where the density of the eigenvalues of :math:`\Phi\Phi^\top` begins and ends.

    Parameters
    ----------
    spectrum, n_features, n_samples, feature_var
        As in `stieltjes`.

    Returns
    -------
    ndarray, shape (n_bands, 2)
        Lower and upper edge of each band, in ascending order. Between two bands there is no eigenvalue.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if there may be more than 20,000 bands.

    Notes
    -----
    The edges are the values of :math:`z(\Delta)` where its derivative vanishes, for real :math:`\Delta` (chapter 6; for
    one random matrix Silverstein and Choi, Journal of Multivariate Analysis 54 (1995)). A gap that opens between
    :math:`-\lambda_I` and :math:`-\lambda_{I+1}` has exactly :math:`I` eigenvalues above it. The number of bands, and
    the time, grow as :math:`\sqrt{\min(N, T)}` for a power law.

    Examples
    --------
    >>> for lower, upper in spectral_edges(PowerLaw(alpha=1.0, n_latent=10**6), 100, 200):
    ...     print(f"{lower:.3e} to {upper:.3e}")
    3.061e-07 to 9.844e-04
    1.011e-03 to 1.561e-03
    1.770e-03 to 2.804e-03
    3.942e-03 to 6.352e-03
    1.568e-02 to 2.550e-02
    """
    spectrum, sizes, unit = _model(spectrum, n_features, n_samples, feature_var)
    return _edges(spectrum, sizes, unit)


def sample_covariance_density(eigenvalue: ArrayLike, spectrum: Spectrum, n_samples: float) -> np.ndarray:
    r"""Density of the eigenvalues of a sample covariance: one random matrix.

    Parameters
    ----------
    eigenvalue : array_like
        Where to evaluate; any shape.
    spectrum : PowerLaw or Empirical
        Eigenvalues of the true covariance.
    n_samples : float
        Number of samples :math:`T`, from 1 to 1e15.

    Returns
    -------
    ndarray or float
        :math:`\rho(\mu)` of :math:`XX^\top/T`, per latent: its mass is :math:`\min(T, \mathrm{rank}\,\Lambda)/M`.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    As `spectral_density`, with one bracket in the equation for Delta: :math:`-z T = \Delta\,[T - df_1(\Delta)]`.

    Examples
    --------
    >>> from scaling_laws.spectra import Empirical
    >>> white = Empirical(np.ones(50))
    >>> print(f"{sample_covariance_density(0.5, white, 200):.6f} {marchenko_pastur_density(0.5, 50 / 200):.6f}")
    0.842169 0.842169
    """
    spectrum, sizes, unit = _sample(spectrum, n_samples)
    return _density(eigenvalue, spectrum, sizes, unit, spectrum.n_latent)


def sample_covariance_edges(spectrum: Spectrum, n_samples: float) -> np.ndarray:
    r"""Where the density of a sample covariance's eigenvalues begins and ends.

    Parameters
    ----------
    spectrum, n_samples
        As in `sample_covariance_density`.

    Returns
    -------
    ndarray, shape (n_bands, 2)
        As in `spectral_edges`.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> from scaling_laws.spectra import Empirical
    >>> print(sample_covariance_edges(Empirical(np.ones(50)), 200).round(12))
    [[0.25 2.25]]
    """
    return _edges(*_sample(spectrum, n_samples))


def _model(spectrum, n_features, n_samples, feature_var) -> tuple[Spectrum, tuple[float, float], float]:
    """The arguments of the full model, checked, as sizes and unit."""
    check_spectrum(spectrum)
    n = real_number("n_features", n_features, at_least=1, at_most=MAX_SIZE)
    t = real_number("n_samples", n_samples, at_least=1, at_most=MAX_SIZE)
    return spectrum, (n, t), spectrum.n_latent / real_number("feature_var", feature_var, above=0)


def _sample(spectrum, n_samples) -> tuple[Spectrum, tuple[float], float]:
    """The arguments of a sample covariance, checked, as sizes and unit."""
    check_spectrum(spectrum)
    t = real_number("n_samples", n_samples, at_least=1, at_most=MAX_SIZE)
    return spectrum, (t,), t


def _density(eigenvalue, spectrum, sizes, unit, dimension) -> np.ndarray:
    eigenvalue = real_array("eigenvalue", eigenvalue)
    density = np.zeros(eigenvalue.shape)
    positive = eigenvalue > 0
    transform = _stieltjes(eigenvalue[positive] + 0j, spectrum, sizes, unit, dimension)
    density[positive] = np.maximum(transform.imag, 0) / np.pi  # outside the bands only rounding is left
    density[(eigenvalue == 0) & _is_hard(spectrum, sizes)] = np.inf
    return density[()]


def _is_hard(spectrum, sizes) -> bool:
    """Whether the smallest two of the sizes and the rank agree: then the spectrum reaches down to zero."""
    least = sorted([*sizes, spectrum.rank])
    return least[0] == least[1]


def _stieltjes(z, spectrum, sizes, unit, dimension) -> np.ndarray:
    """The trace of the resolvent, per dimension; for real z the limit from above."""
    strength = -z * unit
    below = strength.imag > 0  # Im Delta has the sign of Im strength: solve for one sign only
    strength = np.where(below, strength, strength.conj())
    delta = _continue(spectrum, sizes, strength)
    if dimension == min(sizes):  # its bracket may be small: get it from the others, without subtraction
        others = list(sizes)
        others.remove(dimension)
        trace = unit / (delta * _brackets(spectrum, others, delta)[0].prod(axis=0))
    else:
        trace = unit * _brackets(spectrum, (dimension,), delta)[0][0] / strength
    return (np.where(below, trace, trace.conj()) / dimension)[()]


def _continue(spectrum, sizes, strength) -> np.ndarray:
    """Delta for complex strengths (imaginary part >= 0).

    At every eighth of them by descent. Between two that are known Newton begins from their geometric mean; where it
    does not end at the physical root, as across the edge of a band, there is a descent, too.
    """
    shape, strength = strength.shape, strength.ravel()
    order, delta = np.argsort(abs(strength)), np.full(strength.shape, np.nan, complex)
    step = STRIDE if strength.size > 2 * STRIDE else 1
    delta[order[::step]] = _descend(spectrum, sizes, strength[order[::step]])
    while step > 1:
        step //= 2
        here, after = order[step :: 2 * step], order[2 * step :: 2 * step]
        before = order[: -step : 2 * step]
        after = np.append(after, before[after.size :])  # the last may have no neighbour on that side
        guess = np.sqrt(delta[before]) * np.sqrt(delta[after])
        known = np.isfinite(guess)
        with np.errstate(all="ignore"):  # a guess that leads astray is made good for
            found, physical = _newton(spectrum, sizes, strength[here[known]], guess[known])
        delta[here[known][physical]] = found[physical]
    missing = np.isnan(delta)
    delta[missing] = _descend(spectrum, sizes, strength[missing])
    return delta.reshape(shape)


def _descend(spectrum, sizes, strength) -> np.ndarray:
    """Delta for complex strengths, by continuation from far above the real axis.

    There Delta = strength/(product of the sizes). On the way down the right root is the one for which Delta and its
    products with each bracket stay in the upper half plane (chapter 6); a step that loses it is tried again, smaller.
    """
    top = np.prod(sizes) * max(float(spectrum.eigenvalue(1)), spectrum.trace / min(sizes))
    height = 10 * np.maximum(abs(strength), top)
    delta, _ = _newton(spectrum, sizes, strength + 1j * height, (strength + 1j * height) / np.prod(sizes))
    step, may_jump = np.full(height.shape, FIRST_STEP), np.ones(height.shape, bool)
    todo = np.arange(height.size)
    for _ in range(MAX_STEPS):
        if not todo.size:
            break
        # close to the real axis, as seen from the origin, try to reach it; where that fails, take one more step first
        jump = may_jump[todo] & (height[todo] < abs(strength[todo]) / 10)
        lower = np.where(jump, 0.0, height[todo] * step[todo])
        with np.errstate(all="ignore"):  # a step that leads astray is tried again
            trial, found = _newton(spectrum, sizes, strength[todo] + 1j * lower, delta[todo])
        delta[todo[found]], height[todo[found]] = trial[found], lower[found]
        may_jump[todo] = found
        change = np.where(found, np.maximum(step[todo] ** 2, FIRST_STEP), np.sqrt(step[todo]))
        step[todo] = np.where(jump, step[todo], change)
        todo = todo[height[todo] > FLOOR * abs(strength[todo])]
    delta[todo] = np.nan
    return delta


def _newton(spectrum, sizes, strength, delta) -> tuple[np.ndarray, np.ndarray]:
    """Newton's method for log Delta, and whether it ended at the physical root."""
    delta, moving = delta.copy(), np.arange(delta.size)
    for _ in range(MAX_NEWTON):
        step, _ = _newton_step(spectrum, sizes, strength[moving], delta[moving])
        proposal = delta[moving] * np.exp(step)
        imaginary = np.where(proposal.imag >= -REAL * abs(proposal), np.maximum(proposal.imag, 0), np.nan)
        delta[moving] = proposal.real + 1j * imaginary
        moving = moving[(abs(step) > TOLERANCE) & np.isfinite(delta[moving])]
        if not moving.size:
            break
    step, physical = _newton_step(spectrum, sizes, strength, delta)
    return delta, physical & (abs(step) < SOLVED)


def _newton_step(spectrum, sizes, strength, delta) -> tuple[np.ndarray, np.ndarray]:
    """The step in log Delta, and whether Delta can be the physical root."""
    brackets, transition = _brackets(spectrum, sizes, delta)
    jacobian = _jacobian(brackets, transition)
    above = (delta * brackets).imag >= -SOLVED * abs(delta * brackets)
    rising = np.array([jacobian, *(brackets + transition)]).real > 0  # the same for a Delta on the real axis
    physical = np.where(delta.imag > 0, above.all(axis=0), rising.all(axis=0))
    return (strength / delta - brackets.prod(axis=0)) / jacobian, physical


def _brackets(spectrum, sizes, delta) -> tuple[np.ndarray, np.ndarray]:
    """The brackets n - df1, stacked, and df1 - df2; n - df1 is also (n - rank) + (rank - df1)."""
    df1, unresolved, transition = spectrum.continued_sums(delta)
    few_left = abs(unresolved) < abs(df1)
    brackets = [np.where(few_left, (n - spectrum.rank) + unresolved, n - df1) for n in sizes]
    return np.reshape(brackets, (len(sizes), *delta.shape)), transition


def _jacobian(brackets, transition) -> np.ndarray:
    """D of chapter 8: the derivative of Delta * (product of the brackets) with respect to Delta."""
    product, slope = 1.0, 0.0
    for bracket in brackets:
        product, slope = product * bracket, slope * bracket + product
    return product + transition * slope


def _edges(spectrum, sizes, unit) -> np.ndarray:
    """Edges of the bands, ascending: where D, the derivative of Delta * (product of brackets), vanishes."""

    def jacobian(share, start, ratio):
        """D at Delta = start * ratio^share, divided by the product of the sizes; -1 where df1 passes a bracket."""
        brackets, transition = (part.real for part in _brackets(spectrum, sizes, start * ratio**share + 0j))
        passed = (start < 0) & (brackets <= 0).any(axis=0)
        return np.where(passed, -1.0, _jacobian(brackets, transition) / np.prod(sizes))

    start, ratio = _possible_gaps(spectrum, min(sizes))
    values = jacobian(GRID, start[:, None], ratio[:, None])
    best = 1 + np.argmax(values[:, 1:-1], axis=1)
    bracket = tuple(GRID[best + k] for k in (-1, 0, 1))
    peak = elementwise.find_minimum(lambda *at: -jacobian(*at), bracket, args=(start, ratio))
    is_gap = -peak.f_x > 0

    # intervals with one edge each: Delta at share 0, its ratio at share 1, and from which share to which
    largest = float(spectrum.eigenvalue(1))
    intervals = [(-largest, 20 * max(1.0, spectrum.trace / min(sizes) / largest), CLOSE, 1 - CLOSE)]
    if not _is_hard(spectrum, sizes):
        intervals.append((*_lowest_interval(spectrum, sizes), CLOSE, 1 - CLOSE))
    for *gap, top in zip(start[is_gap], ratio[is_gap], peak.x[is_gap], strict=True):
        intervals += [(*gap, CLOSE, top), (*gap, top, 1 - CLOSE)]  # D has one sign at the poles, the other at the peak
    start, ratio, left, right = np.transpose(intervals)
    delta = start * ratio ** elementwise.find_root(jacobian, (left, right), args=(start, ratio)).x
    edges = -delta * _brackets(spectrum, sizes, delta + 0j)[0].real.prod(axis=0) / unit
    return np.sort(np.append(edges, [0.0] * _is_hard(spectrum, sizes))).reshape(-1, 2)


def _lowest_interval(spectrum, sizes) -> tuple[float, float]:
    """Where Delta lies at the lower edge of the lowest band: from start to start * ratio."""
    least, second, *_ = [*sorted(sizes), np.inf]
    if least > spectrum.rank:
        return -float(spectrum.eigenvalue(spectrum.rank)), 1e-40
    start = solve_delta(spectrum, least, MAX_SIZE)  # df1 = least
    end = solve_delta(spectrum, second, MAX_SIZE) if second < spectrum.rank else 1e-40 * start
    return start, end / start


def _possible_gaps(spectrum, least) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of Delta between two poles in which a gap can open: from start to start * ratio.

    In a gap df2(Delta) < min(N, T) (chapter 6). The two poles alone contribute at least 8 to df2, divided by the square
    of their relative distance.
    """
    smallest_step = 1 + np.sqrt(8 / least)
    if isinstance(spectrum, PowerLaw):
        last = min(spectrum.n_latent, 2 + 1 / np.expm1(np.log1p(np.sqrt(8 / least)) / (1 + spectrum.alpha)))
        if last > MAX_BANDS:
            raise ValueError(
                "n_samples (or n_features) must be smaller to list the edges: there may be more than "
                f"{MAX_BANDS:,} bands at a size of {least:.3g}. The densities work at any size"
            )
        levels = spectrum.eigenvalue(np.arange(1, int(last) + 1))
    else:
        levels = np.unique(spectrum.eigenvalues[: spectrum.rank])[::-1]
    step = levels[:-1] / levels[1:]
    return -levels[1:][step > smallest_step], step[step > smallest_step]

r"""Training time as a third resource: gradient flow, stopped early.

Stands beside chapter 14 of the book. Time is measured such that, with unlimited features and samples, latent :math:`I`
is learned as :math:`1 - e^{-\lambda_I t}`. With :math:`N` random features the error decays as :math:`e^{-tA}`, where
:math:`A = \Lambda^{1/2}\, \frac{M}{\sigma_u^2 N} u^\top u\, \Lambda^{1/2}`, and averaged over the teacher the loss is a
trace with one random matrix,

.. math:: L(N, t) = \sigma_w^2\, \mathrm{tr}\, \Lambda e^{-2tA}
    = \frac{\sigma_w^2}{2\pi i} \int e^{2t\gamma}\, \mathrm{tr}\, \Lambda (A + \gamma)^{-1}\, d\gamma .

The resolvent at a complex ridge belongs to a complex Delta, as in chapter 6,

.. math:: \mathrm{tr}\, \Lambda (A + \gamma)^{-1} = \frac{\Delta\, df_1(\Delta)}{\gamma}, \qquad
    \gamma = \Delta\, [1 - df_1(\Delta)/N] .

With :math:`T` samples, unlimited features and no label noise the sample covariance takes the place of :math:`A`: the
same function with :math:`T` for :math:`N`. The duality of features and samples holds at all times.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import elementwise
from scipy.special import gamma

from ._progress import progress_bar
from ._search import find_minimum
from ._validation import MAX_SIZE, real_array, real_or_infinite
from .experiments import Simulation, _check_setting, _spawn_seeds
from .features import RandomFeatures
from .latent import LatentModel
from .regression import EPS
from .spectra import Spectrum, check_spectrum
from .theory import LARGEST, solve_delta

NODES = 28  # of the contour; an error of e^(-1.36 NODES), about the rounding error of the sum
EARLY = 1e-5  # 2 t, in units of the inverse trace, before which the loss is a straight line
LATE = 1e40  # t, in units of the inverse of the smallest eigenvalue, after which what is left to learn is rounding
TOLERANCE = 1e-8  # relative Newton step in Delta after which, squared, only rounding is left
SOLVED = 1e-6  # relative Newton step of a root: as large as rounding where N - df1 cancels, beside a wide gap
MAX_NEWTON = 50  # Newton takes 2 to 10 steps
GONE = 1e3  # t, in units of the inverse of the smallest eigenvalue of A, after which the loss has underflowed
MANY = 100.0  # features, in units of C trace, beyond which the best number is not looked for
PLACES = 17  # at which the best number is looked for first
ALONE = 1e-9  # how close the edge comes to the smallest eigenvalue, relative to it, for unlimited sizes


def gradient_flow_loss(
    spectrum: Spectrum, time: ArrayLike, size: ArrayLike | None = None, *, weight_var: ArrayLike = 1.0
) -> np.ndarray:
    r"""Test loss in the course of training, with one scarce resource.

    Parameters
    ----------
    spectrum : PowerLaw or Empirical
        Eigenvalues of the latent covariance.
    time : array_like
        Training time :math:`t \ge 0`, in units of inverse eigenvalues; infinite for the end of training. Everything
        broadcasts.
    size : array_like, optional
        The scarce one of :math:`N` and :math:`T`, from 1 to 1e15; the other one is unlimited. None: both are.
    weight_var : array_like, default 1
        Teacher variance :math:`\sigma_w^2 \ge 0`.

    Returns
    -------
    ndarray or float
        :math:`L(N, t)` without label noise. It falls from :math:`\sigma_w^2\, \mathrm{tr}\, \Lambda` to the
        bottleneck :math:`\sigma_w^2 N \Delta_N`, or to 0 where the size reaches the rank of the spectrum. Not a number
        where rounding prevents an answer, as for a size of 1 with a second eigenvalue 1e-20 of the first.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    The inverse Laplace transform of the module's first formula, on Talbot's contour with the parameters of Weideman,
    SIAM Journal on Numerical Analysis 44 (2006). The cost does not depend on the number of latents of a power law.
    Computed to about 1e-11 of :math:`\sigma_w^2 \sum_I \lambda_I/(1 + 2 \lambda_I t)`, which is the size of the loss
    while something is left to learn (1e-9 for steep spectra, :math:`\alpha` near 5, at short times). As a theory of
    Gaussian random matrices it leaves out corrections of a relative order of :math:`0.3/N`.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> spectrum = PowerLaw(alpha=1.0, n_latent=10**6)
    >>> print(gradient_flow_loss(spectrum, [0, 1e2, 1e4, np.inf], 100).round(5))
    [1.64493 0.07517 0.02482 0.02443]
    >>> print(gradient_flow_loss(spectrum, [0, 1e2, 1e4]).round(5))
    [1.64493 0.06266 0.00627]
    """
    check_spectrum(spectrum)
    time = real_or_infinite("time", time, at_least=0)
    size = np.asarray(np.inf) if size is None else real_array("size", size, at_least=1, at_most=MAX_SIZE)
    weight_var = real_array("weight_var", weight_var, at_least=0, at_most=LARGEST)
    return (weight_var * _loss_and_slopes(spectrum, time, size)[0])[()]


def flow_asymptotic(
    alpha: ArrayLike, time: ArrayLike, *, weight_var: ArrayLike = 1.0, scale: ArrayLike = 1.0
) -> np.ndarray:
    r"""Test loss in the course of training for a long power law, with unlimited features and samples.

    Parameters
    ----------
    alpha : array_like
        Spectral exponent :math:`\alpha > 0`.
    time : array_like
        Training time :math:`t > 0`.
    weight_var : array_like, default 1
        Teacher variance :math:`\sigma_w^2 \ge 0`.
    scale : array_like, default 1
        Largest eigenvalue :math:`\lambda_+ > 0`.

    Returns
    -------
    ndarray or float
        :math:`L = \sigma_w^2 \lambda_+ \frac{\Gamma(\alpha_t)}{1+\alpha} (2\lambda_+ t)^{-\alpha_t}` with the exponent
        :math:`\alpha_t = \alpha/(1+\alpha)`, less than the exponent :math:`\alpha` of the sizes.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    The integral :math:`\sigma_w^2 \int_0^\infty \lambda e^{-2\lambda t}\, dI`. All derivatives of the integrand vanish
    at :math:`I = 0`, so replacing the sum by the integral costs less than any power of :math:`1/t`; what the latents
    beyond :math:`M` would add is :math:`\sigma_w^2 \lambda_+ M^{-\alpha}/\alpha`, for :math:`\lambda_M t \ll 1`.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> exact = gradient_flow_loss(PowerLaw(alpha=1.0, n_latent=10**15), [1, 10, 100])
    >>> print((flow_asymptotic(1.0, [1, 10, 100]) / exact).round(6))
    [0.970846 1.000309 1.      ]
    """
    alpha = real_array("alpha", alpha, above=0)
    time = real_array("time", time, above=0)
    weight_var = real_array("weight_var", weight_var, at_least=0)
    scale = real_array("scale", scale, above=0)
    exponent = alpha / (1 + alpha)
    return (weight_var * scale * gamma(exponent) / (1 + alpha) * (2 * scale * time) ** -exponent)[()]


class Frontier(NamedTuple):
    r"""The best use of compute; see `compute_frontier`.

    Attributes
    ----------
    n_features, time : ndarray or float
        Number of features, not rounded, and training time.
    test_loss : ndarray or float
        The loss there.

    Examples
    --------
    >>> Frontier(10.0, 20.0, 0.1).time
    20.0
    """

    n_features: np.ndarray
    time: np.ndarray
    test_loss: np.ndarray


def compute_frontier(spectrum: Spectrum, compute: ArrayLike, *, weight_var: ArrayLike = 1.0) -> Frontier:
    r"""Split compute between features and training time such that the test loss is smallest.

    Parameters
    ----------
    spectrum : PowerLaw or Empirical
        Eigenvalues of the latent covariance.
    compute : array_like
        :math:`C = N t > 0`: every feature takes part in every step. Samples are unlimited.
    weight_var : array_like, default 1
        Teacher variance :math:`\sigma_w^2 \ge 0`; broadcasts against `compute`.

    Returns
    -------
    Frontier
        Named tuple ``(n_features, time, test_loss)``, with `n_features` from 1 to 1e15.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    For a long power law :math:`N \propto C^{1/(2+\alpha)}`, :math:`t \propto C^{(1+\alpha)/(2+\alpha)}` and :math:`L
    \propto C^{-\alpha/(2+\alpha)}` (compare Bordelon, Atanasov and Pehlevan, arXiv:2402.01092): as more latents are
    resolved the slowest of them takes longer, and most of the compute goes into time.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> n, t, loss = compute_frontier(PowerLaw(alpha=1.0, n_latent=10**15), [1e6, 1e9])
    >>> print(n.round(), (n[1] / n[0]).round(2), (t[1] / t[0]).round(2), (loss[0] / loss[1]).round(2))
    [ 296. 2970.] 10.04 99.56 9.97
    """
    check_spectrum(spectrum)
    compute = real_array("compute", compute, above=0)
    weight_var = real_array("weight_var", weight_var, at_least=0, at_most=LARGEST)

    def loss_and_fall(log_n, compute):
        """The loss of N features that learn for C/N, and minus its derivative in log N."""
        n = np.clip(np.exp(log_n), 1, MAX_SIZE)
        loss, by_time, by_size = _loss_and_slopes(spectrum, compute / n, n)
        return loss, by_time - by_size

    # next to nothing is learned before t = 1/trace: more features than a few times C trace are too many
    high = np.clip(np.log(MANY * spectrum.trace) + np.log(compute), 0, np.log(MAX_SIZE))
    log_n = find_minimum(loss_and_fall, np.zeros(compute.shape), high, (compute,), n_places=PLACES)
    n = np.clip(np.exp(log_n), 1, MAX_SIZE)
    best_loss = weight_var * gradient_flow_loss(spectrum, compute / n, n)
    return Frontier(*(part[()] for part in np.broadcast_arrays(n, compute / n, best_loss)))


def flow_path(features: ArrayLike, labels: ArrayLike, times: ArrayLike) -> np.ndarray:
    r"""Coefficients of gradient flow at many times.

    Parameters
    ----------
    features : array_like, shape (T, N)
        Feature matrix :math:`\Phi`, one sample a row.
    labels : array_like, shape (T,)
        Labels :math:`y`.
    times : array_like
        Times :math:`t \ge 0`, any shape; infinity asks for the minimum-norm least-squares fit.

    Returns
    -------
    ndarray, shape ``times.shape + (N,)``
        :math:`\theta(t)` with :math:`\dot\theta = \Phi^\top (y - \Phi\theta)` and :math:`\theta(0) = 0`.

    Raises
    ------
    ValueError
        If the shapes do not match, a time is negative, or another value is not finite.

    Notes
    -----
    Gradient flow on :math:`\frac12 |\Phi\theta - y|^2`. With :math:`\Phi = \sum_k d_k \tilde e_k e_k^\top`,
    :math:`\theta = \sum_k \frac{1 - e^{-t d_k^2}}{d_k}\, e_k\, (\tilde e_k \cdot y)`: stopping at :math:`t`
    filters much as the ridge :math:`1/t` does in `regression.ridge_path`. Singular values below rounding count as zero.

    Examples
    --------
    >>> flow_path([[1.0, 0.0], [0.0, 2.0]], [1.0, 1.0], [0.0, np.log(2), np.inf])
    array([[0.     , 0.     ],
           [0.5    , 0.46875],
           [1.     , 0.5    ]])
    """
    features = real_array("features", features)
    labels = real_array("labels", labels)
    times = real_or_infinite("times", times, at_least=0)
    if features.ndim != 2 or not features.size:
        raise ValueError(f"features must be a non-empty matrix of shape (T, N); got shape {features.shape}")
    if labels.shape != features.shape[:1]:
        raise ValueError(f"labels must have shape ({features.shape[0]},) to match features; got {labels.shape}")

    if len(features) > 2 * features.shape[1]:  # the triangle of features and labels has the same path, and fewer rows
        triangle = np.linalg.qr(np.column_stack([features, labels]), mode="r")
        features, labels = triangle[:, :-1], triangle[:, -1]
    left, singular, right = np.linalg.svd(features, full_matrices=False)
    keep = singular > max(features.shape) * EPS * singular[0]
    singular = np.where(keep, singular, 1.0)
    learned = np.where(keep, -np.expm1(-times[..., None] * singular**2), 0.0)
    return (learned / singular * (labels @ left)) @ right


def simulate_flow(
    model: LatentModel,
    n_features: int,
    n_samples: int,
    times: ArrayLike,
    *,
    n_trials: int = 20,
    feature_var: float = 1.0,
    seed: int = 0,
    progress: bool = False,
) -> Simulation:
    r"""Train linear students by gradient flow on data drawn from the model, again and again.

    Parameters
    ----------
    model, n_features, n_samples, n_trials, feature_var, seed, progress
        As in `experiments.simulate`.
    times : array_like
        Training times :math:`t \ge 0` in the units of `gradient_flow_loss`, any shape; may be infinite.

    Returns
    -------
    Simulation
        Test and training losses of each experiment, at every time in place of every ridge.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    `flow_path` at the time :math:`t M/(\sigma_u^2 N T)`. Then :math:`\beta = u^\top\theta` obeys :math:`\dot\beta =
    \frac{M}{\sigma_u^2 N} u^\top u\, \frac1T \sum_a x_a x_a^\top (w - \beta)`, whose two matrices average to 1 and
    :math:`\Lambda`. The test loss is exact, as in `experiments.simulate`.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> spectrum = PowerLaw(alpha=1.0, n_latent=200)
    >>> run = simulate_flow(LatentModel(spectrum), 20, 1000, [1.0, 10.0, np.inf])
    >>> bool(np.all(abs(run.mean - gradient_flow_loss(spectrum, [1.0, 10.0, np.inf], 20)) < 3 * run.stderr))
    True
    """
    model, n, t, _, feature_var = _check_setting(model, n_features, n_samples, 0.0, feature_var)
    rate = model.spectrum.n_latent / (feature_var * n * t)
    run = partial(_flow_trial, model, n, t, rate * real_or_infinite("times", times, at_least=0), feature_var)
    seeds = _spawn_seeds(seed, n_trials)
    test, train = zip(*progress_bar(map(run, seeds), total=len(seeds), progress=progress, unit="trial"), strict=True)
    return Simulation(np.array(test), np.array(train))


def _flow_trial(model, n_features, n_samples, times, feature_var, seed) -> tuple[np.ndarray, np.ndarray]:
    """One experiment: its test and training loss at every time."""
    rng = np.random.default_rng(seed)
    spectrum = model.spectrum
    teacher = model.draw_teacher(rng)
    latents = model.draw_latents(n_samples, rng)
    labels = model.draw_labels(latents, teacher, rng)
    feature_map = RandomFeatures.draw(n_features, spectrum.n_latent, rng, feature_var=feature_var)
    features = feature_map(latents)
    coefficients = flow_path(features, labels, times)
    test = ((coefficients @ feature_map.weights - teacher) ** 2) @ spectrum.eigenvalues
    return test, np.mean((coefficients @ features.T - labels) ** 2, axis=-1)


def _loss_and_slopes(spectrum, time, size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The loss of a teacher of variance 1, and its derivatives in log t and log N."""
    edge, delta, slope = _right_end(spectrum, size)
    bottleneck = np.multiply(size, delta, out=np.zeros(size.shape), where=delta > 0)

    early, late = EARLY / spectrum.trace, LATE / float(spectrum.eigenvalue(spectrum.rank))
    tau = 2 * np.minimum(time, np.divide(GONE, -edge, out=np.full(size.shape, late), where=edge < 0))
    setting = np.broadcast_arrays(np.maximum(tau, early), size, edge, delta, slope)
    ridge, weights, delta = _contour(spectrum, *setting)
    tau_here, size_here = setting[0][..., None], setting[1][..., None]
    with np.errstate(invalid="ignore"):  # where Delta is not a number
        df1, _, of_ridge = _sums(spectrum, size_here, delta)
        transform = delta * df1 / ridge
        # at a fixed ridge d log Delta/d log N = -(df1/N)/(1 - df2/N), and d(Delta df1)/d Delta = df2
        parts = transform, ridge * tau_here * transform, -(1 - of_ridge) / of_ridge * transform
        loss, by_time, by_size = ((weights * part).imag.sum(axis=-1) for part in parts)
    loss = np.where(tau < early, spectrum.trace + (loss - spectrum.trace) * tau / early, loss)
    loss = np.where(time == np.inf, bottleneck, np.maximum(loss, bottleneck))  # the rest may be rounding
    return loss, by_time, by_size


def _contour(spectrum, tau, size, edge, delta, slope) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ridges on Talbot's contour around all singularities, weights, and Delta there.

    The inverse Laplace transform at tau is the sum over them of the imaginary part of weight times transform. The
    contour is z/tau away from the rightmost singularity: what the loss loses to exp(edge * tau) is then no matter of
    precision. Its lower half is the complex conjugate of the upper one.
    """
    angle = np.pi * (2 * np.arange(NODES // 2) + 1) / NODES
    cot = 1 / np.tan(0.6407 * angle)
    z = NODES * (0.5017 * angle * cot - 0.6122 + 0.2645j * angle)
    dz = NODES * (0.5017 * cot - 0.5017 * 0.6407 * angle * (1 + cot**2) + 0.2645j)

    tau, size, edge, delta, slope = (x[..., None] for x in (tau, size, edge, delta, slope))
    offset = z / tau
    ridge = edge + offset
    size, delta, slope = (np.broadcast_to(x, ridge.shape) for x in (size, delta, slope))
    delta = _newton(spectrum, size, ridge, _first_guess(spectrum, delta, slope, offset))
    return ridge, 2 / NODES * np.exp(z) * dz / tau * np.exp(edge * tau), delta


def _right_end(spectrum, size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rightmost singularity of the resolvent in the ridge, and Delta and d ridge/d Delta there.

    A pole at 0 for sizes below the rank, from what is never learned. Beyond, minus the smallest eigenvalue of A, where
    d ridge/d Delta = 1 - df2/N vanishes.
    """
    edge, delta, slope = (np.zeros(size.shape) for _ in range(3))
    few, many = size < spectrum.rank, size > spectrum.rank
    delta[few] = solve_delta(spectrum, size[few], MAX_SIZE)
    slope[few] = _sums(spectrum, size[few], delta[few] + 0j)[2].real
    delta[many] = _edge_delta(spectrum, size[many])
    _, bracket, slope[many] = np.real(_sums(spectrum, size[many], delta[many] + 0j))
    edge[many] = delta[many] * bracket
    return edge, delta, np.maximum(slope, 0)


def _edge_delta(spectrum, size) -> np.ndarray:
    """Delta where df2 = N, between the pole at minus the smallest eigenvalue and 0."""
    smallest = float(spectrum.eigenvalue(spectrum.rank))

    def excess(share, size):
        df1, _, transition = spectrum.continued_sums(-share * smallest + 0j).real
        return (df1 - transition) / size - 1

    ends = np.full(size.shape, EPS), np.full(size.shape, 1 - ALONE)
    found = elementwise.find_root(excess, ends, args=(size,))
    return -smallest * np.where(found.success, found.x, np.where(size < np.inf, *ends))


def _first_guess(spectrum, delta, slope, offset) -> np.ndarray:
    """Delta where the ridge is `offset` from its right end: a root of a parabola there, and Delta = ridge far away."""
    curvature = 4 / (float(spectrum.eigenvalue(spectrum.rank)) + delta)  # in order of magnitude
    return delta + offset + 2 * offset * (1 - slope) / (slope + np.sqrt(slope**2 + curvature * offset))


def _newton(spectrum, size, ridge, delta) -> np.ndarray:
    """The root of ridge = Delta (1 - df1/N) with a positive imaginary part, for a ridge in the upper half plane.

    It is the only one: Delta -> ridge + Delta df1(Delta)/N maps the upper half plane into itself, and repeating it
    leads there. Newton's method is faster; where its step leaves the half plane, this map makes the step.
    """
    shape, size, ridge, delta = ridge.shape, size.ravel(), ridge.ravel(), delta.ravel().copy()
    moving = np.arange(ridge.size)
    for _ in range(MAX_NEWTON):
        old = delta[moving]
        _, bracket, slope = _sums(spectrum, size[moving], old)
        step = (ridge[moving] - old * bracket) / slope
        delta[moving] = np.where((old + step).imag > 0, old + step, ridge[moving] + old * (1 - bracket))
        left = abs(step) > TOLERANCE * abs(old)
        moving, step, old = moving[left], step[left], old[left]
        if not moving.size:
            break
    delta[moving[abs(step) > SOLVED * abs(old)]] = np.nan
    return delta.reshape(shape)


def _sums(spectrum, size, delta) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """df1, the bracket 1 - df1/N, and 1 - df2/N, which is d ridge/d Delta."""
    df1, unresolved, transition = spectrum.continued_sums(delta)
    few_left = abs(unresolved) < abs(df1)
    bracket = np.where(few_left, (1 - spectrum.rank / size) + unresolved / size, 1 - df1 / size)
    return df1, bracket, bracket + transition / size

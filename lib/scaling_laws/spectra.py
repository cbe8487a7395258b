r"""Spectra: the eigenvalues of a data covariance, and sums over them.

The ground floor of the library, beside chapter 2 of the book. The whole theory asks only one kind of question of a
spectrum: with the weights

.. math:: f_I = \frac{\lambda_I}{\lambda_I + \Delta}, \qquad g_I = 1 - f_I = \frac{\Delta}{\lambda_I + \Delta},

what is :math:`\sum_I f_I^p g_I^q`? `PowerLaw` answers it for any number of latents at the same cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.lapack import dlasd4

from ._mode_sums import MAX_DIRECT, continued_direct_sums, continued_power_law_sums, weighted_ranks, weighted_sums
from ._validation import real_array, real_number, whole_number

MAX_LISTED = 10**8  # most eigenvalues that `eigenvalues` will list
NO_SPARE = 1e-11  # stands for T - n where there are as many eigenvalues as samples, a limit
SMALLEST_EIGENVALUE = 1e-150  # keeps squares of eigenvalues within floating-point range
STEEPEST_TASK = 5  # largest task exponent


class Spectrum:
    """What `PowerLaw` and `Empirical` have in common.

    Both have ``n_latent``, ``rank``, ``trace``, ``eigenvalue(index)``, ``head(n_visible)`` and ``tail(n_visible)``; and
    ``levels`` with ``ranks`` and ``weights``, which stand for the positive eigenvalues in every sum over modes.

    Examples
    --------
    >>> isinstance(PowerLaw(alpha=1.0, n_latent=10), Spectrum)
    True
    """

    n_latent: int
    rank: int
    levels: np.ndarray
    ranks: np.ndarray
    weights: np.ndarray

    def mode_sum(self, delta: ArrayLike, p: int, q: int) -> np.ndarray:
        r"""The sum :math:`\sum_I f_I^p g_I^q` with :math:`f = \lambda/(\lambda+\Delta)`, :math:`g = 1 - f`.

        Parameters
        ----------
        delta : array_like
            Scale :math:`\Delta \ge 0`; any shape.
        p, q : int
            Exponents; `p` from 1 to 3 and `q` from 0 to 3, or ``p, q = 0, 1``.

        Returns
        -------
        ndarray
            The sum over the positive eigenvalues, of the shape of `delta`.

        Raises
        ------
        ValueError
            If an argument is outside its range.
        """
        return self.mode_sums(delta, [(p, q)])[0]

    def mode_sums(self, delta: ArrayLike, exponents: Sequence[tuple[float, ...]]) -> np.ndarray:
        r"""Several sums at once, from one pass over the levels; see `mode_sum`.

        Parameters
        ----------
        delta : array_like
            Scale :math:`\Delta \ge 0`; any shape.
        exponents : sequence of (int, int) or (int, int, float)
            The pairs :math:`(p, q)`, with the ranges of `mode_sum`; or triples :math:`(p, q, b)`, for the sum
            :math:`\sum_I I^{-b} f_I^p g_I^q` that a teacher with the task exponent :math:`b` asks for.

        Returns
        -------
        ndarray, shape ``(len(exponents),) + delta.shape``
            One sum a pair or triple.

        Raises
        ------
        ValueError
            If an argument is outside its range.

        Examples
        --------
        >>> df1, transition = PowerLaw(alpha=1.0, n_latent=10**15).mode_sums(1e-6, [(1, 0), (1, 1)])
        >>> print(f"{df1:.3f} {transition:.3f}")
        1570.296 785.398
        """
        pairs, tasks = [_check_exponents(p, q) for p, q, *_ in exponents], [sum(task) for _, _, *task in exponents]
        weights = {b: self.weights * self.ranks ** -check_task_exponent(self, b) for b in {*tasks} - {0}}
        weights[0] = self.weights
        delta = real_array("delta", delta, at_least=0)
        return weighted_sums(self.levels, [weights[b] for b in tasks], delta, pairs)

    def continued_sums(self, delta: np.ndarray) -> np.ndarray:
        r"""The sums :math:`\sum_I f_I`, :math:`\sum_I g_I` and :math:`\sum_I f_I g_I` continued to complex `delta`.

        Parameters
        ----------
        delta : ndarray of complex
            Any shape; imaginary part not negative, and none of the poles :math:`-\lambda_I`.

        Returns
        -------
        ndarray of complex, shape ``(3,) + delta.shape``
            :math:`df_1`, :math:`\mathrm{rank} - df_1` and :math:`df_1 - df_2`.
        """
        return continued_direct_sums(self.levels, self.weights, delta)

    def degrees_of_freedom(self, delta: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        r"""Effective numbers of modes resolved at the scale `delta`.

        Parameters
        ----------
        delta : array_like
            Scale :math:`\Delta \ge 0`, in the units of the eigenvalues; any shape.

        Returns
        -------
        df1, df2 : ndarray or float
            :math:`\sum_I \lambda_I/(\lambda_I+\Delta)` and
            :math:`\sum_I \lambda_I^2/(\lambda_I+\Delta)^2`, of the shape of `delta`.

        Raises
        ------
        ValueError
            If `delta` is negative, infinite or not a number.

        Notes
        -----
        :math:`df_1` is called the effective dimension [1]_ [2]_; it falls from the rank at
        :math:`\Delta = 0` to 0, and :math:`df_2 \le df_1`.

        References
        ----------
        .. [1] T. Zhang, "Learning bounds for kernel regression using effective data
           dimensionality", Neural Computation 17 (2005).
        .. [2] A. Caponnetto and E. De Vito, "Optimal rates for the regularized least-squares
           algorithm", Foundations of Computational Mathematics 7 (2007).

        Examples
        --------
        >>> df1, df2 = PowerLaw(alpha=1.0, n_latent=10**15).degrees_of_freedom(1e-6)
        >>> print(f"{df1:.3f} {df2:.3f}")
        1570.296 784.898
        """
        df1, df2 = self.mode_sums(delta, [(1, 0), (2, 0)])
        return df1[()], df2[()]


@dataclass(frozen=True)
class PowerLaw(Spectrum):
    r"""The spectrum :math:`\lambda_I = \lambda_+ I^{-(1+\alpha)}`, :math:`I = 1, \dots, M`.

    Parameters
    ----------
    alpha : float
        Spectral exponent :math:`\alpha > 0` (the excess over :math:`1/I`).
    n_latent : int
        Number of latents :math:`M`, from 1 to 10**15. The cost of every sum is independent of it.
    scale : float, default 1
        Largest eigenvalue :math:`\lambda_+ > 0`.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    The model of Maloney, Roberts and Sully, arXiv:2210.16859, who write the same spectrum from its
    small end, :math:`\lambda_I = \lambda_- (M/I)^{1+\alpha}`.

    Examples
    --------
    >>> PowerLaw(alpha=1.0, n_latent=4).eigenvalues
    array([1.        , 0.25      , 0.11111111, 0.0625    ])
    >>> round(PowerLaw(alpha=1.0, n_latent=1e15).trace, 6)  # pi^2 / 6
    1.644934
    """

    alpha: float
    n_latent: int
    scale: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", real_number("alpha", self.alpha, above=0))
        object.__setattr__(self, "n_latent", whole_number("n_latent", self.n_latent))
        object.__setattr__(self, "scale", real_number("scale", self.scale, above=0))
        smallest = self.eigenvalue(self.n_latent)
        if not smallest >= SMALLEST_EIGENVALUE:
            raise ValueError(
                "alpha, n_latent and scale must keep the smallest eigenvalue at least "
                f"{SMALLEST_EIGENVALUE:g}; it is {smallest:g}"
            )

    @property
    def rank(self) -> int:
        """Number of eigenvalues that are not zero: all of them."""
        return self.n_latent

    @property
    def eigenvalues(self) -> np.ndarray:
        """The eigenvalues, shape (M,), in descending order."""
        if self.n_latent > MAX_LISTED:
            raise ValueError(
                f"n_latent must be at most {MAX_LISTED:.0e} to list the eigenvalues; got {self.n_latent:.3g}."
                " The sums (degrees_of_freedom, trace) work at any n_latent"
            )
        return self.eigenvalue(np.arange(1, self.n_latent + 1))

    def eigenvalue(self, index: ArrayLike) -> np.ndarray:
        """The eigenvalues at the given ranks, counted from 1."""
        return self.scale * real_array("index", index, at_least=1, at_most=self.n_latent) ** -(1 + self.alpha)

    @property
    def trace(self) -> float:
        r"""Total variance :math:`\sum_I \lambda_I`."""
        return self.tail(0)

    def head(self, n_visible: int) -> PowerLaw:
        """The spectrum of the first `n_visible` latents."""
        return PowerLaw(self.alpha, whole_number("n_visible", n_visible, at_most=self.n_latent), self.scale)

    def tail(self, n_visible: int) -> float:
        r"""Variance of the latents beyond the first `n_visible`, :math:`\sum_{I>M_0} \lambda_I`."""
        after = whole_number("n_visible", n_visible, at_least=0, at_most=self.n_latent) + 1.0
        if after > self.n_latent:
            return 0.0
        ranks, weights = weighted_ranks(self.alpha, self.n_latent, int(after))
        return float(weights @ (self.scale * ranks ** -(1 + self.alpha)))

    @cached_property
    def levels(self) -> np.ndarray:
        r"""A few hundred eigenvalues, not all at whole ranks, that stand for all of them in sums over modes.

        The first 64 eigenvalues or more are among them; the others are nodes of the Euler-Maclaurin formula and of the
        integral in it (chapter 2). With their `weights` the relative error of a sum is below 1e-12 for :math:`\alpha
        \le 5`.
        """
        return self.scale * weighted_ranks(self.alpha, self.n_latent)[0] ** -(1 + self.alpha)

    @property
    def ranks(self) -> np.ndarray:
        """The ranks of the `levels`, counted from 1."""
        return weighted_ranks(self.alpha, self.n_latent)[0]

    @cached_property
    def weights(self) -> np.ndarray:
        """How many eigenvalues each of the `levels` stands for; negative ones correct the ends of the integral."""
        return weighted_ranks(self.alpha, self.n_latent)[1]

    def continued_sums(self, delta: np.ndarray) -> np.ndarray:
        """Sums at complex `delta`; see `Spectrum.continued_sums`."""
        if self.n_latent <= MAX_DIRECT:  # the levels are all the eigenvalues
            return super().continued_sums(delta)
        return continued_power_law_sums(self.alpha, self.n_latent, self.scale, delta)


@dataclass(frozen=True, eq=False)
class Empirical(Spectrum):
    """A spectrum given by its list of eigenvalues, such as that of a data set.

    Parameters
    ----------
    eigenvalues : array_like, shape (M,)
        Finite and not negative, at least one of them positive; sorted here in descending order.

    Raises
    ------
    ValueError
        If the list is empty, not one-dimensional, all zero, or holds a negative or non-finite value.

    Notes
    -----
    Zero eigenvalues come out of a diagonalisation as rounding noise of either sign. In a list with negative values no
    larger than that (M times the machine precision times the largest eigenvalue), all values of that size become
    exact zeros. A list without negative values is taken as it is.

    Examples
    --------
    >>> spectrum = Empirical([1.0, 4.0, 0.0])
    >>> spectrum.eigenvalues, spectrum.n_latent, spectrum.rank
    (array([4., 1., 0.]), 3, 2)
    >>> data = np.random.default_rng(0).standard_normal((10, 30))  # fewer samples than variables
    >>> Empirical(np.linalg.eigvalsh(np.cov(data.T))).rank
    9
    """

    eigenvalues: np.ndarray

    def __post_init__(self) -> None:
        values = real_array("eigenvalues", self.eigenvalues)
        if values.size and values.min() < 0:
            noise = _rounding_noise(values, np.asarray(self.eigenvalues).dtype)
            if values.min() < -noise:
                raise ValueError(
                    f"eigenvalues must be finite and at least 0; the smallest is {values.min():g}, and rounding"
                    f" explains no more than {noise:.1e} below 0. natural.covariance_eigenvalues(data) gives those"
                    " of a data set, with what is lost in rounding set to 0"
                )
            values = np.where(values > noise, values, 0.0)
        if values.ndim != 1 or not values.any():
            raise ValueError(
                f"eigenvalues must be a one-dimensional list with a positive entry; got shape {values.shape}"
            )
        values = np.sort(values)[::-1]
        values.flags.writeable = False
        object.__setattr__(self, "eigenvalues", values)

    @property
    def n_latent(self) -> int:
        """Number of eigenvalues, zeros included."""
        return self.eigenvalues.size

    @property
    def rank(self) -> int:
        """Number of eigenvalues that are not zero."""
        return int(np.count_nonzero(self.eigenvalues))

    @property
    def trace(self) -> float:
        r"""Total variance :math:`\sum_I \lambda_I`."""
        return self.tail(0)

    def head(self, n_visible: int) -> Empirical:
        """The spectrum of the first `n_visible` latents, in descending order of eigenvalues."""
        return Empirical(self.eigenvalues[: whole_number("n_visible", n_visible, at_most=self.n_latent)])

    def tail(self, n_visible: int) -> float:
        r"""Variance of the latents beyond the first `n_visible`, :math:`\sum_{I>M_0} \lambda_I`."""
        return float(self.eigenvalues[whole_number("n_visible", n_visible, at_least=0, at_most=self.n_latent) :].sum())

    def eigenvalue(self, index: ArrayLike) -> np.ndarray:
        """The eigenvalues at the given ranks, counted from 1."""
        index = real_array("index", index, at_least=1, at_most=self.n_latent)
        if (index % 1).any():
            between = index[index % 1 > 0][0]
            raise ValueError(f"index must be whole: a list has no eigenvalue between two; got {between:g}")
        return self.eigenvalues[index.astype(int) - 1]

    @property
    def levels(self) -> np.ndarray:
        """The positive eigenvalues."""
        return self.eigenvalues[: self.rank]

    @property
    def ranks(self) -> np.ndarray:
        """The ranks of the `levels`, counted from 1."""
        return np.arange(1.0, self.rank + 1)

    @property
    def weights(self) -> np.ndarray:
        """One for each of them."""
        return np.ones(self.rank)


class SpectrumFit(NamedTuple):
    r"""A power law fitted to a range of a spectrum; see `fit_spectrum`.

    Attributes
    ----------
    alpha, stderr : float
        Exponent :math:`\alpha` in :math:`\lambda_I \propto I^{-(1+\alpha)}` and its standard error.
    scale : float
        Fitted eigenvalue at rank 1, in the units of the data.
    ranks : tuple of int
        First and last rank used.

    Examples
    --------
    >>> SpectrumFit(alpha=1.0, stderr=0.1, scale=2.0, ranks=(4, 100)).line([1, 10])
    array([2.  , 0.02])
    """

    alpha: float
    stderr: float
    scale: float
    ranks: tuple[int, int]

    def line(self, rank: ArrayLike) -> np.ndarray:
        """The fitted eigenvalues at the given ranks."""
        return self.scale * real_array("rank", rank, above=0) ** -(1 + self.alpha)


def fit_spectrum(
    eigenvalues: ArrayLike, n_samples: int | None = None, *, ranks: tuple[int, int] | None = None
) -> SpectrumFit:
    r"""Fit :math:`\lambda_I = \lambda_+ I^{-(1+\alpha)}` to a range of ranks.

    Parameters
    ----------
    eigenvalues : array_like, shape (M,)
        Eigenvalues of a covariance, in any order, none negative. Zeros at the end, exact or as left by rounding, do
        not count.
    n_samples : int, optional
        Number of samples behind a *sample* covariance: its eigenvalues are then corrected by
        `correct_eigenvalues` first, and stay in place. (Corrected ones that are given here would be sorted, which
        undoes most of the correction.) None: the eigenvalues are taken as exact.
    ranks : (int, int), optional
        First and last rank of the fit. Default: from 4 to half the number of positive eigenvalues, and
        no further than an eighth of `n_samples`, or rank 19 if that is more. The default needs 38 positive
        eigenvalues and, if it is given, an `n_samples` of 64: with fewer, rank 19 is too close to the end.

    Returns
    -------
    SpectrumFit
        Named tuple ``(alpha, stderr, scale, ranks)``.

    Raises
    ------
    ValueError
        If the eigenvalues are invalid, the range of ranks holds fewer than 16 positive ones or goes beyond them, or
        there are too few eigenvalues or samples for the default range.

    Notes
    -----
    Straight line through :math:`\log\lambda_I` against :math:`\log I`, every octave of ranks weighted
    alike. The residuals of neighbouring ranks are correlated, so the usual error formula does not
    hold; `stderr` is a jackknife over eight blocks of ranks of equal logarithmic width. It covers
    sampling noise and departures from a straight line within the range, not the choice of the range.

    Examples
    --------
    >>> fit = fit_spectrum(PowerLaw(alpha=0.7, n_latent=1000).eigenvalues)
    >>> round(fit.alpha, 6), fit.ranks
    (0.7, (4, 500))
    """
    values = Empirical(eigenvalues).eigenvalues
    rank = _numerical_rank(values)
    n_samples = None if n_samples is None else whole_number("n_samples", n_samples)
    low, high = _range_of_ranks(rank, n_samples, ranks)
    if n_samples is not None:
        values = _corrected(values, n_samples, range(low - 1, high))
    if not (values[low - 1 : high] > 0).all():  # the correction splits equal eigenvalues into one and zeros
        raise ValueError(f"ranks must span eigenvalues that stay positive when corrected; got ({low}, {high})")

    index = np.arange(low, high + 1)
    log_rank, log_value = np.log(index), np.log(values[low - 1 : high])
    slope, intercept = _weighted_line(log_rank, log_value, 1 / index)
    block = np.searchsorted(np.geomspace(low, high + 1, 9)[1:-1], index, side="right")
    left_out = [block != b for b in np.unique(block)]
    slopes = np.array([_weighted_line(log_rank[k], log_value[k], 1 / index[k])[0] for k in left_out])
    stderr = np.sqrt((slopes.size - 1) * slopes.var())
    return SpectrumFit(float(-slope - 1), float(stderr), float(np.exp(intercept)), (int(low), int(high)))


def correct_eigenvalues(eigenvalues: ArrayLike, n_samples: int) -> np.ndarray:
    r"""Undo the spreading of eigenvalues in a sample covariance.

    Parameters
    ----------
    eigenvalues : array_like, shape (M,)
        Eigenvalues of ``X.T @ X / n_samples``, zeros included or not.
    n_samples : int
        Number :math:`T` of samples behind them.

    Returns
    -------
    ndarray, shape (M,)
        Estimated population eigenvalues in descending order of the sample eigenvalues; their sum is
        the sample's. Eigenvalues left by rounding become 0. Ranks near :math:`T` and beyond cannot be recovered.

    Raises
    ------
    ValueError
        If `n_samples` is not a whole number or more than `n_samples` eigenvalues are positive.

    Notes
    -----
    The estimator of Mestre, "Improved estimation of eigenvalues and eigenvectors of covariance matrices
    using their sample estimates", IEEE Transactions on Information Theory 54 (2008): with
    :math:`\mu_I` the sample eigenvalues and :math:`\nu_I` those of :math:`\mathrm{diag}(\mu) -
    \sqrt{\mu}\sqrt{\mu}^\top/T`, which interlace with them, :math:`\hat\lambda_I = T(\mu_I - \nu_I)`.
    To first order in :math:`1/T` it subtracts the repulsion of levels (chapter 2).

    Examples
    --------
    >>> correct_eigenvalues([3.0, 1.0], n_samples=10**9).round(6)
    array([3., 1.])
    """
    n_samples, values = whole_number("n_samples", n_samples), Empirical(eigenvalues).eigenvalues
    return _corrected(values, n_samples, range(values.size))


def _corrected(values: np.ndarray, n_samples: int, places: range) -> np.ndarray:
    """Corrected eigenvalues at `places`, 0 elsewhere."""
    sample = values[: _numerical_rank(values)]
    if sample.size > n_samples:
        raise ValueError(
            f"n_samples must be at least the number of positive eigenvalues, {sample.size}; got {n_samples}"
        )
    corrected = np.zeros(values.size)
    level, first, count = np.unique(sample[::-1], return_index=True, return_counts=True)  # equal ones act as one
    level, at, count = level[::-1], sample.size - 1 - first[::-1], count[::-1]
    if level.size == 1:
        corrected[at] = sample.sum()
        return corrected
    # The shifted matrix's inverse, times mu_n, is diag(depth^2) + depth depth^T / (T - n) with depth^2 = mu_n / mu.
    # LAPACK finds its eigenvalues sigma^2, and depth - sigma without a subtraction.
    depth = np.sqrt(level[-1] / level)
    weight = np.sqrt(count) * depth
    total, spare = weight @ weight, max(n_samples - sample.size, NO_SPARE)
    unit = weight / np.sqrt(total)
    for i, place in enumerate(at):
        if place in places:
            difference, sigma, both, _ = dlasd4(i, depth, unit, total / spare)
            corrected[place] = -n_samples * level[i] * difference[i] * both[i] / sigma**2  # T (mu_I - nu_I)
    return corrected


def check_spectrum(value: Spectrum) -> Spectrum:
    """Return `value` if it is a spectrum.

    Parameters
    ----------
    value : Spectrum
        What was given as the argument ``spectrum``.

    Returns
    -------
    Spectrum
        The same object.

    Raises
    ------
    ValueError
        If it is neither a `PowerLaw` nor an `Empirical`.

    Examples
    --------
    >>> check_spectrum(PowerLaw(alpha=1.0, n_latent=2)).n_latent
    2
    """
    if not isinstance(value, Spectrum):
        raise ValueError(f"spectrum must be a PowerLaw or an Empirical; got {type(value).__name__}")
    return value


def check_task_exponent(spectrum: Spectrum, value: float) -> float:
    r"""Return `value` as a float if a teacher can have it as its task exponent.

    Parameters
    ----------
    spectrum : Spectrum
        Whose latents the teacher weighs.
    value : float
        What was given as the argument ``task_exponent``: :math:`b` in :math:`w_I^2 \propto I^{-b}`.

    Returns
    -------
    float
        The same number.

    Raises
    ------
    ValueError
        If it is not a single number, or outside its range: up to 5, and above :math:`-\alpha` for a `PowerLaw`, where
        the target has a finite variance in the limit of many latents. A list ends: from -5 on for an `Empirical`.

    Examples
    --------
    >>> check_task_exponent(PowerLaw(alpha=1.0, n_latent=2), 0.5)
    0.5
    """
    least = {"above": -spectrum.alpha} if isinstance(spectrum, PowerLaw) else {"at_least": -STEEPEST_TASK}
    return real_number("task_exponent", value, **least, at_most=STEEPEST_TASK)


def _weighted_line(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of a weighted least-squares line."""
    slope, intercept = np.polyfit(x, y, 1, w=np.sqrt(weight))
    return slope, intercept


def _rounding_noise(values: np.ndarray, dtype: np.dtype | None = None) -> float:
    """How far from zero a diagonalisation may leave an eigenvalue that is zero."""
    precision = np.finfo(dtype if dtype is not None and dtype.kind == "f" else float).eps
    return values.size * float(precision) * np.abs(values).max()


def _numerical_rank(values: np.ndarray) -> int:
    """Number of eigenvalues, in descending order, before a cliff that ends in zeros or rounding noise.

    A steep spectrum may reach that far down in small steps: those are taken for what they are.
    """
    cliff = (values[1:] < 1e-3 * values[:-1]) & (values[1:] <= _rounding_noise(values))
    return int(np.argmax(cliff)) + 1 if cliff.any() else values.size


def _range_of_ranks(rank: int, n_samples: int | None, ranks: tuple[int, int] | None) -> tuple[int, int]:
    """First and last rank of a fit, checked: at least 16 ranks, all with positive eigenvalues."""
    if ranks is None:
        advice = "for the default range of ranks; with fewer, choose a range yourself: ranks=(first, last)"
        if rank < 38:
            raise ValueError(f"eigenvalues must include at least 38 positive ones {advice}. Got {rank}")
        if n_samples is None:
            return 4, rank // 2
        if n_samples < 64:
            raise ValueError(f"n_samples must be at least 64 {advice}. Got {n_samples}")
        return 4, min(rank // 2, max(n_samples // 8, 19))
    try:
        low, high = ranks if isinstance(ranks, (tuple, list, range, np.ndarray)) else ()
    except ValueError:
        raise ValueError(f"ranks must be a pair of whole numbers (first, last); got {ranks!r}") from None
    low, high = whole_number("ranks", low), whole_number("ranks", high)
    if low > high - 15 or high > rank:
        raise ValueError(
            f"ranks must span at least 16 ranks and end at {rank}, the number of positive eigenvalues, or before;"
            f" got ({low}, {high})"
        )
    return low, high


def _check_exponents(p: int, q: int) -> tuple[int, int]:
    try:
        exponents = whole_number("p", p, at_least=0, at_most=3), whole_number("q", q, at_least=0, at_most=3)
    except ValueError:
        exponents = None
    if exponents is None or (exponents[0] == 0 and exponents[1] != 1):
        raise ValueError(
            f"p and q must be p from 1 to 3 and q from 0 to 3, or p = 0 and q = 1; got p = {p!r}, q = {q!r}"
        )
    return exponents

"""Monte-Carlo experiments: draw the model, fit it, measure its loss exactly.

Stands beside chapter 5 of the book.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from tqdm.auto import tqdm

from ._validation import MAX_SEED, has_method, one_of, real_array, real_number, whole_number
from .features import ACTIVATIONS, RandomFeatures
from .latent import LatentModel
from .regression import ridge_path, shrunk_inverse


@dataclass(frozen=True, eq=False)
class Simulation:
    """Losses of repeated, independent experiments.

    Attributes
    ----------
    trials : ndarray, shape ``(n_trials,) + ridge.shape``
        Test loss of each experiment, against the clean labels.
    train_trials : ndarray, same shape
        Training loss per sample of each experiment, against the noisy labels.

    Examples
    --------
    >>> run = Simulation(np.array([1.0, 3.0]), np.array([0.5, 0.5]))
    >>> print(run.mean, run.stderr)
    2.0 1.0
    """

    trials: np.ndarray
    train_trials: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean test loss, of the shape of `ridge`."""
        return self.trials.mean(axis=0)[()]

    @property
    def stderr(self) -> np.ndarray:
        """Standard error of `mean`; not a number when there is a single trial."""
        return _standard_error(self.trials)

    @property
    def train_mean(self) -> np.ndarray:
        """Mean training loss, of the shape of `ridge`."""
        return self.train_trials.mean(axis=0)[()]

    @property
    def train_stderr(self) -> np.ndarray:
        """Standard error of `train_mean`."""
        return _standard_error(self.train_trials)


def simulate(
    model: LatentModel,
    n_features: int,
    n_samples: int,
    ridge: ArrayLike,
    *,
    n_trials: int = 20,
    activation: str = "linear",
    feature_var: float = 1.0,
    average_teacher: bool = False,
    seed: int = 0,
    executor: Executor | None = None,
    progress: bool = False,
) -> Simulation:
    r"""Train the student on data drawn from the model, again and again.

    Parameters
    ----------
    model : LatentModel
        Where latents, teacher and labels come from.
    n_features, n_samples : int
        Numbers of features :math:`N` and training samples :math:`T`.
    ridge : array_like
        Ridges :math:`\gamma \ge 0`, any shape. All of them share one factorisation a trial.
    n_trials : int, default 20
        Independent experiments; latents, teacher, noise and features are drawn anew in each.
    activation : str, default "linear"
        The feature map's activation, a key of `features.ACTIVATIONS`.
    feature_var : float, default 1
        :math:`\sigma_u^2 > 0`.
    average_teacher : bool, default False
        Average the losses of each trial over teacher and label noise, exactly, in place of drawing them: the same mean
        with less scatter. Then `ridge` at 0 needs a well-conditioned fit.
    seed : int, default 0
        Seeds every trial through `numpy.random.SeedSequence`.
    executor : concurrent.futures.Executor, optional
        Where the trials run; None runs them here, one after another. Any object with the
        standard ``submit`` will do. The result does not depend on it, beyond rounding.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    Simulation
        Has ``mean``, ``stderr`` and ``trials`` for the test loss, and the same for training.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    There is no test set and no error from one. For a linear feature map the student is a linear function of the
    latents, :math:`\hat y = \beta \cdot x` with :math:`\beta = u^\top\theta`, so its loss on fresh data is exactly
    :math:`|\Lambda^{1/2}(w - \beta)|^2`. For the other activations it is :math:`\theta^\top \Sigma \theta - 2\,\theta
    \cdot (\Xi w) + w \cdot \Lambda w` with the moments :math:`\Sigma = \mathbb{E}\varphi\varphi^\top` and :math:`\Xi =
    \mathbb{E}\varphi x^\top` of Gaussian latents (chapters 4 and 5), up to a rounding error of the order
    :math:`10^{-16}\, |\theta|^2\, \mathrm{tr}\,\Sigma`. An interrupt cancels the trials that have not begun.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> from scaling_laws.theory import test_loss
    >>> spectrum = PowerLaw(alpha=1.0, n_latent=500)
    >>> run = simulate(LatentModel(spectrum), 50, 100, [1e-4, 1e-2], n_trials=50)
    >>> bool(np.all(abs(run.mean - test_loss(spectrum, 50, 100, [1e-4, 1e-2])) < 4 * run.stderr))
    True
    """
    setting = _check_setting(model, n_features, n_samples, ridge, feature_var)
    one_of("activation", activation, ACTIVATIONS)
    if executor is not None:
        has_method("executor", executor, "submit", "such as concurrent.futures.ProcessPoolExecutor(4), or None")
    trial = _averaged_trial if average_teacher else _trial
    run, seeds = partial(trial, *setting, activation), _spawn_seeds(seed, n_trials)
    if executor is None:
        results = list(tqdm(map(run, seeds), total=n_trials, disable=not progress, unit="trial"))
    else:
        futures = []
        try:
            futures += (executor.submit(run, s) for s in seeds)
            results = [f.result() for f in tqdm(futures, disable=not progress, unit="trial")]
        finally:
            for future in futures:
                future.cancel()
    test, train = np.array(results).swapaxes(0, 1)
    return Simulation(test, train)


class ErrorParts(NamedTuple):
    r"""The test loss split by where it comes from; see `simulate_parts`. The five parts add up to the loss.

    Attributes
    ----------
    bias : ndarray
        Squared bias of the student averaged over features, samples and noise.
    features, samples : ndarray
        Variance due to the draw of the features alone, and of the samples alone.
    interaction : ndarray
        What the draws of features and samples add together, beyond the sum of the two.
    noise : ndarray
        Variance due to the label noise.

    Examples
    --------
    >>> parts = ErrorParts(*np.array([[1.0, 3.0], [0.5, 0.7], [0.2, 0.2], [0.1, 0.3], [0.0, 0.0]]))
    >>> print(parts.mean.bias, parts.stderr.bias)
    2.0 1.0
    """

    bias: np.ndarray
    features: np.ndarray
    samples: np.ndarray
    interaction: np.ndarray
    noise: np.ndarray

    @property
    def mean(self) -> ErrorParts:
        """Mean of every part over the trials."""
        return ErrorParts(*(part.mean(axis=0)[()] for part in self))

    @property
    def stderr(self) -> ErrorParts:
        """Standard errors of the means."""
        return ErrorParts(*map(_standard_error, self))


def simulate_parts(
    model: LatentModel,
    n_features: int,
    n_samples: int,
    ridge: ArrayLike,
    *,
    n_draws: int = 4,
    n_trials: int = 10,
    feature_var: float = 1.0,
    seed: int = 0,
    progress: bool = False,
) -> ErrorParts:
    r"""Measure how much of the loss is due to features, samples and noise, for linear features.

    Parameters
    ----------
    model, n_features, n_samples, ridge, feature_var, seed, progress
        As in `simulate`.
    n_draws : int, default 4
        A trial crosses this many feature maps with as many training sets; at least 2.
    n_trials : int, default 10
        Independent repetitions.

    Returns
    -------
    ErrorParts
        Named tuple of arrays of shape ``(n_trials,) + ridge.shape``, with ``mean`` and ``stderr``.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    A two-way analysis of variance (chapter 5). Without noise the student is :math:`\beta = A w`, with a matrix
    :math:`A` for every pair of a feature map and a training set; the averages over teacher and noise are exact. The
    estimates are unbiased, so a small part may come out negative in a trial. Needs memory for
    ``n_draws**2`` matrices of shape (M, M).

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> parts = simulate_parts(LatentModel(PowerLaw(1.0, 100)), 20, 20, [1e-3, 1.0])
    >>> bool(parts.mean.interaction[0] > parts.mean.interaction[1] > 0)
    True
    """
    setting = _check_setting(model, n_features, n_samples, ridge, feature_var)
    run = partial(_crossed_trial, *setting, whole_number("n_draws", n_draws, at_least=2))
    seeds = _spawn_seeds(seed, n_trials)
    trials = np.array([run(s) for s in tqdm(seeds, disable=not progress, unit="trial")])
    return ErrorParts(*trials.swapaxes(0, 1).reshape(5, len(seeds), *np.shape(ridge)))


def _check_setting(model, n_features, n_samples, ridge, feature_var) -> tuple:
    """The arguments that all experiments share, checked."""
    if not isinstance(model, LatentModel):
        raise ValueError(f"model must be a LatentModel; got {type(model).__name__}")
    n_features, n_samples = whole_number("n_features", n_features), whole_number("n_samples", n_samples)
    ridge = real_array("ridge", ridge, at_least=0)
    return model, n_features, n_samples, ridge, real_number("feature_var", feature_var, above=0)


def _spawn_seeds(seed, n_trials) -> list[np.random.SeedSequence]:
    """One independent seed for every trial."""
    sequence = np.random.SeedSequence(whole_number("seed", seed, at_least=0, at_most=MAX_SEED))
    return sequence.spawn(whole_number("n_trials", n_trials))


def _crossed_trial(model, n_features, n_samples, ridge, feature_var, n_draws, seed) -> np.ndarray:
    """The five parts, for every ridge, from crossing some feature maps with some training sets."""
    rng = np.random.default_rng(seed)
    n_latent, scale = model.spectrum.n_latent, np.sqrt(model.spectrum.eigenvalues)
    teacher = np.sqrt(model.task_weights)
    maps = [RandomFeatures.draw(n_features, n_latent, rng, feature_var=feature_var) for _ in range(n_draws)]
    sets = [model.draw_latents(n_samples, rng) for _ in range(n_draws)]
    pairs = [(i, j, *_factorise(maps[i], sets[j], scale)) for i in range(n_draws) for j in range(n_draws)]

    parts = []
    for gamma in ridge.flat:
        errors, noise = np.empty((n_draws, n_draws, n_latent, n_latent)), 0.0
        for i, j, onto_latents, singular, of_samples in pairs:
            student = onto_latents * shrunk_inverse(singular, gamma, (n_samples, n_features))
            # 1 - A, weighted by the deviations of the latents and of the teacher
            errors[i, j] = (np.diag(scale) - student @ of_samples) * teacher
            noise += model.noise_var * np.sum(student**2) / n_draws**2
        parts.append([*model.weight_var * _analysis_of_variance(errors), noise])
    return np.array(parts).T


def _factorise(feature_map, latents, scale) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Singular values of the features, with their directions seen from the (weighted) latents and from the samples."""
    left, singular, right = np.linalg.svd(feature_map(latents), full_matrices=False)
    return (right @ feature_map.weights * scale).T, singular, left.T @ latents


def _analysis_of_variance(cells: np.ndarray) -> np.ndarray:
    """Unbiased squared mean, row variance, column variance and interaction of an n x n table of vectors."""
    n = len(cells)
    means = cells, cells.mean(axis=1), cells.mean(axis=0), cells.mean(axis=(0, 1))
    all_cells, rows, columns, grand = (np.vdot(mean, mean) for mean in means)
    interaction = (all_cells - n * rows - n * columns + n**2 * grand) / (n - 1) ** 2
    row = (rows - n * grand) / (n - 1) - interaction / n
    column = (columns - n * grand) / (n - 1) - interaction / n
    bias = grand - (row + column) / n - interaction / n**2
    return np.array([bias, row, column, interaction])


def _trial(model, n_features, n_samples, ridge, feature_var, activation, seed) -> tuple[np.ndarray, np.ndarray]:
    """One experiment: its test and training loss for every ridge."""
    rng = np.random.default_rng(seed)
    spectrum = model.spectrum
    teacher = model.draw_teacher(rng)
    latents = model.draw_latents(n_samples, rng)
    labels = model.draw_labels(latents, teacher, rng)
    feature_map = RandomFeatures.draw(
        n_features, spectrum.n_latent, rng, activation=activation, feature_var=feature_var
    )
    features = feature_map(latents)
    coefficients = ridge_path(features, labels, ridge)
    if activation == "linear":
        student = coefficients @ feature_map.weights
        test = ((student - teacher) ** 2) @ spectrum.eigenvalues
    else:
        explained = coefficients @ (feature_map.latent_moment(spectrum) @ teacher)
        second_moment = feature_map.second_moment(spectrum)
        square = np.sum((coefficients @ second_moment) * coefficients, axis=-1)
        test = square - 2 * explained + teacher**2 @ spectrum.eigenvalues
    train = np.mean((coefficients @ features.T - labels) ** 2, axis=-1)
    return test, train


def _averaged_trial(model, n_features, n_samples, ridge, feature_var, activation, seed) -> np.ndarray:
    """The same losses, averaged over teacher and label noise: theta = C w, and the loss is a trace."""
    rng = np.random.default_rng(seed)
    spectrum, teacher = model.spectrum, model.weight_var * model.task_weights
    latents = model.draw_latents(n_samples, rng)
    feature_map = RandomFeatures.draw(
        n_features, spectrum.n_latent, rng, activation=activation, feature_var=feature_var
    )
    features = feature_map(latents)
    left, singular, right = np.linalg.svd(features, full_matrices=False)
    shrunk = shrunk_inverse(singular, ridge[..., None], features.shape)
    seen = left.T @ latents
    taught = (seen * teacher) @ seen.T  # the average of what the fit sees of the labels, without noise
    of_features, of_latents = feature_map.second_moment(spectrum), feature_map.latent_moment(spectrum)
    square = right @ of_features @ right.T
    explained = shrunk @ np.vecdot(right @ of_latents, seen * teacher)
    noise = model.noise_var * (shrunk**2 @ np.diag(square))
    test = np.vecdot(shrunk @ (square * taught), shrunk) - 2 * explained + teacher @ spectrum.eigenvalues + noise
    left_over = (1 - singular * shrunk) ** 2
    outside = np.maximum(np.sum(latents**2 @ teacher) - np.trace(taught), 0)  # the labels' part that no feature reaches
    train = left_over @ (np.diag(taught) + model.noise_var) + outside + model.noise_var * (n_samples - singular.size)
    return np.array([test, train / n_samples])


def _standard_error(trials: np.ndarray) -> np.ndarray:
    if len(trials) == 1:
        return np.full(trials.shape[1:], np.nan)[()]
    return (trials.std(axis=0, ddof=1) / np.sqrt(len(trials)))[()]

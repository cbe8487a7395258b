"""Monte-Carlo experiments: draw the model, fit it, measure its loss exactly.

Stands beside chapter 5 of the book.
"""

from __future__ import annotations

import itertools
import math
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from queue import SimpleQueue
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from . import __version__
from ._libraries import array_library, check_library, to_library, to_numpy
from ._progress import progress_bar
from ._results import SETTING, ResultsFile
from ._validation import MAX_SEED, has_method, one_of, real_array, real_number, refuse_masked, whole_number
from .features import ACTIVATIONS, RandomFeatures
from .latent import LatentModel
from .regression import ridge_path, shrunk_inverse
from .spectra import PowerLaw
from .theory import test_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CALL_FLOPS = 4 * 10**9  # trials that take less go together, in calls of about a third of a second
MOST_WAITING = 1000  # calls at an executor, at a time
SYMBOLS = {
    "n_features": "$N$",
    "n_samples": "$T$",
    "activation": "",
    "noise_var": r"$\sigma_\varepsilon^2$",
    "task_exponent": "$b$",
    "ridge": r"$\gamma$",
}
MOST_KEPT = 2**24  # latents of a training set, 128 MiB: more are drawn again when they are needed again


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
    xp: ModuleType | None = None,
    device: object = None,
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
    xp : module, optional
        An array library that follows the Python array API standard, such as ``torch`` or ``cupy``, for the products
        and the factorisations; NumPy by default. Draws are NumPy's, so the result does not depend on it, beyond
        rounding. The moments of nonlinear features are NumPy's too. PyTorch needs an executor of spawned processes.
    device : object, optional
        Where the library puts its arrays, such as ``"cuda"``; by default where it always does.

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
    :math:`10^{-16}\, |\theta|^2\, \mathrm{tr}\,\Sigma`. An interrupt cancels the trials that have not begun. A trial
    holds the feature weights, :math:`NM` numbers, a block of latents, and a few matrices of the size of the features;
    with `average_teacher` two more of :math:`\min(N, T)\, M`.

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
    _check_executor(executor)
    trial = _averaged_trial if average_teacher else _trial
    run = partial(trial, *setting, activation, check_library(xp, device))
    calls = [(s,) for s in _spawn_seeds(seed, n_trials)]
    found = dict(progress_bar(_completed(executor, run, calls), total=n_trials, progress=progress, unit="trial"))
    test, train = np.array([found[call] for call in calls]).swapaxes(0, 1)
    return Simulation(test, train)


@dataclass(frozen=True, eq=False)
class Sweep(Simulation):
    """Losses of repeated experiments for many settings; see `sweep`.

    Attributes
    ----------
    trials, train_trials : ndarray, shape ``(n_trials, *settings, *ridges)``
        As in `Simulation`.
    model : LatentModel
        Of which the settings may change label noise and task.
    settings : dict from str to ndarray
        ``n_features``, ``n_samples``, ``activation``, ``noise_var`` and ``task_exponent`` of every setting, ``seed``,
        with which `simulate` gives the same trials, and ``ridge``; all of the shape of `mean`.
    feature_var : float
        :math:`\\sigma_u^2`.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> run = sweep(LatentModel(PowerLaw(1.0, 100)), [10, 20], 15, [1e-3, 1e-1])
    >>> run.settings["n_features"]
    array([[10, 10],
           [20, 20]])
    >>> sorted(run.table())[:3]
    ['activation', 'mean', 'n_features']
    """

    model: LatentModel
    settings: dict[str, np.ndarray]
    feature_var: float

    @property
    def theory(self) -> np.ndarray:
        """Test loss by `theory.test_loss`, of the shape of `mean`; not a number where features are not linear."""
        return _theory(self.model, self.feature_var, self.settings)

    def table(self) -> dict[str, np.ndarray]:
        """Columns, one row for every setting and ridge, that ``pandas.DataFrame`` and ``polars.DataFrame`` take.

        Returns
        -------
        dict from str to ndarray, shape (n_rows,)
            `settings`, and ``mean``, ``stderr``, ``train_mean``, ``train_stderr`` and ``theory``.
        """
        names = ("mean", "stderr", "train_mean", "train_stderr", "theory")
        return {name: np.ravel(a) for name, a in (*self.settings.items(), *((n, getattr(self, n)) for n in names))}

    def plot(self, axes: Axes, x: str = "n_samples") -> None:
        """Draw the test loss against a setting: theory as a line, simulation as dots with bars of two standard errors.

        Parameters
        ----------
        axes : matplotlib.axes.Axes
            Where to draw.
        x : str, default "n_samples"
            The abscissa, a key of `settings` that varies. There is a line for every combination of the others.

        Raises
        ------
        ValueError
            If `x` is none of those.
        """
        from .plotting import plot_simulation

        table, varying = self.table(), [name for name in SYMBOLS if np.unique(self.settings[name]).size > 1]
        one_of("x", x, [name for name in varying if name != "activation"])
        others = [name for name in varying if name != x]
        lines: dict[tuple, list[int]] = {}
        for row in range(table[x].size):
            lines.setdefault(tuple(table[name][row] for name in others), []).append(row)
        on_log = table[x].min() > 0
        for number, (values, rows) in enumerate(lines.items()):
            rows = sorted(rows, key=table[x].__getitem__)
            label, color = ", ".join(map(_label, others, values)), f"C{number}"
            ends = table[x][[rows[0], rows[-1]]]
            fine = np.geomspace(*ends, 100) if on_log else np.linspace(*ends, 100)
            between = {name: np.full(fine.size, self.settings[name].flat[rows[0]]) for name in SYMBOLS} | {x: fine}
            axes.plot(fine, _theory(self.model, self.feature_var, between), color=color, label=label)
            plot_simulation(axes, *(table[name][rows] for name in (x, "mean", "stderr")), color=color)
        axes.set(xscale="log" if on_log else "linear", yscale="log", xlabel=SYMBOLS[x], ylabel="test loss")
        if others:
            axes.legend()


def _theory(model, feature_var, settings) -> np.ndarray:
    """Test loss of settings with linear features, not a number for the others."""
    loss = np.full(np.shape(settings["ridge"]), np.nan)
    linear = settings["activation"] == "linear"
    for b in np.unique(settings["task_exponent"][linear]):
        here = linear & (settings["task_exponent"] == b)
        n, t, ridge, noise_var = (settings[name][here] for name in ("n_features", "n_samples", "ridge", "noise_var"))
        variances = {"weight_var": model.weight_var, "noise_var": noise_var, "feature_var": feature_var}
        loss[here] = test_loss(model.spectrum, n, t, ridge, task_exponent=b, **variances)
    return loss[()]


def _label(name: str, value) -> str:
    return value if name == "activation" else f"{SYMBOLS[name]} = {value:g}"


def sweep(
    model: LatentModel,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    ridge: ArrayLike,
    *,
    path: str | os.PathLike | None = None,
    activation: ArrayLike = "linear",
    noise_var: ArrayLike | None = None,
    task_exponent: ArrayLike | None = None,
    n_trials: int = 20,
    feature_var: float = 1.0,
    average_teacher: bool = False,
    seed: int = 0,
    executor: Executor | None = None,
    progress: bool = False,
    xp: ModuleType | None = None,
    device: object = None,
) -> Sweep:
    r"""`simulate` for a grid of settings, with a file from which a sweep that was stopped goes on.

    Parameters
    ----------
    model : LatentModel
        Where latents, teacher and labels come from.
    n_features, n_samples : array_like of int
        Numbers of features :math:`N` and training samples :math:`T`. With `activation`, `noise_var` and
        `task_exponent` they broadcast to the settings.
    ridge : array_like
        Ridges :math:`\gamma \ge 0`. The last axis holds those of one setting, which share a factorisation; axes before
        it broadcast with the settings.
    path : str or os.PathLike, optional
        The file that gets the losses of every trial when it is done; None keeps them in memory only. If it exists, its
        trials are not run again. Columns are described in the notes.
    activation : array_like of str, default "linear"
        Keys of `features.ACTIVATIONS`.
    noise_var, task_exponent : array_like, optional
        As in `LatentModel`; the model's by default.
    n_trials : int, default 20
        Independent experiments for each setting. More trials continue fewer.
    feature_var, average_teacher, executor, progress, xp, device
        As in `simulate`.
    seed : int, default 0
        With the setting itself it makes the setting's own seed, so that a trial's numbers depend neither on the grid
        around it nor on order, executor or restart.

    Returns
    -------
    Sweep
        Has ``mean``, ``stderr``, ``trials``, the same for training, ``table()`` and ``plot(axes)``.

    Raises
    ------
    ValueError
        If an argument is outside its range, settings occur twice, the file is of another sweep, or the executor is
        closed.
    OSError
        If the file cannot be read and written, or another sweep writes to it. When a disk is full, the file ends with
        a complete trial.

    Warns
    -----
    UserWarning
        If lines of the file are damaged: they are moved to another one, and their trials run again.

    Notes
    -----
    A line of the file is one ridge of one trial: ``version`` of the library, ``spectrum``, ``weight_var``,
    ``feature_var``, ``average_teacher``, ``base_seed`` (`seed` here), ``n_features``, ``n_samples``, ``activation``,
    ``noise_var``, ``task_exponent``, ``seed`` of the setting (with it `simulate` gives the same trials), ``trial`` from
    0 on, ``ridge``, ``test_loss``, ``train_loss`` and ``check``, the CRC-32 of what stands before it. Costly settings
    come first. An interrupt cancels what has not begun; a kill loses the trials under way.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> run = sweep(LatentModel(PowerLaw(1.0, 300)), [[20], [40]], [20, 40, 80], 1e-3, n_trials=50)
    >>> run.mean.shape, bool(np.all(abs(run.mean - run.theory) < 4 * run.stderr + 0.05 * run.theory))
    ((2, 3), True)
    """
    settings, shape, ridge_shape = _grid(model, n_features, n_samples, activation, noise_var, task_exponent, ridge)
    feature_var, n_trials = real_number("feature_var", feature_var, above=0), whole_number("n_trials", n_trials)
    base_seed = whole_number("seed", seed, at_least=0, at_most=MAX_SEED)
    run = partial(_some_trials, _averaged_trial if average_teacher else _trial, feature_var, check_library(xp, device))
    _check_executor(executor)

    same = (_name(model.spectrum), *map(repr, (model.weight_var, feature_var, bool(average_teacher), base_seed)))
    seeds = [_seed_of(*same, *setting.key) for setting in settings]
    ridges = [tuple(map(repr, setting.ridges)) for setting in settings]
    expected = {setting.key: pair for setting, *pair in zip(settings, map(str, seeds), ridges, strict=True)}
    if len(expected) < len(settings):
        ((twice, _),) = Counter(setting.key for setting in settings).most_common(1)
        raise ValueError(
            f"n_features and the like must give a setting once, for its trials are the same; {_named(twice)} twice"
        )

    with ResultsFile(path, (__version__, *same), expected) as results:
        calls = list(_calls(settings, seeds, n_trials, results.trials))
        total = n_trials * sum(setting.flops for setting in settings)
        left = sum(len(numbers) * setting.flops for setting, _, numbers in calls)
        with progress_bar(total=total, initial=total - left, progress=progress, unit="flop", unit_scale=True) as bar:
            for (setting, _, numbers), losses in _completed(executor, run, calls):
                results.append(setting.key, numbers, losses)
                bar.update(len(numbers) * setting.flops)
    found = [[results.trials[setting.key, k] for setting in settings] for k in range(n_trials)]
    test, train = np.moveaxis(np.array(found), 2, 0).reshape(2, n_trials, *shape, *ridge_shape)
    columns = {name: [getattr(setting, name) for setting in settings] for name in SETTING} | {"seed": seeds}
    columns = {name: np.reshape(values, shape + (1,) * len(ridge_shape)) for name, values in columns.items()}
    columns["ridge"] = np.reshape([setting.ridges for setting in settings], test.shape[1:])
    table = {name: np.broadcast_to(values, test.shape[1:]) for name, values in columns.items()}
    return Sweep(test, train, model, table, feature_var)


@dataclass(frozen=True)
class _Setting:
    """One setting of a sweep, with its ridges."""

    model: LatentModel
    n_features: int
    n_samples: int
    activation: str
    ridges: tuple[float, ...]

    noise_var = property(lambda self: self.model.noise_var)
    task_exponent = property(lambda self: self.model.task_exponent)

    @property
    def key(self) -> tuple[str, ...]:
        """The setting as a file has it."""
        return tuple(str(getattr(self, name)) for name in SETTING)

    @property
    def flops(self) -> int:
        return trial_cost(self.model.spectrum.n_latent, self.n_features, self.n_samples, self.activation)[0]


def _grid(model, n_features, n_samples, activation, noise_var, task_exponent, ridge) -> tuple[list, tuple, tuple]:
    """All settings, and the shapes of the grid and of the ridges of a setting."""
    if not isinstance(model, LatentModel):
        raise ValueError(f"model must be a LatentModel; got {type(model).__name__}")
    ridge = real_array("ridge", ridge, at_least=0) + 0.0  # not -0
    arrays = {
        "n_features": n_features,
        "n_samples": n_samples,
        "activation": activation,
        "noise_var": model.noise_var if noise_var is None else noise_var,
        "task_exponent": model.task_exponent if task_exponent is None else task_exponent,
    }
    for name, value in arrays.items():
        refuse_masked(name, value)
    arrays = {name: np.asarray(value, dtype=object) for name, value in arrays.items()}
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()), ridge.shape[:-1])
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(
            f"ridge must have axes before its last that fit the others': {shapes}, ridge {ridge.shape}"
        ) from None
    if 0 in shape or not ridge.size:
        raise ValueError(
            f"n_features and the like must give a setting, and ridge a ridge; got shapes {shape}, {ridge.shape}"
        )
    ridges = np.broadcast_to(ridge, shape + ridge.shape[-1:]).reshape(math.prod(shape), -1)
    if any(np.unique(row).size < row.size for row in np.unique(ridges, axis=0)):
        raise ValueError("ridge must give every ridge of a setting once")
    settings = []
    columns = (np.broadcast_to(array, shape).flat for array in arrays.values())
    for n, t, name, noise, task, row in zip(*columns, ridges.tolist(), strict=True):
        of_setting = replace(model, noise_var=noise, task_exponent=task)
        n, t = whole_number("n_features", n), whole_number("n_samples", t)
        settings.append(_Setting(of_setting, n, t, one_of("activation", name, ACTIVATIONS), tuple(row)))
    return settings, shape, ridge.shape[-1:]


def _name(spectrum) -> str:
    """A spectrum as a file has it: a list of eigenvalues by its length and a hash."""
    if isinstance(spectrum, PowerLaw):
        return repr(spectrum)
    digest = sha256(spectrum.eigenvalues.tobytes()).hexdigest()[:16]
    return f"{type(spectrum).__name__}({spectrum.n_latent} eigenvalues, SHA-256 {digest})"


def _seed_of(*texts: str) -> int:
    """A seed below 2^60 that all the texts decide."""
    return int(sha256("\n".join(texts).encode()).hexdigest()[:15], 16)


def _calls(settings, seeds, n_trials, done) -> Iterator[tuple[_Setting, int, list[int]]]:
    """The trials that are not done, costly ones first; cheap ones of a setting go together."""
    for setting, seed in sorted(zip(settings, seeds, strict=True), key=lambda pair: pair[0].flops, reverse=True):
        numbers = [k for k in range(n_trials) if (setting.key, k) not in done]
        at_once = max(1, CALL_FLOPS // setting.flops)
        yield from ((setting, seed, numbers[start : start + at_once]) for start in range(0, len(numbers), at_once))


def _some_trials(trial, feature_var, library, setting, seed, numbers) -> np.ndarray:
    """Losses of some trials of a setting, shape (n_trials, 2, n_ridges)."""
    arguments = (setting.model, setting.n_features, setting.n_samples, np.array(setting.ridges), feature_var)
    seeds = (np.random.SeedSequence(seed, spawn_key=(k,)) for k in numbers)
    return np.array([trial(*arguments, setting.activation, library, s) for s in seeds])


def _completed(executor, run, calls) -> Iterator[tuple[tuple, object]]:
    """Calls with their results, as these come. What has not begun when this ends is cancelled."""
    if executor is None:
        for call in calls:
            with _naming(call):
                result = run(*call)
            yield call, result
        return
    waiting, finished, calls = {}, SimpleQueue(), iter(calls)
    try:
        while True:
            for call in itertools.islice(calls, MOST_WAITING - len(waiting)):
                future = _submit(executor, run, *call)
                waiting[future] = call
                future.add_done_callback(finished.put)
            if not waiting:
                return
            future = finished.get()
            with _naming(call := waiting.pop(future)):
                result = future.result()
            yield call, result
    except (BrokenExecutor, CancelledError) as error:
        raise RuntimeError(f"executor has lost its workers ({error or type(error).__name__}): start another") from error
    finally:
        for future in waiting:
            future.cancel()


@contextmanager
def _naming(call):
    """What a trial raises says in which setting."""
    try:
        yield
    except Exception as error:
        if isinstance(call[0], _Setting):
            error.add_note(
                f"In a trial with {_named(call[0].key)}. What was done before is in the file, if there is one."
            )
        raise


def _named(key) -> str:
    return ", ".join(map(" = ".join, zip(SETTING, key, strict=True)))


def _submit(executor, function, *arguments):
    try:
        return executor.submit(function, *arguments)
    except BrokenExecutor:
        raise
    except Exception as error:  # each library has its own
        raise ValueError(f"executor must be open; it says {error}") from error


def _check_executor(executor) -> None:
    if executor is not None:
        has_method("executor", executor, "submit", "such as concurrent.futures.ProcessPoolExecutor(4), or None")


def trial_cost(n_latent: int, n_features: int, n_samples: int, activation: str = "linear") -> tuple[int, int]:
    r"""What a trial of `simulate` costs.

    Parameters
    ----------
    n_latent, n_features, n_samples : int
        :math:`M`, :math:`N` and :math:`T`.
    activation : str, default "linear"
        A key of `features.ACTIVATIONS`.

    Returns
    -------
    flops, n_bytes : int
        Floating-point operations, and bytes of the arrays that are held at a time.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    With :math:`k = \min(N, T)`: :math:`2NTM` operations for the features, :math:`2NTk` for their Gram matrix, about
    :math:`9k^3` for its eigenvectors, and some 20 for each of the :math:`(N + T) M` normal numbers. If the
    features are not linear, :math:`2N^2M` for their second moments, and the weights once more.

    Examples
    --------
    >>> flops, n_bytes = trial_cost(50_000, 4000, 4000)
    >>> print(f"{flops:.2g} operations, {n_bytes / 1e9:.2g} GB")
    2.3e+12 operations, 2.2 GB
    """
    m, n = whole_number("n_latent", n_latent), whole_number("n_features", n_features)
    t = whole_number("n_samples", n_samples)
    smaller, moments = min(n, t), one_of("activation", activation, ACTIVATIONS) != "linear"
    flops = 2 * n * t * (m + smaller) + 9 * smaller**3 + 20 * (n + t) * m + moments * 2 * n**2 * m
    return flops, 8 * (n * m * (1 + moments) + min(MOST_KEPT, t * m) + 2 * n * t + 2 * smaller**2)


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
    trials = np.array([run(s) for s in progress_bar(seeds, progress=progress, unit="trial")])
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


def _trial(model, n_features, n_samples, ridge, feature_var, activation, library, seed) -> np.ndarray:
    """One experiment: its test and training loss for every ridge."""
    array, rng, spectrum = partial(to_library, *library), np.random.default_rng(seed), model.spectrum
    teacher = model.draw_teacher(rng)
    latents = _Latents(model, n_samples, rng)
    signal = np.concatenate([block @ teacher for block in latents.drawn()])
    labels = array(signal + np.sqrt(model.noise_var) * rng.standard_normal(n_samples))
    feature_map = RandomFeatures.draw(
        n_features, spectrum.n_latent, rng, activation=activation, feature_var=feature_var
    )
    weights = array(feature_map.weights)
    features = _features(activation, weights, map(array, latents.drawn_again()))
    coefficients = ridge_path(features, labels, ridge)
    train = np.mean(to_numpy(coefficients @ features.T - labels) ** 2, axis=-1)
    if activation == "linear":
        test = (to_numpy(coefficients @ weights) - teacher) ** 2 @ spectrum.eigenvalues
    else:
        coefficients = to_numpy(coefficients)
        explained = coefficients @ feature_map.correlation_with(teacher, spectrum)
        second_moment = feature_map.second_moment(spectrum)
        square = np.sum((coefficients @ second_moment) * coefficients, axis=-1)
        test = square - 2 * explained + teacher**2 @ spectrum.eigenvalues
    return np.array([test, train])


def _averaged_trial(model, n_features, n_samples, ridge, feature_var, activation, library, seed) -> np.ndarray:
    """The same losses, averaged over teacher and label noise: theta = C w, and the loss is a trace."""
    array, rng, spectrum = partial(to_library, *library), np.random.default_rng(seed), model.spectrum
    teacher = model.weight_var * model.task_weights
    latents = _Latents(model, n_samples, rng)
    power = sum(np.sum(block**2 @ teacher) for block in latents.drawn())
    feature_map = RandomFeatures.draw(
        n_features, spectrum.n_latent, rng, activation=activation, feature_var=feature_var
    )
    features = _features(activation, array(feature_map.weights), map(array, latents.drawn_again()))
    xp = array_library(features)
    left, singular, right = xp.linalg.svd(features, full_matrices=False)
    blocks = zip(latents.rows, map(array, latents.drawn_again()), strict=True)
    seen = sum(left[rows, :].T @ block for rows, block in blocks)
    weighted = seen * array(teacher)
    taught = to_numpy(weighted @ seen.T)  # the average of what the fit sees of the labels, without noise
    if activation == "linear":
        basis = right @ array(feature_map.weights)
        spread = basis * array(spectrum.eigenvalues)
        known, square = xp.sum(spread * weighted, axis=-1), spread @ basis.T
    else:
        known = xp.sum(right @ array(feature_map.latent_moment(spectrum)) * weighted, axis=-1)
        square = right @ array(feature_map.second_moment(spectrum)) @ right.T
    known, square = to_numpy(known), to_numpy(square)

    singular = to_numpy(singular)
    shrunk = shrunk_inverse(singular, ridge[..., None], features.shape)
    noise = model.noise_var * (shrunk**2 @ np.diag(square))
    test = np.vecdot(shrunk @ (square * taught), shrunk) - 2 * shrunk @ known + teacher @ spectrum.eigenvalues + noise
    left_over = (1 - singular * shrunk) ** 2
    outside = np.maximum(power - np.trace(taught), 0)  # the labels' part that no feature reaches
    train = left_over @ (np.diag(taught) + model.noise_var) + outside + model.noise_var * (n_samples - singular.size)
    return np.array([test, train / n_samples])


class _Latents:
    """The latents of a training set, in blocks of rows. Many are not kept: they are drawn twice."""

    def __init__(self, model, n_samples, rng):
        size = max(1, MOST_KEPT // model.spectrum.n_latent)
        self.rows = [slice(start, min(start + size, n_samples)) for start in range(0, n_samples, size)]
        self.model, self.rng = model, rng
        self.kept = [model.draw_latents(n_samples, rng)] if len(self.rows) == 1 else None
        self.before = None if self.kept else deepcopy(rng)

    def drawn(self):
        return self.kept or self._blocks(self.rng)

    def drawn_again(self):
        return self.kept or self._blocks(deepcopy(self.before))

    def _blocks(self, rng):
        return (self.model.draw_latents(rows.stop - rows.start, rng) for rows in self.rows)


def _features(activation, weights, blocks):
    """Features of blocks of latents, a sample a row."""
    return ACTIVATIONS[activation](array_library(weights).concat([block @ weights.T for block in blocks]))


def _standard_error(trials: np.ndarray) -> np.ndarray:
    if len(trials) == 1:
        return np.full(trials.shape[1:], np.nan)[()]
    return (trials.std(axis=0, ddof=1) / np.sqrt(len(trials)))[()]

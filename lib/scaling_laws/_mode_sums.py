"""Sums over the modes of a spectrum, for `spectra`: of a list, and of power laws of any length.

With f = lambda/(lambda + delta) and g = 1 - f, everything here is a sum over ranks I of f^p g^q. The method is that of
chapter 2: some terms one by one, the others by the Euler-Maclaurin formula.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np
from scipy.special import hyp2f1

N_HEAD = 64  # terms summed one by one before the Euler-Maclaurin formula takes over; so far off it keeps every pole
MAX_DIRECT = 512  # latents beyond these whose sums are still added term by term
BLOCK = 10_000  # most terms held in memory at once: few enough for the cache of a processor
NODES, WIDTH = 24, 8.0  # Gauss-Legendre nodes of a panel, and its width as a change of the logarithm of the eigenvalue
NEAR_POLE, MOVE = 64, 128  # an end of the Euler-Maclaurin formula this close to a pole is moved away so far
# what an end adds to the integral, in backward differences of order 0, 1, 2, ... of the terms there (Gregory)
DIFFERENCES = [1 / 2, 1 / 12, 1 / 24, 19 / 720, 3 / 160, 863 / 60480, 275 / 24192]
DIFFERENCES += [33953 / 3628800, 8183 / 1036800, 3250433 / 479001600]
# the same in the terms themselves, from the end on
GREGORY = np.array([sum((-1) ** k * comb(j, k) * c for j, c in enumerate(DIFFERENCES)) for k in range(10)])


@lru_cache(maxsize=1024)
def weighted_ranks(alpha: float, n_latent: int, first: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Ranks and weights: a sum over I = first .. n_latent is the weighted sum over these few hundred ranks.

    The head counts each rank once. After it the Euler-Maclaurin formula, in Gregory's form: the half terms and
    derivatives at its two ends are differences of terms, so they only change weights. The integral is taken in panels
    of log I. As functions of I the terms have poles, at the angle pi/(1 + alpha) from the real axis; the head is so
    long that all of them are N_HEAD ranks away from its end.
    """
    a = 1 + alpha
    n_head = int(np.ceil(N_HEAD / np.sin(np.pi / max(a, 2))))
    if n_latent < first + n_head + MAX_DIRECT:
        ranks = np.arange(float(first), n_latent + 1)
        return _read_only(ranks, np.ones(ranks.size))

    head, weights = first + np.arange(float(n_head)), np.ones(n_head)
    weights[: -GREGORY.size - 1 : -1] -= GREGORY
    last = n_latent - np.arange(float(GREGORY.size))

    nodes, gauss = np.polynomial.legendre.leggauss(NODES)
    length = np.log(n_latent / head[-1])
    edges = np.log(head[-1]) + np.linspace(0, length, 1 + int(np.ceil(a * length / WIDTH)))
    half = np.diff(edges)[:, None] / 2
    middle = np.exp(edges[:-1, None] + half * (1 + nodes))
    ranks = np.concatenate([head, middle.ravel(), last])
    return _read_only(ranks, np.concatenate([weights, (half * gauss * middle).ravel(), GREGORY]))


def _read_only(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    for array in arrays:
        array.flags.writeable = False
    return arrays


def weighted_sums(levels: np.ndarray, weights: list[np.ndarray], delta: np.ndarray, exponents) -> np.ndarray:
    """The sums over `levels` of f^p g^q, each pair (p, q) with its weights, stacked before the axes of `delta`."""
    flat = delta.ravel()
    rows = max(1, BLOCK // levels.size)
    sums = np.empty((len(exponents), delta.size))
    # levels + delta as a product of two matrices, in half the time that numpy takes to add a row to a column
    left, right = np.stack([np.ones_like(flat), flat], axis=1), np.stack([levels, np.ones_like(levels)])
    for start in range(0, delta.size, rows):
        part = slice(start, start + rows)
        h = left[part] @ right
        np.divide(1, h, out=h)
        terms = {(0, 1): h, (1, 0): levels * h}  # g = delta h: the factor delta comes last, but for higher powers
        for row, (p, q), weight in zip(sums, exponents, weights, strict=True):
            row[part] = np.vecdot(_term(terms, flat[part, None], p, q), weight)
    for row, (_, q) in zip(sums, exponents, strict=True):
        if q:
            row *= flat
    return sums.reshape(len(exponents), *delta.shape)


def _term(terms: dict[tuple[int, int], np.ndarray], delta: np.ndarray, p: int, q: int) -> np.ndarray:
    """f^p g^q, over delta if g occurs, from the products that are there."""
    if (p, q) not in terms:
        if q == 0:
            terms[p, q] = _term(terms, delta, p - 1, 0) * terms[1, 0]
        elif q == 1:
            terms[p, q] = _term(terms, delta, p, 0) * terms[0, 1]
        else:
            terms[p, q] = _term(terms, delta, p, q - 1) * (terms[0, 1] * delta)
    return terms[p, q]


def continued_power_law_sums(alpha: float, n_latent: int, scale: float, delta: np.ndarray) -> np.ndarray:
    """The sums of f, g and f g, stacked, for complex `delta`: imaginary part >= 0, or real and none of -lambda_I.

    As a function of I, f has a simple pole at I_*, where the eigenvalue is -delta. The Euler-Maclaurin formula holds
    as before, with the integral as a hypergeometric function, if its ends keep away from I_*. What it then leaves out
    is exponentially small in the distance of I_* from the real axis, and known (see the toolbox): with the residue
    r = -I_*/a of f it is C = 2 pi i r / (exp(-2 pi i I_*) - 1). For g it is -C, for f g = -delta df/d(delta) it
    is -delta dC/d(delta).
    """
    a, last = 1 + alpha, float(n_latent)
    shape, delta = delta.shape, delta.ravel() / scale
    pole = (-1 / delta) ** (1 / a)
    lower = np.where(abs(pole - N_HEAD) < NEAR_POLE, N_HEAD + MOVE, N_HEAD)
    upper = np.where(abs(pole - last) < NEAR_POLE, last - MOVE, last)

    sums = _continued_integral(a, upper, delta) - _continued_integral(a, lower, delta)
    for ends in {*zip(lower, upper, strict=True)}:
        here = (lower == ends[0]) & (upper == ends[1])
        sums[:, here] += continued_direct_sums(*_terms_at_ends(a, last, *ends), delta[here])

    inside = (lower < pole.real) & (pole.real < upper)
    phase = np.exp(2j * np.pi * np.where(inside, pole, 1j))
    missing = -2j * np.pi / a * inside * pole * phase / (1 - phase)
    sums += missing * np.array([np.ones_like(pole), -np.ones_like(pole), (1 + 2j * np.pi * pole / (1 - phase)) / a])
    return np.where(delta.imag == 0, sums.real, sums).reshape(3, *shape)


@lru_cache
def _terms_at_ends(a: float, last: float, lower: int, upper: float) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and weights of all but the integral from `lower` to `upper`."""
    head, middle, beyond = np.arange(1.0, lower + 1), upper - np.arange(GREGORY.size), np.arange(upper + 1, last + 1)
    weights = np.ones(head.size)
    weights[: -GREGORY.size - 1 : -1] -= GREGORY
    ranks = np.concatenate([head, middle, beyond])
    return _read_only(ranks**-a, np.concatenate([weights, GREGORY, np.ones(beyond.size)]))


def continued_direct_sums(levels: np.ndarray, weights: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """The weighted sums over `levels` of f, g and f g, stacked, for complex `delta`."""
    flat, weights = delta.reshape(-1, 1), weights.astype(complex)
    rows = max(1, BLOCK // levels.size)
    sums = np.empty((3, delta.size), complex)
    for start in range(0, delta.size, rows):
        part = slice(start, start + rows)
        inverse = 1 / (levels + flat[part])
        sums[0, part] = np.vecdot(weights * levels, inverse)
        sums[1, part] = np.vecdot(weights, inverse)
        sums[2, part] = np.vecdot(weights * levels, inverse**2)
    sums[1:] *= delta.ravel()
    return sums.reshape(3, *delta.shape)


def _continued_integral(a: float, end: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """The integrals of f, g and f g over ranks from 0 to `end`, by the hypergeometric function."""
    b, w = 1 / a, -(end**a) * delta
    early = abs(w) < 1  # the end lies before the crossover: g is the smaller part of f + g = 1, else f
    shift = np.where(early, 1 + b, b)
    less = end * hyp2f1(1, shift, 1 + shift, w) * np.where(early, -w * b / (1 + b), 1)
    of_f, of_g = np.where(early, end - less, less), np.where(early, less, end - less)
    of_fg = b * np.where(early, -end * w / (1 - w) - of_g, of_f - end / (1 - w))  # by parts: end * g or end * f
    return np.array([of_f, of_g, of_fg])

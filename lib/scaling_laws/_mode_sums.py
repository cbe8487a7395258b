"""Sums over the modes of a spectrum, for `spectra`: directly, and for power laws of any length.

With f = lambda/(lambda + delta) and g = 1 - f, everything here is a sum over ranks I of f^p g^q. The method is that of
chapter 2: some terms one by one, the others by the Euler-Maclaurin formula.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.polynomial import Polynomial
from scipy.special import beta, betainc, hyp2f1

N_HEAD = 64  # terms summed one by one before the Euler-Maclaurin formula takes over
BLOCK = 2**22  # most terms held in memory at once
NEAR_POLE = 24  # an end of the Euler-Maclaurin formula this close to a pole is moved away by N_HEAD terms
TINY = 1e-40  # smallest delta, in units of the smallest eigenvalue, at which the integral is evaluated
BERNOULLI = {1: 1 / 12, 3: -1 / 720, 5: 1 / 30240, 7: -1 / 1209600}  # B_2j / (2j)!, keyed by 2j - 1


def power_law_sum(alpha: float, n_latent: int, scale: float, delta: np.ndarray, p: int, q: int) -> np.ndarray:
    """The sum over I = 1 .. n_latent for eigenvalues scale * I^-(1 + alpha), of the shape of `delta`."""
    n_head = min(N_HEAD, n_latent)
    head = direct_sum(scale * np.arange(1.0, n_head + 1) ** -(1 + alpha), delta, p, q)
    if n_latent == n_head:
        return head
    # Far below the smallest eigenvalue f = 1 and g is proportional to delta.
    floor = TINY * scale * float(n_latent) ** -(1 + alpha)
    tail = _tail(1 + alpha, float(n_latent), np.maximum(delta, floor) / scale, p, q)
    return head + tail * np.minimum(delta / floor, 1.0) ** q


def direct_sum(eigenvalues: np.ndarray, delta: np.ndarray, p: int, q: int) -> np.ndarray:
    """The sum over a list of eigenvalues, term by term, in blocks that bound the memory."""
    flat = delta.reshape(-1, 1)
    rows = max(1, BLOCK // eigenvalues.size)
    sums = np.empty(delta.size)
    for start in range(0, delta.size, rows):
        f, g = _weights(eigenvalues, flat[start : start + rows])
        sums[start : start + rows] = (f**p * g**q).sum(axis=1)
    return sums.reshape(delta.shape)


def continued_power_law_sums(alpha: float, n_latent: int, scale: float, delta: np.ndarray) -> np.ndarray:
    """The sums of f, g and f g, stacked, for complex `delta`: imaginary part >= 0, or real and none of -lambda_I.

    As a function of I, f has a simple pole at I_*, where the eigenvalue is -delta. The Euler-Maclaurin formula holds
    as before, with the integral as a hypergeometric function, if its ends keep away from I_*. What it then leaves out
    is exponentially small in the distance of I_* from the real axis, and known (see the toolbox): with the residue
    r = -I_*/a of f it is C = 2 pi i r / (exp(-2 pi i I_*) - 1). For g it is -C, for f g = -delta df/d(delta) it
    is -delta dC/d(delta).
    """
    a, last = 1 + alpha, float(n_latent)
    shape, delta = delta.shape, delta.ravel()
    pole = (-scale / delta) ** (1 / a)
    near_lower, near_upper = abs(pole - N_HEAD) < NEAR_POLE, abs(pole - last) < NEAR_POLE
    lower, upper = np.where(near_lower, 2 * N_HEAD, N_HEAD), np.where(near_upper, last - N_HEAD, last)

    block = np.arange(1.0, N_HEAD + 1)
    sums = continued_direct_sums(scale * block**-a, delta)
    for near, index in ((near_lower, N_HEAD + block), (near_upper, last - N_HEAD + block)):
        sums[:, near] += continued_direct_sums(scale * index**-a, delta[near])

    for sign, end in ((-1, lower), (1, upper)):
        sums += sign * _continued_end(a, end, delta / scale)

    inside = (lower < pole.real) & (pole.real < upper)
    phase = np.exp(2j * np.pi * np.where(inside, pole, 1j))
    missing = -2j * np.pi / a * inside * pole * phase / (1 - phase)
    sums += missing * np.array([np.ones_like(pole), -np.ones_like(pole), (1 + 2j * np.pi * pole / (1 - phase)) / a])
    return np.where(delta.imag == 0, sums.real, sums).reshape(3, *shape)


def continued_direct_sums(eigenvalues: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """The sums of f, g and f g, stacked, for complex `delta` over a list of eigenvalues."""
    flat = delta.reshape(-1, 1)
    rows = max(1, BLOCK // eigenvalues.size)
    sums = np.empty((3, delta.size), complex)
    for start in range(0, delta.size, rows):
        f, g = _weights(eigenvalues, flat[start : start + rows])
        sums[:, start : start + rows] = f.sum(axis=1), g.sum(axis=1), (f * g).sum(axis=1)
    return sums.reshape(3, *delta.shape)


def _continued_end(a: float, end: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """What one end contributes to the Euler-Maclaurin formula for f, g and f g: integral from 0, half term, slopes."""
    b, w = 1 / a, -(end**a) * delta
    f, g = _weights(end**-a, delta)
    of_f = end * hyp2f1(1, b, 1 + b, w)
    of_g = -end * w * b / (1 + b) * hyp2f1(1, 1 + b, 2 + b, w)
    of_fg = b * np.where(abs(w) < 1, end * g - of_g, of_f - end * f)  # by parts, each where it does not cancel
    total = np.array([of_f, of_g, of_fg])
    for row, (p, q) in zip(total, ((1, 0), (0, 1), (1, 1)), strict=True):
        slopes = _derivatives(a, p, q).items()
        row += f**p * g**q * (0.5 + sum(BERNOULLI[order] * poly(g) / end**order for order, poly in slopes))
    return total


def _tail(a: float, upper: float, delta: np.ndarray, p: int, q: int) -> np.ndarray:
    """Terms I = N_HEAD + 1 .. upper for eigenvalues I^-a: integral, half the ends, odd derivatives."""
    lower = float(N_HEAD)
    f_lower, g_lower = _weights(lower**-a, delta)
    f_upper, g_upper = _weights(upper**-a, delta)
    total = _integral(a, upper, delta, p, q, (f_lower, g_lower), (f_upper, g_upper))
    end_lower, end_upper = f_lower**p * g_lower**q, f_upper**p * g_upper**q
    total += (end_upper - end_lower) / 2
    for order, polynomial in _derivatives(a, p, q).items():
        slope = end_upper * polynomial(g_upper) / upper**order - end_lower * polynomial(g_lower) / lower**order
        total += BERNOULLI[order] * slope
    return total


def _integral(a, upper, delta, p, q, at_lower, at_upper) -> np.ndarray:
    """Integral of f^p g^q over I from N_HEAD to `upper`.

    With y = g(I) as the variable, dI = b I_* y^(b-1) (1-y)^(-b-1) dy, where b = 1/a and I_* = delta^-b is the rank at
    which the eigenvalue equals delta: an incomplete beta function.
    """
    b = 1 / a
    (f0, g0), (f1, g1) = at_lower, at_upper
    if p == 0:  # sum of g alone: integrate by parts, I dg/dI = a f g
        return upper * g1 - N_HEAD * g0 - a * _integral(a, upper, delta, 1, 1, at_lower, at_upper)
    # Shares of the integral over all I > 0, measured from I = 0 where the crossover lies beyond N_HEAD and from
    # I = infinity where it lies before, so that two small numbers are subtracted, not two that are nearly 1.
    # Each is computed from the smaller of f and g, for the same reason.
    from_zero = g0 < f0
    share_lower = _share(from_zero, from_zero, f0, g0, p - b, b + q)
    share_upper = _share(from_zero, from_zero & (g1 <= f1), f1, g1, p - b, b + q)
    return b * delta**-b * beta(b + q, p - b) * np.abs(share_upper - share_lower)


def _share(from_zero, by_g, f, g, exponent_f, exponent_g) -> np.ndarray:
    """Incomplete beta integral of f^(exponent_f - 1) g^(exponent_g - 1) up to I, or from I on."""
    share = betainc(
        np.where(by_g, exponent_g, exponent_f), np.where(by_g, exponent_f, exponent_g), np.where(by_g, g, f)
    )
    return np.where(by_g == from_zero, share, 1 - share)


def _weights(eigenvalues: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total = eigenvalues + delta
    return eigenvalues / total, delta / total


@lru_cache
def _derivatives(a: float, p: int, q: int) -> dict[int, Polynomial]:
    """Odd derivatives of s = f^p g^q with respect to I, as s P(g) / I^order.

    I d/dI acts on g by I g' = a f g, hence on s P(g) by s [a(q - (p+q) g) P + a g (1-g) P'].
    """
    log_slope, motion = Polynomial([a * q, -a * (p + q)]), Polynomial([0, a, -a])
    polynomial, found = Polynomial([1.0]), {}
    for order in range(1, max(BERNOULLI) + 1):
        polynomial = log_slope * polynomial + motion * polynomial.deriv() - (order - 1) * polynomial
        if order in BERNOULLI:
            found[order] = polynomial
    return found

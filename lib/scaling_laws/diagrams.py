r"""Wick contractions of the moments of the model's feature matrix: enumerated, counted, drawn.

Stands beside chapter 7 of the book. In

.. math:: \mathrm{tr}\,(\Phi^\top\Phi)^k, \qquad \Phi = u X,

there are :math:`2k` factors :math:`\Phi`, at *places* 0 to :math:`2k-1` around the trace. Each is a product of an
entry of the feature weights :math:`u` and an entry of the latents :math:`X`. The average is a sum over the pairings of
the :math:`2k` entries of :math:`X` times the pairings of the :math:`2k` entries of :math:`u`: one `Diagram` for each
choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import comb

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from numpy.typing import ArrayLike

from ._validation import MAX_SIZE, has_method, real_array, real_number, whole_number
from .plotting import BLUE, GREEN, GREY, ONE_AXES, ORANGE
from .spectra import Empirical

MAX_ORDER = 5  # 945 pairings of each kind at k = 5; k = 6 would have 10395


def pairings(k: int) -> np.ndarray:
    r"""All ways to pair :math:`2k` places.

    Parameters
    ----------
    k : int
        Number of pairs, from 1 to 5.

    Returns
    -------
    ndarray of int, shape ``((2k-1)!!, 2k)``
        Row by row the partner of every place.

    Raises
    ------
    ValueError
        If `k` is outside its range.

    Examples
    --------
    >>> pairings(2)
    array([[1, 0, 3, 2],
           [2, 3, 0, 1],
           [3, 2, 1, 0]])
    """
    k = whole_number("k", k, at_most=MAX_ORDER)

    def matchings(places):
        if not places:
            yield ()
        for i in range(1, len(places)):
            for rest in matchings(places[1:i] + places[i + 1 :]):
                yield ((places[0], places[i]), *rest)

    return np.array([_partners(pairs) for pairs in matchings(tuple(range(2 * k)))])


@dataclass(frozen=True)
class Diagram:
    r"""One Wick contraction of :math:`\mathrm{tr}\,(\Phi^\top\Phi)^k`: which entries are paired with which.

    Parameters
    ----------
    x, u : tuple of (int, int)
        The pairs of places whose entries of :math:`X`, or of :math:`u`, are contracted; each of the places 0 to
        :math:`2k-1` in exactly one pair of each. Neighbours (0, 1), (2, 3), ... share a feature index, neighbours
        (1, 2), ..., :math:`(2k-1, 0)` a sample index.

    Raises
    ------
    ValueError
        If the pairs do not cover the places 0 to :math:`2k-1` once.

    Examples
    --------
    >>> crossed = Diagram(x=((0, 1), (2, 3)), u=((0, 2), (1, 3)))
    >>> crossed.term, crossed.euler_genus, crossed.orientable
    ('T N \\,\\mathrm{tr}\\,\\Lambda^{2}', 2, False)
    """

    x: tuple[tuple[int, int], ...]
    u: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        for name in ("x", "u"):
            try:
                pairs = tuple(sorted(tuple(sorted((_place(p), _place(q)))) for p, q in getattr(self, name)))
            except (TypeError, ValueError):
                raise ValueError(f"{name} must pair places by twos; got {getattr(self, name)!r}") from None
            object.__setattr__(self, name, pairs)
            n = 2 * max(1, len(self.x))
            if sorted(place for pair in pairs for place in pair) != list(range(n)):
                raise ValueError(f"{name} must pair the places 0 to {n - 1} once each; got {pairs}")

    @property
    def order(self) -> int:
        """The order :math:`k` of the moment."""
        return len(self.x)

    @cached_property
    def sample_loops(self) -> int:
        """Free sample indices: each is summed from 1 to :math:`T`."""
        return len(_loops(_partners(self.x), _partners(_sample_arcs(self.order))))

    @cached_property
    def feature_loops(self) -> int:
        """Free feature indices: each is summed from 1 to :math:`N`."""
        return len(_loops(_partners(self.u), _partners(_feature_arcs(self.order))))

    @cached_property
    def latent_loops(self) -> tuple[int, ...]:
        r"""Free latent indices, each with the number :math:`a` of its contractions of :math:`X`: it gives
        :math:`\mathrm{tr}\,\Lambda^a`."""
        loops = _loops(_partners(self.x), _partners(self.u))
        return tuple(sorted((len(loop) // 2 for loop in loops), reverse=True))

    @property
    def n_loops(self) -> int:
        """Number of loops, of all three kinds."""
        return self.sample_loops + self.feature_loops + len(self.latent_loops)

    @property
    def euler_genus(self) -> int:
        r"""Loops missing to the maximum :math:`2k+1`: none if planar, two for a handle, one for a crosscap."""
        return 2 * self.order + 1 - self.n_loops

    @property
    def planar(self) -> bool:
        """Whether the diagram can be drawn without crossings."""
        return self.euler_genus == 0

    @property
    def orientable(self) -> bool:
        """Whether the surface has two sides: no closed walk along ribbons and arcs passes an odd number of edges."""
        edges = [*self.x, *self.u, *_sample_arcs(self.order), *_feature_arcs(self.order)]
        side = {0: True}
        while len(side) < 2 * self.order:
            for a, b in [*edges, *((b, a) for a, b in edges)]:
                if a in side:
                    side.setdefault(b, not side[a])
        return all(side[a] != side[b] for a, b in edges)

    @property
    def dual(self) -> Diagram:
        """The diagram with features and samples exchanged; one place on, since the arcs alternate."""
        n = 2 * self.order
        x, u = (tuple(((p + 1) % n, (q + 1) % n) for p, q in pairs) for pairs in (self.u, self.x))
        return Diagram(x, u)

    @property
    def term(self) -> str:
        r"""What the diagram contributes, without the factor :math:`(\sigma_u^2/M)^k`, for TeX."""
        traces = [
            rf"\,\mathrm{{tr}}\,\Lambda{_power(j)}" if n == 1 else rf"\,(\mathrm{{tr}}\,\Lambda{_power(j)}){_power(n)}"
            for j in sorted(set(self.latent_loops))
            for n in [self.latent_loops.count(j)]
        ]
        return f"T{_power(self.sample_loops)} N{_power(self.feature_loops)} " + "".join(traces)


def all_diagrams(k: int) -> list[Diagram]:
    r"""Every diagram of :math:`\mathrm{E}\,\mathrm{tr}\,(\Phi^\top\Phi)^k`.

    Parameters
    ----------
    k : int
        Order of the moment, from 1 to 4.

    Returns
    -------
    list of Diagram
        :math:`[(2k-1)!!]^2` diagrams.

    Raises
    ------
    ValueError
        If `k` is outside its range.

    Examples
    --------
    >>> [sum(diagram.planar for diagram in all_diagrams(k)) for k in (1, 2, 3)]
    [1, 3, 12]
    """
    k = whole_number("k", k, at_most=MAX_ORDER - 1)
    rows = [_pairs(row) for row in pairings(k)]
    return [Diagram(x, u) for x in rows for u in rows]


def planar_count(k: int) -> int:
    r"""Number of planar diagrams of order `k`: 1, 3, 12, 55, ...

    Parameters
    ----------
    k : int
        Order of the moment, from 1 to 10,000.

    Returns
    -------
    int
        The Fuss-Catalan number :math:`\binom{3k}{k}/(2k+1)`.

    Raises
    ------
    ValueError
        If `k` is outside its range.

    Examples
    --------
    >>> [planar_count(k) for k in (1, 2, 3, 4)]
    [1, 3, 12, 55]
    """
    k = whole_number("k", k, at_most=10_000)
    return comb(3 * k, k) // (2 * k + 1)


def wick_orders(
    k: int, n_features: ArrayLike, n_samples: ArrayLike, eigenvalues: ArrayLike, *, feature_var: float = 1.0
) -> np.ndarray:
    r"""The moment :math:`\mathrm{E}\,\mathrm{tr}\,(\Phi^\top\Phi)^k`, split by the Euler genus of the diagrams.

    Parameters
    ----------
    k : int
        Order of the moment, from 1 to 5.
    n_features, n_samples : array_like
        Numbers of features :math:`N` and samples :math:`T`, from 1 to 1e15; they broadcast.
    eigenvalues : array_like, shape (M,)
        Eigenvalues of the latent covariance, none negative.
    feature_var : float, default 1
        :math:`\sigma_u^2 > 0`.

    Returns
    -------
    ndarray, shape ``(2k-1,) + broadcast shape``
        Contributions of the diagrams of Euler genus 0 (planar), 1, 2, ...; their sum is the moment.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    A diagram contributes :math:`(\sigma_u^2/M)^k` times a factor :math:`T` for each sample loop, :math:`N` for each
    feature loop and :math:`\mathrm{tr}\,\Lambda^a` for each latent loop with :math:`a` contractions of :math:`X`
    (chapter 7). The entries are real, so all pairings count.

    Examples
    --------
    >>> wick_orders(2, 10, 20, np.ones(5)).round(9)
    array([14000.,  1400.,   120.])
    """
    k = whole_number("k", k, at_most=MAX_ORDER)
    n = real_array("n_features", n_features, at_least=1, at_most=MAX_SIZE)
    t = real_array("n_samples", n_samples, at_least=1, at_most=MAX_SIZE)
    eigenvalues = Empirical(eigenvalues).eigenvalues
    variance = real_number("feature_var", feature_var, above=0) / eigenvalues.size
    n, t = np.broadcast_arrays(n, t)
    classes, counts = _classes(k)
    orders = np.zeros((2 * k - 1, *n.shape))
    traces = np.array([np.sum((variance * eigenvalues) ** j) for j in range(1, k + 1)])
    for (sample_loops, feature_loops, *latent_loops), count in zip(classes, counts, strict=True):
        genus = 2 * k + 1 - sample_loops - feature_loops - sum(latent_loops)
        orders[genus] += count * np.prod(traces**latent_loops) * t**sample_loops * n**feature_loops
    return orders


def wick_moment(
    k: int,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    eigenvalues: ArrayLike,
    *,
    feature_var: float = 1.0,
    planar_only: bool = False,
) -> np.ndarray:
    r"""The moment :math:`\mathrm{E}\,\mathrm{tr}\,(\Phi^\top\Phi)^k`, exact at any finite sizes.

    Parameters
    ----------
    k, n_features, n_samples, eigenvalues, feature_var
        As in `wick_orders`.
    planar_only : bool, default False
        Keep the planar diagrams only: the limit of large sizes.

    Returns
    -------
    ndarray or float
        The moment, of the broadcast shape of the sizes.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> print(f"{wick_moment(2, 10, 20, np.ones(5)):.6g}")
    15520
    >>> print(f"{wick_moment(2, 10, 20, np.ones(5), planar_only=True):.6g}")
    14000
    """
    orders = wick_orders(k, n_features, n_samples, eigenvalues, feature_var=feature_var)
    return orders[0][()] if planar_only else orders.sum(axis=0)[()]


def draw_diagram(axes: Axes, diagram: Diagram, *, labels: bool = True) -> None:
    r"""Draw a diagram in double-line notation.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw; its frame is removed and its aspect made equal.
    diagram : Diagram
        What to draw. The trace is the circle, place 0 at the top, the others clockwise. A contraction is a ribbon whose
        edges carry the two indices that it identifies: blue for samples, orange for features, green for latents. So
        every closed line of one colour is a loop, a sum over its index.
    labels : bool, default True
        Whether to number the places.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> draw_diagram(axes, Diagram(x=((0, 1), (2, 3)), u=((0, 3), (1, 2))))
    >>> plt.close(figure)
    """
    has_method("axes", axes, "add_patch", ONE_AXES)
    if not isinstance(diagram, Diagram):
        raise ValueError(f"diagram must be one Diagram; got {type(diagram).__name__}")
    n = 2 * diagram.order
    middle = np.pi / 2 - 2 * np.pi * np.arange(n) / n  # of each place, clockwise
    side = np.where(np.arange(n) % 2, 1, -1)  # the sample arc of an even place comes before it
    apart, half = 0.17 * 2 * np.pi / n, 0.1 * 2 * np.pi / n
    legs = {"x": middle - side * apart, "u": middle + side * apart}
    inner = {"x": legs["x"] + side * half, "u": legs["u"] - side * half}  # edges towards the other leg of the place
    outer = {"x": legs["x"] - side * half, "u": legs["u"] + side * half}

    bow = 0.0 if diagram.planar else 0.55  # keeps crossings away from the middle
    for kind, pairs, color in (("x", diagram.x, BLUE), ("u", diagram.u, ORANGE)):
        for p, q in pairs:
            edges = [_chord(edge[kind][p], edge[kind][q], bow) for edge in (outer, inner)]
            axes.add_patch(Polygon(np.concatenate([edges[0], edges[1][::-1]]), facecolor="#EDEDED", edgecolor="none"))
            for edge, edge_color in zip(edges, (color, GREEN), strict=True):
                axes.plot(*edge.T, color=edge_color, linewidth=1.5, solid_capstyle="round")
    for pairs, ends, color in (
        (_sample_arcs(diagram.order), outer["x"], BLUE),
        (_feature_arcs(diagram.order), outer["u"], ORANGE),
    ):
        for p, q in pairs:
            _draw_arc(axes, ends[p], ends[q], color)
    for p in range(n):
        _draw_arc(axes, inner["x"][p], inner["u"][p], GREEN)
        if labels:
            at = 1.17 * np.array([np.cos(middle[p]), np.sin(middle[p])])
            axes.text(*at, str(p), color=GREY, fontsize=8, ha="center", va="center")
    axes.set(aspect="equal", xlim=(-1.3, 1.3), ylim=(-1.3, 1.3))
    axes.axis("off")


def _place(value: int) -> int:
    return whole_number("place", value, at_least=-MAX_SIZE)


def _chord(start: float, end: float, bow: float) -> np.ndarray:
    """Points of a smooth curve inside the unit circle between two angles, the deeper the farther they are apart.

    `bow` turns its control points towards each other, on the shorter side.
    """
    turn = np.angle(np.exp(1j * (end - start)))
    depth = np.clip(1.15 * abs(np.sin(turn / 2)) ** 0.75, 0.25, 1 - 0.6 * bow)
    bow *= np.sin(turn / 2) * abs(np.sin(turn / 2))
    controls = [
        radius * np.array([np.cos(angle), np.sin(angle)])
        for radius, angle in ((1, start), (1 - depth, start + bow), (1 - depth, end - bow), (1, end))
    ]
    s = np.linspace(0, 1, 60)[:, None]
    return sum(comb(3, i) * s**i * (1 - s) ** (3 - i) * point for i, point in enumerate(controls))


def _draw_arc(axes: Axes, start: float, end: float, color: str) -> None:
    """The shorter arc of the unit circle between two angles."""
    angles = start + np.linspace(0, 1, 40) * np.angle(np.exp(1j * (end - start)))
    axes.plot(np.cos(angles), np.sin(angles), color=color, linewidth=1.5, solid_capstyle="round")


def _sample_arcs(k: int) -> list[tuple[int, int]]:
    """Places that share a sample index: the neighbours in the trace at a factor X^T X."""
    return [(p, (p + 1) % (2 * k)) for p in range(1, 2 * k, 2)]


def _feature_arcs(k: int) -> list[tuple[int, int]]:
    """Places that share a feature index: the neighbours in the trace at a factor u^T u."""
    return [(p, p + 1) for p in range(0, 2 * k, 2)]


def _partners(pairs) -> np.ndarray:
    """The partner of every place."""
    partner = np.empty(2 * len(pairs), int)
    for p, q in pairs:
        partner[p], partner[q] = q, p
    return partner


def _pairs(partner) -> tuple[tuple[int, int], ...]:
    """The pairs of a row of partners."""
    return tuple((p, int(q)) for p, q in enumerate(partner) if p < q)


def _loops(one: np.ndarray, other: np.ndarray) -> list[list[int]]:
    """Closed walks that alternate between two pairings, as lists of places."""
    loops, left = [], set(range(len(one)))
    while left:
        loop, place = [], min(left)
        while place in left:
            loop += [place, int(one[place])]
            left -= {place, int(one[place])}
            place = int(other[one[place]])
        loops.append(loop)
    return loops


@lru_cache
def _classes(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Diagrams of order k with the same loops: (sample loops, feature loops, latent loops with 1 .. k), and how many.

    Two pairings, one after the other, are a permutation of the places; a loop makes two of its cycles.
    """
    table, turns = pairings(k), range(0, 2 * k, 2)
    # turned by two places a diagram keeps its loops: of the pairings of x that turn into each other one is enough
    turned = np.stack([(np.roll(table, turn, axis=1) + turn) % (2 * k) for turn in turns])
    alike = (turned @ (2 * k) ** np.arange(2 * k)).min(axis=0)
    _, first, weights = np.unique(alike, return_index=True, return_counts=True)
    sample = _cycle_counts(table[first], _partners(_sample_arcs(k))).sum(axis=-1)
    feature = _cycle_counts(table, _partners(_feature_arcs(k))).sum(axis=-1)
    latent = _cycle_counts(table[first, None], table)
    shape = latent.shape[:2]
    loops = np.stack([np.broadcast_to(sample[:, None], shape), np.broadcast_to(feature, shape)], axis=-1)
    codes = np.concatenate([loops, latent], axis=-1).reshape(-1, k + 2) @ (k + 1) ** np.arange(k + 2)
    codes, which = np.unique(codes, return_inverse=True)
    counts = np.bincount(which, np.repeat(weights, len(table))).astype(int)
    return codes[:, None] // (k + 1) ** np.arange(k + 2) % (k + 1), counts


def _cycle_counts(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Number of loops with 1, 2, ..., k pairs of each kind; the pairings broadcast over all but the places."""
    one, other = np.broadcast_arrays(one, other)
    step = np.take_along_axis(one, other, axis=-1)
    n = one.shape[-1]
    power, length = step, np.zeros(one.shape, int)
    for j in range(1, n // 2 + 1):
        length[(power == np.arange(n)) & (length == 0)] = j
        power = np.take_along_axis(step, power, axis=-1)
    return np.stack([np.sum(length == j, axis=-1) // (2 * j) for j in range(1, n // 2 + 1)], axis=-1)


def _power(exponent: int) -> str:
    return "" if exponent == 1 else f"^{{{exponent}}}"

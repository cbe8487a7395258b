"""The library behind *Solving Neural Scaling Laws*: one module a chapter.

==============  ====================================================  =======
module          what it holds                                         chapter
==============  ====================================================  =======
phenomenology   published scaling laws, and fits of such laws         1
spectra         eigenvalue spectra, sums over them, fits              2
natural         real data: digits, photographs, text                  2
latent          the generative model of data                          3
features        random feature maps                                   4
regression      ridge regression for a path of ridges                 5
experiments     Monte-Carlo measurements of the model's loss          5
resolvent       Stieltjes transforms and eigenvalue densities         6
diagrams        Wick contractions, counted and drawn                  7
theory          the solution: Delta, test and training loss           8
asymptotics     closed forms for long power laws                      9
allocation      the best ridge, the best split of a budget            10
plateaus        floors of the loss, and their diagnosis               11
tasks           exponents and best splits for any teacher             12
eigenframework  kernel spectra of real data, predictions              13
dynamics        gradient flow, early stopping, compute                14
quadratic       students whose features learn                         15
plotting        the course's figure style
exercises       checks for the exercises' answers
grade           marks for submitted notebooks
==============  ====================================================  =======
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pkgutil import iter_modules
from types import ModuleType

try:
    __version__ = version("scaling-laws")
except PackageNotFoundError:  # run from its folder, not installed
    __version__ = "unknown"

__all__ = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))


def __getattr__(name: str) -> ModuleType:
    """Import a module at its first use, as in ``scaling_laws.theory``."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]

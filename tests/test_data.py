"""The arrays that the book reads: what they hold, and that they are what the library finds today."""

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from scaling_laws import natural

DATA = Path(__file__).parents[1] / "book" / "data"
REAL = json.loads((DATA / "real_spectra.json").read_text(encoding="utf-8"))


def spectra(entry):
    """Every list of eigenvalues of an entry, with the name of what it belongs to."""
    return {"covariance": entry.get("covariance"), **entry.get("kernel", {})}.items()


def test_the_data_of_the_book_stay_small():
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 3e6
    assert (DATA / "real_spectra.json").stat().st_size < 1e6


@pytest.mark.parametrize("name", REAL)
def test_a_stored_spectrum_is_positive_and_sorted_and_has_its_sheet(name):
    entry = REAL[name]
    assert {"source", "licence", "preprocessing", "n_samples", "n_inputs"} <= set(entry)
    assert all(isinstance(entry[key], str) and entry[key] for key in ("source", "licence", "preprocessing"))
    assert any(character.isdigit() for character in entry["source"]) or entry["source"].endswith("train.py")
    assert set(entry) & {"covariance", "kernel"}
    for kind, values in spectra(entry):
        if values is None:
            continue
        assert np.all(np.diff(values) <= 0) and values[-1] > 0, kind
        if kind == "covariance":
            assert len(values) <= min(entry["n_inputs"], entry["n_samples"] or np.inf)
        else:
            assert len(values) == int(kind) // 4 and int(kind) <= entry["n_samples"]


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("digits", natural.load_digits_population),
        ("photographs", lambda: natural.load_patch_population(size=20)),
    ],
)
def test_digits_and_photographs_in_the_store_are_those_of_the_library(name, load):
    inputs = load()
    assert (REAL[name]["n_samples"], REAL[name]["n_inputs"]) == inputs.shape
    values = natural.covariance_eigenvalues(inputs)
    np.testing.assert_allclose(REAL[name]["covariance"], values[values > 0], rtol=5e-5)


def test_frequencies_of_symbols_are_shares():
    for name in ("words, English", "words, Finnish", "words, Chinese", "bytes, groups"):
        assert 0.5 < sum(REAL[name]["covariance"]) < 1, name


def test_a_control_keeps_the_variance_of_what_it_shuffles():
    for name in ("genes, counts", "genes, logarithms"):
        as_is, apart = (sum(REAL[name + control]["covariance"]) for control in ("", ", shuffled"))
        assert apart == pytest.approx(as_is, rel=1e-4)


def test_exponents_that_chapter_2_states_are_those_of_the_stored_spectra():
    cells = nbformat.read(DATA.parent / "02_power_law_data.ipynb", as_version=4).cells
    table = next(cell.outputs[0].text for cell in cells if cell.id == "c02-real1")
    stated = 0
    for line in table.splitlines()[1:]:
        entry = REAL[line[:18].strip()]
        if entry["n_samples"] and entry["n_samples"] < 10 * entry["n_inputs"]:
            continue  # corrected for few samples: that is tested with the library
        for low, high, alpha in re.findall(r"(\d+)-(\d+) +(-?\d\.\d\d) \+-", line):
            rank = np.arange(int(low), int(high) + 1)
            values = np.array(entry["covariance"])[rank - 1]
            slope = np.polyfit(np.log(rank), np.log(values), 1, w=rank**-0.5)[0]
            assert float(alpha) == pytest.approx(-slope - 1, abs=0.0051)
            stated += 1
    assert stated == 18

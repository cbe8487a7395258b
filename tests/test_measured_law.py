"""The runs of experiments/train.py that the chapters read: complete, and by the rules that the README states."""

import collections
import csv
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
DATA = ROOT / "book" / "data"
WHOLE = ["n_layers", "width", "n_bytes", "seed", "n_parameters", "n_embedding", "batch", "n_steps"]


@pytest.fixture(scope="module")
def runs():
    with open(DATA / "measured_law.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        row | {name: int(row[name]) for name in WHOLE} | {name: float(row[name]) for name in ["loss", "learning_rate"]}
        for row in rows
    ]


def of(runs, design):
    return [run for run in runs if run["design"] == design]


def seeds(runs):
    """The seeds that were run at each setting."""
    found = collections.defaultdict(list)
    for run in runs:
        found[run["n_parameters"], run["n_bytes"]].append(run["seed"])
    return found


def test_no_run_is_there_twice_and_all_saw_the_same_text(runs):
    keys = [(*(run[name] for name in WHOLE[:4]), run["design"], run["learning_rate"]) for run in runs]
    assert len(set(keys)) == len(keys)
    assert len({run["corpus"] for run in runs}) == 1
    assert all(0.7 < run["loss"] < 3.5 for run in runs)


def test_parameters_are_counted_by_the_formula_of_the_readme(runs):
    for run in runs:
        width, layers = run["width"], run["n_layers"]
        assert run["n_parameters"] == 12 * layers * width**2 + (2 * layers + 1) * width
        assert run["n_embedding"] == 512 * width


def test_every_size_of_model_met_every_size_of_text_and_a_third_of_them_with_three_seeds(runs):
    found = seeds(of(runs, "fresh"))
    sizes, texts = ({key[i] for key in found} for i in range(2))
    assert sorted(texts) == [2**k for k in range(18, 26)]
    assert len(sizes) == 10 and min(sizes) == 3120 and max(sizes) > 900 * min(sizes)
    assert len(found) == len(sizes) * len(texts)
    assert 0.3 < sum(sorted(one) == [0, 1, 2] for one in found.values()) / len(found) < 0.4
    assert all(one in ([0], [0, 1, 2]) for one in found.values())


def test_five_sizes_of_model_met_five_training_sets_until_they_stopped(runs):
    found = seeds(of(runs, "fixed"))
    sizes, texts = (sorted({key[i] for key in found}) for i in range(2))
    assert sizes == [3120, 12384, 55536, 307920, 1245744]
    assert texts == [2**12, 2**14, 2**16, 2**18, 2**20]
    assert len(found) == 25
    assert sorted(map(len, found.values())) == [1] * 16 + [3] * 9


def test_rates_and_batches_follow_the_rule(runs):
    for run in of(runs, "fresh"):
        assert run["learning_rate"] == pytest.approx(0.4 / run["width"] * min(1, (run["n_bytes"] / 2**22) ** 0.5), 1e-3)
        assert run["batch"] == max(2, round((run["n_bytes"] / 2**16) ** 0.5))
        assert run["n_steps"] == run["n_bytes"] // 256 // run["batch"]
    for run in of(runs, "fixed"):
        assert run["learning_rate"] == pytest.approx(0.1 / run["width"], 1e-3)
        assert run["ended"] in ("early", "limit")


@pytest.mark.parametrize("design", ["tune fresh", "tune fixed"])
def test_no_rate_of_the_search_beats_that_of_the_rule_by_much(runs, design):
    """A mistuned rule would show here: rates half or twice as large give losses at most 3 % lower."""
    groups = collections.defaultdict(dict)
    for run in of(runs, design):
        groups[run["width"], run["n_bytes"]][run["learning_rate"]] = run["loss"]
    assert groups
    for (width, n_bytes), losses in groups.items():
        rule = 0.1 / width if design == "tune fixed" else 0.4 / width * min(1, (n_bytes / 2**22) ** 0.5)
        nearest = min(losses, key=lambda rate, rule=rule: abs(rate / rule - 1))
        assert nearest == pytest.approx(rule, rel=0.42)  # the search went by factors of two
        assert losses[nearest] < 1.03 * min(losses.values())


def test_passes_over_old_text_and_new_text_take_the_same_steps(runs):
    """The control of "text or time": its first pass of each schedule agrees with the runs that it stands beside."""
    with open(DATA / "passes.csv", newline="", encoding="utf-8") as file:
        control = list(csv.DictReader(file))
    settings = collections.Counter((run["schedule"], run["text"], int(run["passes"])) for run in control)
    cosine = [("cosine", "new", 1), *(("cosine", text, k) for text in ("again", "new") for k in (4, 16))]
    assert settings == dict.fromkeys(
        [*cosine, ("constant", "new", 1), ("constant", "again", 4), ("constant", "again", 16)], 2
    )
    for run in control:
        assert int(run["n_parameters"]) == 12384 and int(run["n_bytes"]) == 2**18
        assert int(run["n_steps"]) == int(run["passes"]) * 512
    alike = {
        run["seed"]: run["loss"] for run in of(runs, "fresh") if (run["n_parameters"], run["n_bytes"]) == (12384, 2**18)
    }
    for run in control:
        if run["schedule"] == "cosine" and run["passes"] == "1" and int(run["seed"]) in alike:
            assert float(run["loss"]) == pytest.approx(alike[int(run["seed"])], abs=2e-3)


def test_words_have_vectors_frequencies_and_sources():
    with np.load(DATA / "words.npz") as stored:
        words, vectors, frequency = stored["words"], stored["vectors"], stored["frequency"]
        assert str(stored["vectors_source"]) == "wordllama 0.4.0.post1, MIT"
        assert str(stored["frequency_source"]) == "wordfreq 3.1.1, CC BY-SA 4.0"
        assert stored["step"] > 0
    assert vectors.shape == (1500, 256) and vectors.dtype == np.int8 and abs(vectors.astype(int)).max() > 100
    assert len(set(words.tolist())) == 1500 and all(word.isalpha() and word.islower() for word in words.tolist())
    assert frequency[words == "and"][0] > 7 and ((frequency > 0) & (frequency < 8)).all()

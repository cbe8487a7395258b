"""Outside CI: _build/torch/bin/python -m pytest experiments (needs pytest, and train.py's requirements and corpus)."""

import csv
import dataclasses

import pytest
import train

ROWS = train.read_rows(train.RESULTS)


@pytest.mark.parametrize("design", ["fresh", "fixed"])
def test_the_smallest_run_gives_its_loss_again(design):
    smallest = min(train.plan(design), key=train.cost)
    alike = [row for row in ROWS if all(row[name] == getattr(smallest, name) for name in train.KEY if name != "seed")]
    losses = [row["loss"] for row in alike]
    assert len(losses) == 3
    for row in alike:
        again = train.train(dataclasses.replace(smallest, seed=row["seed"]))
        assert abs(again["loss"] - row["loss"]) < max(losses) - min(losses)
        assert again["corpus"] == row["corpus"]


def test_an_average_over_rows_of_the_text_is_what_evaluate_gives():
    text = train.load_corpus()[0]["test"]
    rows = train.sequences(text, 2**12)
    assert rows.shape == (16, train.CONTEXT + 1) and (rows[1:, 0] == rows[:-1, -1]).all()
    assert (rows[:, :-1].ravel() == text[: 2**12]).all()


def test_every_epoch_shows_every_row_once():
    stream = train.batches(10, 4, train.np.random.default_rng(0))
    shown = train.np.concatenate([next(stream) for _ in range(5)])
    assert sorted(shown[:10]) == sorted(shown[10:]) == list(range(10))


def test_damaged_rows_stop_a_sweep_and_whole_ones_are_kept(tmp_path):
    path = tmp_path / "law.csv"
    assert train.read_rows(path) == []
    train.append_row(path, ROWS[0])
    assert train.read_rows(path) == ROWS[:1]
    line = path.read_text().splitlines()[1]
    for damaged in [line[:-30], line.replace(str(ROWS[0]["loss"]), "nan"), line.replace(str(ROWS[0]["loss"]), "x")]:
        path.write_text(",".join(train.COLUMNS) + f"\n{line}\n{damaged}\n")
        with pytest.raises(SystemExit, match="line 3 is damaged"):
            train.read_rows(path)
    path.write_text("loss\n1\n")
    with pytest.raises(SystemExit, match="first line"):
        train.read_rows(path)
    with open(train.RESULTS, newline="") as file:
        assert len(list(csv.reader(file))) == len(ROWS) + 1

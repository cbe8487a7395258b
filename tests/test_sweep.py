"""Sweeps: many settings, a file that survives, other array libraries."""

import csv
import math
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from scaling_laws import experiments
from scaling_laws._results import _checksum
from scaling_laws.experiments import simulate, sweep, trial_cost
from scaling_laws.features import ACTIVATIONS
from scaling_laws.latent import LatentModel
from scaling_laws.regression import ridge_path
from scaling_laws.spectra import Empirical, PowerLaw
from scaling_laws.theory import test_loss

MODEL = LatentModel(PowerLaw(0.8, 60), noise_var=0.05)
GRID = {"n_features": [[5], [9]], "n_samples": [6, 7, 8], "ridge": [1e-3, 0.1], "n_trials": 3}


def run(**options):
    return sweep(**{"model": MODEL, **GRID, **options})


def must_not_run(*_):
    raise AssertionError("a trial began")


def lines_of(path):
    return path.read_text().splitlines()


def test_a_sweep_is_simulate_for_every_setting():
    found = run(activation=np.array(["linear", "relu"])[:, None, None], noise_var=0.2)
    assert found.trials.shape == found.train_trials.shape == (3, 2, 2, 3, 2)
    settings = found.settings
    for index in np.ndindex(2, 2, 3):
        at = (*index, 0)
        n, t, activation, seed = (settings[k][at] for k in ("n_features", "n_samples", "activation", "seed"))
        model = LatentModel(MODEL.spectrum, noise_var=0.2)
        alone = simulate(model, n, t, GRID["ridge"], n_trials=3, activation=activation, seed=int(seed))
        assert_array_equal(found.trials[(slice(None), *index)], alone.trials)
        assert_array_equal(found.train_trials[(slice(None), *index)], alone.train_trials)
    assert np.unique(settings["seed"]).size == 12
    assert np.unique(found.trials).size == found.trials.size


def test_each_setting_may_have_its_own_task_noise_and_ridges():
    ridge = np.array([1e-3, 1e-2])[:, None] * np.array([1.0, 3.0, 9.0])  # three ridges for each of two settings
    found = sweep(MODEL, 6, [8, 9], ridge, task_exponent=[0.0, 0.5], noise_var=[0.0, 1.0], n_trials=2)
    assert found.mean.shape == (2, 3)
    assert_array_equal(found.settings["ridge"], ridge)
    assert_array_equal(found.settings["task_exponent"][:, 0], [0, 0.5])
    second = LatentModel(MODEL.spectrum, noise_var=1.0, task_exponent=0.5)
    assert_array_equal(found.theory[1], test_loss(second.spectrum, 6, 9, ridge[1], noise_var=1.0, task_exponent=0.5))
    seed = int(found.settings["seed"][1, 0])
    assert_array_equal(found.trials[:, 1], simulate(second, 6, 9, ridge[1], n_trials=2, seed=seed).trials)


def test_numbers_do_not_depend_on_the_grid_the_order_or_the_executor(monkeypatch):
    whole, part = run(), run(n_features=9, n_samples=[8, 6], n_trials=2)
    assert_array_equal(part.trials, whole.trials[:2, 1, [2, 0]])
    monkeypatch.setattr(experiments, "MOST_WAITING", 2)
    monkeypatch.setattr(experiments, "CALL_FLOPS", 1)  # every trial a call
    context = multiprocessing.get_context("spawn")
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(2, mp_context=context) as processes:
        for executor in (None, threads, processes):
            assert_array_equal(run(executor=executor).trials, whole.trials)
    assert (run(seed=1).trials != whole.trials).all()
    assert (run(average_teacher=True).trials != whole.trials).all()


@pytest.mark.heavy
def test_simulation_agrees_with_theory():
    found = sweep(LatentModel(PowerLaw(1.0, 500)), [[30], [60]], [30, 60, 120], 1e-3, n_trials=200)
    assert (abs(found.mean - found.theory) < 4 * found.stderr + 0.03 * found.theory).all()  # 1/N


def test_the_table_has_a_row_for_every_setting_and_ridge():
    found = run(activation=["linear", "linear", "erf"])
    table = found.table()
    assert {column.shape for column in table.values()} == {(12,)}
    assert_array_equal(table["mean"], found.mean.ravel())
    assert_array_equal(table["n_features"], np.repeat([5, 9], 6))
    assert_array_equal(np.isnan(table["theory"]), table["activation"] == "erf")


@pytest.mark.parametrize(("x", "n_lines"), [("n_samples", 4), ("n_features", 6), ("ridge", 6)])
def test_the_plot_has_a_line_and_dots_for_every_combination(x, n_lines):
    figure, axes = plt.subplots()
    found = run()
    found.plot(axes, x)
    assert len(axes.containers) == len(axes.legend_.texts) == n_lines
    assert axes.containers[0].lines[0].get_xdata().tolist() == sorted(set(found.table()[x]))
    with pytest.raises(ValueError, match=r"^x must be one of \['n_features', 'n_samples', 'ridge'\]"):
        found.plot(axes, "noise_var")
    plt.close(figure)


def test_a_file_holds_every_trial_and_a_second_call_runs_none(tmp_path, monkeypatch):
    path = tmp_path / "sweep.csv"
    found = run(path=path)
    rows = list(csv.DictReader(lines_of(path)))
    assert len(rows) == found.trials.size
    for row in rows:
        i, j = (np.flatnonzero(np.ravel(GRID[name]) == int(row[name])) for name in ("n_features", "n_samples"))
        k = GRID["ridge"].index(float(row["ridge"]))
        assert float(row["test_loss"]) == found.trials[int(row["trial"]), i, j, k]
        assert float(row["train_loss"]) == found.train_trials[int(row["trial"]), i, j, k]
        assert int(row["seed"]) == found.settings["seed"][i, j, k]
        assert row["spectrum"] == "PowerLaw(alpha=0.8, n_latent=60, scale=1.0)"
    monkeypatch.setattr(experiments, "_some_trials", must_not_run)
    assert_array_equal(run(path=path).trials, found.trials)
    assert_array_equal(run(path=path, n_trials=2).trials, found.trials[:2])


def test_more_trials_and_more_settings_go_on_in_the_same_file(tmp_path):
    path = tmp_path / "sweep.csv"
    run(path=path, n_samples=[6, 8], n_trials=2)
    before = lines_of(path)
    found = run(path=path)
    assert lines_of(path)[: len(before)] == before
    assert_array_equal(found.trials, run().trials)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"seed": 1}, "line 2 of .* has base_seed = 0, this sweep has 1"),
        ({"feature_var": 2}, "feature_var = 1.0, this sweep has 2.0"),
        ({"average_teacher": True}, "average_teacher = False"),
        ({"model": LatentModel(PowerLaw(0.8, 61))}, r"spectrum = PowerLaw\(alpha=0.8, n_latent=60, scale=1.0\), this"),
        ({"model": LatentModel(Empirical(np.ones(60)))}, "this sweep has Empirical"),
        ({"n_features": 5}, "n_features = 9.*not in this grid"),
        ({"noise_var": 0.1}, "noise_var = 0.05.*not in this grid"),
        ({"ridge": [1e-3]}, "ridge = 0.1, not in this grid"),
        ({"ridge": [1e-3, 0.1, 1.0]}, "no line with ridge = 1.0"),
    ],
)
def test_a_file_of_another_sweep_is_refused_and_left_alone(tmp_path, options, what):
    path = tmp_path / "sweep.csv"
    run(path=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"^path must be a file of this sweep.*{what}"):
        run(path=path, **options)
    assert path.read_bytes() == before


def test_a_file_of_another_version_is_refused(tmp_path, monkeypatch):
    run(path=tmp_path / "sweep.csv")
    monkeypatch.setattr(experiments, "__version__", "99.0")
    with pytest.raises(ValueError, match=r"has version = .*, this sweep has 99\.0"):
        run(path=tmp_path / "sweep.csv")


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "no table", "\n", "version"])
def test_a_file_that_is_no_sweep_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "notes.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"^path must be a sweep's file"):
        run(path=path)
    assert path.read_text() == content


@pytest.mark.parametrize(
    ("change", "shown"),
    [(lambda text: b"\xef\xbb\xbf" + text, "ufeffversion"), (lambda text: text.replace(b"\n", b"\r\n"), "check\\\\r'")],
)
def test_a_file_that_another_program_saved_is_refused_with_the_line_that_differs(tmp_path, change, shown):
    path = tmp_path / "sweep.csv"
    run(path=path)
    path.write_bytes(change(path.read_bytes()))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"^path must be a sweep's file.*{shown}"):
        run(path=path)
    assert path.read_bytes() == before


def cut_in_the_last_line(text):
    return text[:-9]


def cut_before_the_last_line_end(text):
    return text[:-1]


def cut_between_two_ridges_of_a_trial(text):
    return text[: text.rindex("\n", 0, -1) + 1]


def change_a_loss(text):
    lines = text.splitlines(keepends=True)
    lines[4] = re.sub(r"(\.\d{5})\d", lambda m: m[1] + "0" if m[0][-1] != "0" else m[1] + "1", lines[4])
    return "".join(lines)


def delete_a_line(text):
    lines = text.splitlines(keepends=True)
    return "".join(lines[:7] + lines[8:])


def nonsense_in_the_middle(text):
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:5], "\x00\x00,,\n", "\n", *lines[5:]])


@pytest.mark.parametrize(
    ("damage", "n_moved"),
    [
        (cut_in_the_last_line, 2),
        (cut_before_the_last_line_end, 2),
        (cut_between_two_ridges_of_a_trial, 1),
        (change_a_loss, 2),
        (delete_a_line, 1),
        (nonsense_in_the_middle, 2),
    ],
)
def test_damaged_lines_are_named_moved_and_run_again(tmp_path, damage, n_moved):
    path = tmp_path / "sweep.csv"
    found = run(path=path)
    text = path.read_text()
    damaged = damage(text)
    assert damaged != text
    path.write_text(damaged)
    with pytest.warns(UserWarning, match=rf"sweep.csv: {n_moved} damaged.*moved to .*sweep.csv.damaged") as warned:
        again = run(path=path)
    assert warned[0].filename == __file__
    assert_array_equal(again.trials, found.trials)
    assert sorted(lines_of(path)) == sorted(text.splitlines())
    assert len((tmp_path / "sweep.csv.damaged").read_text().split("\n")) == n_moved + 1
    run(path=path)  # without a warning


def test_two_versions_of_a_trial_are_both_put_aside(tmp_path):
    path = tmp_path / "sweep.csv"
    found = run(path=path)
    body = re.sub(r",[^,]*,[^,]*,[^,]*$", ",0.5,0.5", lines_of(path)[3])
    with open(path, "a") as file:
        file.write(f"{body},{_checksum(body)}\n")
    with pytest.warns(UserWarning, match="3 damaged"):
        assert_array_equal(run(path=path).trials, found.trials)


def test_a_line_that_stands_twice_does_no_harm(tmp_path):
    path = tmp_path / "sweep.csv"
    found = run(path=path)
    with open(path, "a") as file:
        file.write(lines_of(path)[3] + "\n")
    assert_array_equal(run(path=path).trials, found.trials)


SCRIPT = """
import sys
from scaling_laws import experiments
from scaling_laws.latent import LatentModel
from scaling_laws.spectra import PowerLaw
experiments.CALL_FLOPS = 1
print("begin", flush=True)
experiments.sweep(
    LatentModel(PowerLaw(0.8, 60), noise_var=0.05), [[5], [9]], [6, 7, 8], [1e-3, 0.1], n_trials=200, path=sys.argv[1])
"""


def start(path, script=SCRIPT, **options):
    command, pipes = (
        [sys.executable, "-c", script, str(path)],
        dict.fromkeys(["stdin", "stdout", "stderr"], subprocess.PIPE),
    )
    process = subprocess.Popen(command, **pipes, text=True, **options)
    assert process.stdout.readline() == "begin\n"
    return process


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore:.*damaged or incomplete")
def test_a_sweep_that_is_killed_again_and_again_ends_with_the_same_numbers(tmp_path):
    path, rng, sizes = tmp_path / "sweep.csv", random.Random(0), [0]
    for _ in range(10):
        with start(path) as process:
            time.sleep(rng.uniform(0.01, 0.06))
            process.kill()
        sizes.append(path.stat().st_size if path.exists() else 0)
    assert all(np.diff(sizes) >= -1000)  # a damaged end
    assert 0 < sizes[1] < sizes[-1]
    whole, before = run(n_trials=200), len(lines_of(path))
    assert before < whole.trials.size
    assert_array_equal(run(n_trials=200, path=path).trials, whole.trials)
    assert len(lines_of(path)) == 1 + whole.trials.size


@pytest.mark.heavy
def test_ctrl_c_keeps_what_is_done(tmp_path):
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # which a shell's background job would ignore
    with start(tmp_path / "sweep.csv", preexec_fn=heed) as process:
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.stderr.read()
    assert_array_equal(run(n_trials=200, path=tmp_path / "sweep.csv").trials, run(n_trials=200).trials)


FULL_DISK = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"


@pytest.mark.heavy
@pytest.mark.skipif(sys.platform == "win32", reason="no limit to a file's size")
def test_a_full_disk_is_named_and_leaves_whole_trials(tmp_path):
    path = tmp_path / "sweep.csv"
    with start(path, FULL_DISK + SCRIPT) as process:
        error = process.stderr.read()
    assert re.search(r"OSError: .*all trials before are in the file.*sweep\.csv", error.splitlines()[-1])
    assert 18_000 < path.stat().st_size <= 20_000
    assert_array_equal(run(n_trials=200, path=path).trials, run(n_trials=200).trials)  # without a warning


@pytest.mark.skipif(sys.platform == "win32", reason="no locks there")
def test_two_sweeps_do_not_write_to_one_file(tmp_path):
    path = tmp_path / "sweep.csv"
    holds = "import sys; from scaling_laws._results import ResultsFile; file = ResultsFile(sys.argv[1], (), {})"
    with start(path, f"{holds}; print('begin', flush=True); input()") as process:
        with pytest.raises(OSError, match=r"another sweep writes to.*sweep\.csv"):
            run(path=path)
        process.kill()
    run(path=path)


POOL = SCRIPT.replace("path=sys.argv[1])", "path=sys.argv[1], executor=ProcessPoolExecutor(2))")


@pytest.mark.heavy
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups")
@pytest.mark.filterwarnings("ignore:.*damaged or incomplete")
def test_workers_that_outlive_a_killed_sweep_do_not_keep_its_file(tmp_path):
    path = tmp_path / "sweep.csv"
    with start(path, "from concurrent.futures import ProcessPoolExecutor\n" + POOL, start_new_session=True) as process:
        while not path.exists() or path.stat().st_size < 1000:
            time.sleep(0.005)
        process.kill()
        process.wait()
        found = run(n_trials=200, path=path)
        os.killpg(process.pid, signal.SIGKILL)
    assert_array_equal(found.trials, run(n_trials=200).trials)


def test_two_sweeps_of_one_program_do_not_write_to_one_file(tmp_path):
    path = tmp_path / "sweep.csv"
    with experiments.ResultsFile(path, (), {}):
        for _ in range(2):
            with pytest.raises(OSError, match=r"another sweep of this program writes to"):
                run(path=tmp_path / "." / "sweep.csv")
    run(path=path)


def test_one_trial_of_another_list_of_ridges_is_another_sweep(tmp_path):
    path = tmp_path / "sweep.csv"
    run(path=path, n_trials=1)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"^path must be a file of this sweep.*no line with ridge = 1\.0"):
        run(path=path, n_trials=1, ridge=[1e-3, 0.1, 1.0])
    assert path.read_bytes() == before
    assert [other.name for other in tmp_path.iterdir()] == ["sweep.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes")
def test_a_file_that_is_mended_stays_where_it_is_and_as_private(tmp_path):
    (tmp_path / "scratch").mkdir()
    real, path = tmp_path / "scratch" / "sweep.csv", tmp_path / "sweep.csv"
    path.symlink_to(real)
    run(path=path)
    real.chmod(0o600)
    text = real.read_text()
    real.write_text(text[:-9])
    with pytest.warns(UserWarning, match="damaged"):
        run(path=path)
    assert path.is_symlink() and sorted(lines_of(real)) == sorted(text.splitlines())
    assert real.stat().st_mode & 0o777 == 0o600
    assert sorted(other.name for other in real.parent.iterdir()) == ["sweep.csv", "sweep.csv.damaged"]


def test_what_a_trial_raises_names_its_setting(monkeypatch):
    def trial(*_):
        raise np.linalg.LinAlgError("did not converge")

    monkeypatch.setattr(experiments, "_some_trials", trial)
    with ThreadPoolExecutor(1) as executor:
        for options in ({}, {"executor": executor}):
            with pytest.raises(np.linalg.LinAlgError) as raised:
                run(n_features=9, n_samples=6, **options)
            assert "n_features = 9, n_samples = 6, activation = linear" in raised.value.__notes__[0]


@pytest.mark.parametrize("where", ["missing/sweep.csv", "."])
def test_a_path_that_cannot_be_written_is_an_error_before_any_trial(tmp_path, where, monkeypatch):
    monkeypatch.setattr(experiments, "_some_trials", must_not_run)
    with pytest.raises(OSError, match=re.escape(str(tmp_path))):
        run(path=tmp_path / where)


def test_an_executor_that_is_closed_is_named(tmp_path):
    with ThreadPoolExecutor(1) as executor:
        pass
    for call in (lambda: run(executor=executor), lambda: simulate(MODEL, 2, 3, 0.1, executor=executor)):
        with pytest.raises(ValueError, match=r"^executor must be open"):
            call()


def end_of_a_worker(*_):
    os._exit(1)


def test_a_worker_that_dies_is_named_and_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "sweep.csv"
    run(path=path, n_trials=1)
    with monkeypatch.context() as patch, ProcessPoolExecutor(1) as executor:
        patch.setattr(experiments, "_some_trials", end_of_a_worker)
        with pytest.raises(RuntimeError, match=r"^executor has lost its workers"):
            run(path=path, executor=executor)
    assert_array_equal(run(path=path).trials, run().trials)


MASKED = np.ma.masked_array([5, 9], [True, False])[:, None]


@pytest.mark.parametrize(
    ("name", "bad", "message"),
    [
        *((name, bad, "must be") for name in ("n_features", "n_samples") for bad in (0, 2.5, [[3], [None]], "3")),
        *(("n_trials", bad, "must be") for bad in (0, 2.5, None, [1])),
        *(("ridge", bad, "must be") for bad in (-1e-9, [np.nan], "a")),
        ("ridge", [0.1, 0.1], "must give every ridge of a setting once"),
        ("ridge", np.ones((4, 1)), "must have axes before its last"),
        ("n_features", [[5], [5]], "and the like must give a setting once.*n_features = 5, n_samples = 6"),
        ("n_features", MASKED, "must have no masked entries"),
        ("noise_var", MASKED, "must have no masked entries"),
        ("path", "a\0b", "must be a path"),
        ("n_samples", [], "and the like"),
        ("ridge", [], "and the like"),
        ("path", 3, "must be a path"),
        ("path", b"sweep.csv", "must be a path"),
        ("activation", "step", "must be one of"),
        ("activation", [["relu"], [None]], "must be one of"),
        ("noise_var", -1, "must be"),
        ("task_exponent", [[0], [9]], "must be"),
        ("feature_var", 0, "must be"),
        ("seed", -1, "must be"),
        ("model", PowerLaw(1.0, 3), "must be a LatentModel"),
        ("executor", 3, "must be such as"),
        ("xp", 3, "must be an array library"),
        ("xp", math, "must be an array library"),
        ("device", "cuda", "must be None where xp is"),
    ],
)  # fmt: skip
def test_a_bad_argument_is_refused_by_name(name, bad, message, monkeypatch):
    monkeypatch.setattr(experiments, "_some_trials", must_not_run)
    with pytest.raises(ValueError, match=f"^({name}|n_features) {message}"):
        run(**{name: bad})


def test_progress_counts_what_is_done(tmp_path, capsys):
    run(path=tmp_path / "sweep.csv", n_trials=2)
    assert capsys.readouterr() == ("", "")
    run(path=tmp_path / "sweep.csv", progress=True)
    assert re.search(r"\b67%.*\b100%", capsys.readouterr().err, re.DOTALL)


def test_the_cost_of_a_trial():
    flops, n_bytes = trial_cost(10**5, 2000, 1000)
    assert flops == 2 * 2 * 10**6 * (10**5 + 1000) + 9 * 10**9 + 20 * 3000 * 10**5
    assert n_bytes == 8 * (2 * 10**8 + 2**24 + 4 * 10**6 + 2 * 10**6)
    more_flops, more_bytes = trial_cost(10**5, 2000, 1000, "relu")
    assert (more_flops - flops, more_bytes - n_bytes) == (8 * 10**11, 16 * 10**8)
    with pytest.raises(ValueError, match=r"^n_latent must be"):
        trial_cost(0, 1, 1)


@pytest.mark.parametrize("average_teacher", [False, True])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_latents_that_are_drawn_twice_give_the_same_numbers(activation, average_teacher, monkeypatch):
    options = {"activation": activation, "average_teacher": average_teacher}
    kept = run(**options)
    monkeypatch.setattr(experiments, "MOST_KEPT", 130)  # two rows of 60
    again = run(**options)
    assert_allclose(again.trials, kept.trials, rtol=1e-8)
    assert_allclose(again.train_trials, kept.train_trials, rtol=1e-8, atol=1e-18)


LIBRARIES = ["array_api_strict", "torch"]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("average_teacher", [False, True])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_array_library_gives_the_same_numbers(library, activation, average_teacher):
    xp = pytest.importorskip(library)
    if activation == "erf" and not hasattr(xp, "erf"):
        pytest.skip(f"{library} has no error function")
    options = {"activation": activation, "average_teacher": average_teacher}
    here, there = run(**options), run(**options, xp=xp)
    assert_allclose(there.trials, here.trials, rtol=1e-9)
    rounding = 1e-14 if average_teacher else 1e-18  # a small difference of numbers of order 1
    assert_allclose(there.train_trials, here.train_trials, rtol=1e-9, atol=rounding)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("shape", [(30, 12), (12, 30), (20, 20)])
def test_the_ridge_path_stays_in_its_library(library, shape):
    xp = pytest.importorskip(library)
    rng = np.random.default_rng(0)
    features, labels, ridges = rng.standard_normal(shape), rng.standard_normal(shape[0]), [[0.0, 1e-3], [1.0, 1e4]]
    theirs = ridge_path(xp.asarray(features), xp.asarray(labels), ridges)
    assert type(theirs) is type(xp.asarray(labels))
    assert_allclose(np.asarray(theirs), ridge_path(features, labels, ridges), rtol=1e-9)
    single = ridge_path(xp.asarray(features, dtype=xp.float32), xp.asarray(labels), ridges)
    assert single.dtype == xp.float64
    assert_allclose(np.asarray(single), ridge_path(features.astype(np.float32), labels, ridges), rtol=1e-9)
    with pytest.raises(ValueError, match=r"^labels must be an array of"):
        ridge_path(xp.asarray(features), labels, ridges)
    with pytest.raises(ValueError, match=r"^features must be finite"):
        ridge_path(xp.asarray(features * np.inf), xp.asarray(labels), ridges)
    with pytest.raises(ValueError, match=r"^labels must be real"):
        ridge_path(xp.asarray(features), xp.asarray(labels + 1j), ridges)


STATUS = Path("/proc/self/status")  # rusage starts with the peak of the process that began this one


@pytest.mark.heavy
@pytest.mark.skipif(not STATUS.exists(), reason="no /proc")
def test_a_trial_needs_the_memory_that_its_cost_names():
    n, n_latent = 1500, 20_000
    script = (
        "import re\n"
        "from scaling_laws.experiments import simulate\n"
        "from scaling_laws.latent import LatentModel\n"
        "from scaling_laws.spectra import PowerLaw\n"
        f"peak = lambda: 1024 * int(re.search(r'VmHWM:\\s+(\\d+)', open('{STATUS}').read())[1])\n"
        f"model, before = LatentModel(PowerLaw(1.0, {n_latent})), peak()\n"
        f"simulate(model, {n}, {n}, 1e-3, n_trials=1)\n"
        "print(peak() - before)\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    counted = trial_cost(n_latent, n, n)[1]
    assert 0.9 * counted < int(found.stdout) < 1.25 * counted < 1.5 * 16 * n * n_latent

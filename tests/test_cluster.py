"""Sweeps on Dask: workers of its own, some of which die; a scheduler that goes away; an interrupt in a notebook."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from jupyter_client.manager import start_new_kernel
from numpy.testing import assert_array_equal

from scaling_laws.experiments import sweep
from scaling_laws.latent import LatentModel
from scaling_laws.spectra import PowerLaw

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.heavy,
    # of Dask, while a cluster comes and goes
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
OPTIONS = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
GRID = {"n_features": [100, 150], "n_samples": 120, "ridge": [1e-3, 0.1], "n_trials": 60}


def run(**options):
    return sweep(LatentModel(PowerLaw(1.0, 2000)), **(GRID | options))


@pytest.fixture(scope="module")
def serial():
    return run()


@pytest.fixture(scope="module")
def client():
    with distributed.LocalCluster(**OPTIONS) as cluster, distributed.Client(cluster) as client:
        yield client


def test_two_worker_processes_give_the_same_numbers(client, serial, tmp_path):
    assert len(set(client.run(os.getpid).values()) - {os.getpid()}) == 2
    found = run(executor=client.get_executor(), path=tmp_path / "sweep.csv")
    assert_array_equal(found.trials, serial.trials)
    assert_array_equal(found.train_trials, serial.train_trials)
    assert_array_equal(run(path=tmp_path / "sweep.csv").trials, serial.trials)


def test_a_worker_that_is_killed_costs_nothing_but_time(client, serial, tmp_path):
    path, victim = tmp_path / "sweep.csv", next(iter(client.run(os.getpid).values()))
    killer = threading.Thread(target=lambda: (wait_for_lines(path, 20), os.kill(victim, signal.SIGKILL)))
    killer.start()
    found = run(executor=client.get_executor(), path=path)
    killer.join()
    assert victim not in client.run(os.getpid).values()
    assert_array_equal(found.trials, serial.trials)


def wait_for_lines(path, n_lines):
    start = time.monotonic()
    while not path.exists() or len(path.read_text().splitlines()) < n_lines:
        assert time.monotonic() - start < 60
        time.sleep(0.002)


def test_a_client_that_is_closed_is_named(client):
    with distributed.Client(client.scheduler.address) as other:
        executor = other.get_executor()
    with pytest.raises(ValueError, match=r"^executor must be open; it says .*closed"):
        run(executor=executor)


@pytest.fixture
def by_hand():
    """A scheduler and a worker that were started from a shell; the address and the scheduler's process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    dask, quiet = [sys.executable, "-m", "dask"], {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen([*dask, "scheduler", "--host", address, "--no-dashboard"], **quiet)
    worker = subprocess.Popen([*dask, "worker", address, "--nthreads", "1", "--no-dashboard"], **quiet)
    yield address, scheduler
    for process in (worker, scheduler):
        process.terminate()
        process.wait()


def test_a_scheduler_that_goes_away_is_named_and_a_restart_goes_on(by_hand, serial, tmp_path):
    (address, scheduler), path = by_hand, tmp_path / "sweep.csv"
    with distributed.Client(address, timeout=60) as client:
        client.wait_for_workers(1, timeout=60)
        killer = threading.Thread(target=lambda: (wait_for_lines(path, 20), scheduler.kill()))
        killer.start()
        with pytest.raises(RuntimeError, match=r"^executor has lost its workers"):
            run(executor=client.get_executor(), path=path)
        killer.join()
    assert 20 <= len(path.read_text().splitlines()) < serial.trials.size
    assert_array_equal(run(path=path).trials, serial.trials)


CELL = """
from distributed import Client, LocalCluster
from scaling_laws.experiments import sweep
from scaling_laws.latent import LatentModel
from scaling_laws.spectra import PowerLaw
# an interrupt goes to the whole process group of a kernel, and Dask's workers would not come back from it
deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, preload=deaf)
client = Client(cluster)
arguments = LatentModel(PowerLaw(1.0, 2000)), [100, 150], 120, [1e-3, 0.1]
options = dict(n_trials=%d, path=%r, executor=client.get_executor())
"""


def test_an_interrupt_in_a_notebook_keeps_what_is_done_and_the_cluster(serial, tmp_path):
    path = tmp_path / "sweep.csv"
    manager, kernel = start_new_kernel()

    def cell(code):
        reply = kernel.execute_interactive(code, timeout=120, output_hook=lambda message: None)["content"]
        return reply.get("ename")

    try:
        assert cell(CELL % (GRID["n_trials"], str(path))) is None
        interrupt = threading.Thread(target=lambda: (wait_for_lines(path, 20), manager.interrupt_kernel()))
        interrupt.start()
        assert cell("run = sweep(*arguments, **options)") == "KeyboardInterrupt"
        interrupt.join()
        assert 20 <= len(path.read_text().splitlines()) < serial.trials.size
        assert cell("run = sweep(*arguments, **options)") is None
        assert cell("client.close(); cluster.close()") is None
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)
    assert_array_equal(run(path=path).trials, serial.trials)

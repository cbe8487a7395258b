#!/usr/bin/env bash
# Dask distributed 2026.8.0 in a notebook: interrupting a cell ends the workers of a LocalCluster, for good.
#
# A kernel starts a LocalCluster with two worker processes and submits a hundred short calls; then the kernel is
# interrupted, as by the stop button.
#   expected: KeyboardInterrupt in the cell, and a cluster that goes on: workers are processes of their own, and each has
#             a nanny that starts it again if it dies
#   seen:     KeyboardInterrupt in the cell, and in both workers, as Jupyter sends the signal to the kernel's whole process
#             group. No nanny starts them again. The client's status is still "running", with no workers. Workers that
#             ignore the signal (`preload`) stay
# Why it matters: one stops a long simulation to look at what is there, and runs the cell again: nobody is left to compute
# it, and nothing says so. The stop button belongs to a notebook, and LocalCluster is what Dask's own pages start there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet distributed==2026.8.0 dask==2026.8.0 jupyter_client==8.10.0 ipykernel==7.4.0
cat >"$folder/stop.py" <<'PY'
import os
import threading

from jupyter_client.manager import start_new_kernel

os.environ["IPYTHONDIR"] = os.path.dirname(os.path.abspath(__file__))
START = """
import time
from distributed import Client, LocalCluster

def call(number):
    time.sleep(0.1)
    return number

cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, preload={preload!r})
client = Client(cluster)
executor = client.get_executor()
"""
WORK = "results = [future.result() for future in [executor.submit(call, number) for number in range(100)]]"
LOOK = """
time.sleep(15)  # for the nannies
print(client.status, len(client.scheduler_info()["workers"]))
"""


def run(preload):
    """What the stopped cell raised; the client's status and number of workers."""
    manager, kernel = start_new_kernel()

    def cell(code):
        printed = []
        note = lambda message: printed.append(message["content"].get("text", "") if message["msg_type"] == "stream" else "")
        reply = kernel.execute_interactive(code, timeout=120, output_hook=note)["content"]
        return reply.get("ename") or "".join(printed).strip().splitlines()[-1:]

    try:
        cell(START.format(preload=preload))
        threading.Timer(1.0, manager.interrupt_kernel).start()
        return [cell(WORK), cell(LOOK)]
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)


usual = run([])
print("usual:                     ", *usual)
deaf = run(["import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"])
print("workers ignore the signal: ", *deaf)
assert usual == ["KeyboardInterrupt", ["running 0"]], "changed: the workers of a LocalCluster"
assert deaf == ["KeyboardInterrupt", ["running 2"]], "changed: workers that ignore the signal"
PY
"$folder/venv/bin/python" "$folder/stop.py" 2>"$folder/log" || { tail -5 "$folder/log"; exit 1; }
echo "as found"

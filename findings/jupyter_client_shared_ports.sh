#!/usr/bin/env bash
# jupyter_client 8.10.0: kernels that several processes start at once are given the same port, and one of them dies.
#
# A parallel build of a book, or pytest-xdist over notebooks, starts kernels from several processes. Each kernel needs
# five ports, which jupyter_client picks before the kernel is there to take them.
#   expected: every kernel to get ports of its own, as for kernels that one process starts
#   seen:     six processes, a kernel each: in about 3 starts of a hundred two kernels share a port. The second one
#             ends with "Address already in use", and nbclient with "Kernel died before replying to kernel_info"
# The ports that were given are remembered, but in the memory of one process; the system, which picks at random, takes
# them for free until the kernel binds them. jupyter_client's text says that other applications may do so
# (github.com/jupyter/jupyter_client/issues/487); here the other application is jupyter_client itself.
# Why it matters: a book that is built in parallel, or tested in parallel, fails now and then, and passes when one looks.
# Let each process look in a range of its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jupyter_client==8.10.0 ipykernel==7.4.0
export JUPYTER_RUNTIME_DIR="$folder/runtime" IPYTHONDIR="$folder/ipython"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import multiprocessing
import subprocess

from jupyter_client.connect import LocalPortCache
from jupyter_client.manager import KernelManager

PROCESSES, STARTS = 6, 1000


def ports_of_kernels(barrier, found):
    """What a kernel manager asks for when it starts a kernel; nothing is freed before all have asked."""
    ports = LocalPortCache.instance()
    for _ in range(STARTS):
        five = [ports.find_available_port("127.0.0.1") for _ in range(5)]
        found.send(five)
        barrier.wait()
        for port in five:
            ports.return_port(port)


def shares(readers, start):
    """Of the starts, those in which two processes were given the same port; within a process there is none."""
    clashes = 0
    for _ in range(start):
        given = [reader.recv() for reader in readers]
        assert all(len(set(five)) == 5 for five in given)
        clashes += len({port for five in given for port in five}) < 5 * len(readers)
    return clashes


context = multiprocessing.get_context("fork")
barrier, readers, processes = context.Barrier(PROCESSES), [], []
for _ in range(PROCESSES):
    reader, writer = context.Pipe(duplex=False)
    processes.append(context.Process(target=ports_of_kernels, args=(barrier, writer)))
    readers.append(reader)
for process in processes:
    process.start()
clashes = shares(readers, STARTS)
for process in processes:
    process.join()
print(f"{PROCESSES} processes, a kernel each: in {clashes} of {STARTS} starts two are given the same port")

first = KernelManager()
first.start_kernel(stderr=subprocess.DEVNULL)
client = first.client()
client.start_channels()
client.wait_for_ready(timeout=60)
second = KernelManager(shell_port=first.shell_port, cache_ports=False)
with open("second.log", "w") as log:
    second.start_kernel(stderr=log, stdout=log)
    client = second.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        said = "it runs"
    except RuntimeError as error:
        said = str(error)
second.shutdown_kernel(now=True)
first.shutdown_kernel(now=True)
in_use = "Address already in use" in open("second.log").read()
print(f"a kernel whose port is taken: {said}; in its log 'Address already in use': {in_use}")
assert clashes >= 2, "changed: no port is given to two processes"
assert in_use and "Kernel died" in said, "changed: a taken port is no trouble"
PY
echo "as found"

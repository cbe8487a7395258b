"""Kernels of several processes must not be given the same port."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

EXTENSIONS = Path(__file__).parents[1] / "book" / "_ext"
ASK = """
import sys
sys.path.insert(0, sys.argv[1])
from kernel_ports import use_own_ports
use_own_ports()
from jupyter_client.connect import LocalPortCache
print(*(LocalPortCache.instance().find_available_port("127.0.0.1") for _ in range(60)))
sys.stdin.read()
"""


@pytest.fixture
def kernel_ports(monkeypatch):
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    import kernel_ports

    yield kernel_ports
    kernel_ports.LocalPortCache.clear_instance()
    kernel_ports.OwnPorts.clear_instance()


def test_processes_that_start_side_by_side_are_given_different_ports():
    command = [sys.executable, "-c", ASK, str(EXTENSIONS)]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)]
    found = [int(port) for process in started for port in process.stdout.readline().split()]
    for process in started:
        process.communicate()
    assert len(found) == len(set(found)) == 180
    assert all(10_000 <= port < 32_000 for port in found)


def test_ports_that_are_taken_are_passed_over_and_ports_that_came_back_are_given_again(kernel_ports):
    ports = kernel_ports.OwnPorts()
    first = ports.find_available_port("127.0.0.1")
    with socket.socket() as other:
        other.bind(("127.0.0.1", first + 1))
        assert ports.find_available_port("127.0.0.1") == first + 2
    ports.return_port(first)
    assert ports.find_available_port("127.0.0.1") == first


def test_kernel_managers_ask_the_new_ports(kernel_ports):
    kernel_ports.LocalPortCache.instance()  # one that was there before
    kernel_ports.use_own_ports()
    assert type(kernel_ports.LocalPortCache.instance()) is kernel_ports.OwnPorts


def test_when_no_port_of_the_range_is_free_the_system_gives_one(kernel_ports, monkeypatch):
    monkeypatch.setattr(kernel_ports, "is_free", lambda ip, port: False)
    assert kernel_ports.OwnPorts().find_available_port("127.0.0.1") >= 32_000

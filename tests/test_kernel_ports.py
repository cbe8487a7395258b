"""Kernels of several processes must not be given the same port."""

import socket
import subprocess
import sys
from pathlib import Path

from _ext import kernel_ports
from _ext.kernel_ports import LocalPortCache, OwnPorts, use_own_ports

BOOK = Path(__file__).parents[1] / "book"
ASK = """
import sys
sys.path.insert(0, sys.argv[1])
from _ext.kernel_ports import LocalPortCache, use_own_ports
use_own_ports()
print(*(LocalPortCache.instance().find_available_port("127.0.0.1") for _ in range(60)))
sys.stdin.read()
"""


def test_processes_that_start_side_by_side_are_given_different_ports():
    command = [sys.executable, "-c", ASK, str(BOOK)]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)]
    found = [int(port) for process in started for port in process.stdout.readline().split()]
    for process in started:
        process.communicate()
    assert len(found) == len(set(found)) == 180
    assert all(10_000 <= port < 32_000 for port in found)


def test_ports_that_are_taken_are_passed_over_and_ports_that_came_back_are_given_again():
    ports = OwnPorts()
    first = ports.find_available_port("127.0.0.1")
    with socket.socket() as other:
        other.bind(("127.0.0.1", first + 1))
        assert ports.find_available_port("127.0.0.1") == first + 2
    ports.return_port(first)
    assert ports.find_available_port("127.0.0.1") == first


def test_kernel_managers_ask_the_new_ports_however_often_they_are_put_to_use():
    OwnPorts.clear_instance()
    LocalPortCache.instance()  # of a kernel that was started before
    for _ in range(2):  # by the settings of two folders
        use_own_ports()
        assert type(LocalPortCache.instance()) is OwnPorts


def test_when_no_port_of_the_range_is_free_the_system_gives_one(monkeypatch):
    monkeypatch.setattr(kernel_ports, "is_free", lambda ip, port: False)
    assert OwnPorts().find_available_port("127.0.0.1") >= 32_000

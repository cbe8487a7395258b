"""Ports for kernels that start side by side, in several processes.

jupyter_client (8.10.0) asks the system for a free port and lets it go until the kernel takes it; meanwhile another
process, or a connection, may be given the same one. Such a kernel dies at its start. Here each process looks in a
range of its own, out of reach of what systems give to connections.
"""

import os
import socket

from jupyter_client.connect import LocalPortCache

FIRST, LAST = 10_000, 32_000
STRIDE = 64  # a kernel takes five, and gives them back late


class OwnPorts(LocalPortCache):
    """What all kernel managers of this process ask for a port, once `use_own_ports` was called."""

    def find_available_port(self, ip):
        size = LAST - FIRST
        start = STRIDE * (os.getpid() % (size // STRIDE))
        for step in range(size):
            port = FIRST + (start + step) % size
            if port not in self.currently_used_ports and is_free(ip, port):
                self.currently_used_ports.add(port)
                return port
        return super().find_available_port(ip)


def is_free(ip, port):
    with socket.socket() as tried:
        try:
            tried.bind((ip, port))
        except OSError:
            return False
    return True


def use_own_ports():
    for kind in (OwnPorts, LocalPortCache):  # those of an earlier call, and of a kernel before it
        kind.clear_instance()
    OwnPorts.instance()

"""For `pytest --nbval`, which runs notebooks side by side."""

from _ext.kernel_ports import use_own_ports

use_own_ports()

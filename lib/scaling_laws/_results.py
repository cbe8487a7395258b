"""The file of a sweep: comma-separated text, one line for every ridge of a trial, each with a checksum.

Lines are only ever added, all lines of some trials at once. What a kill or a full disk leaves of the last ones, and
what was changed by hand, fails its checksum: such lines are moved to a second file, and their trials run again.
"""

from __future__ import annotations

import csv
import errno
import io
import os
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

try:
    import fcntl
except ImportError:  # Windows: two sweeps that write to one file are not told apart there
    fcntl = None

IN_USE: set[Path] = set()  # files of this process, which the operating system's lock does not keep apart
SWEEP = ("version", "spectrum", "weight_var", "feature_var", "average_teacher", "base_seed")  # the same in all lines
SETTING = ("n_features", "n_samples", "activation", "noise_var", "task_exponent")
COLUMNS = (*SWEEP, *SETTING, "seed", "trial", "ridge", "test_loss", "train_loss", "check")


class ResultsFile:
    """Trials of a sweep, in a file that grows; opened for one writer at a time.

    Parameters
    ----------
    path : str or os.PathLike, optional
        Where the file is, or will be; None keeps the trials in memory only.
    sweep : tuple of str
        What is the same in all lines, in the order of `SWEEP`.
    settings : dict from tuple of str to tuple
        For every setting of the grid, in the order of `SETTING`, its seed and its ridges, as text.

    Attributes
    ----------
    trials : dict from (setting, int) to ndarray, shape (2, n_ridges)
        Test and training losses of the trials that the file holds.

    Raises
    ------
    ValueError
        If the file is of another grid, or not of a sweep.
    OSError
        If it cannot be read, or written, or another sweep writes to it.
    """

    def __init__(self, path: str | os.PathLike | None, sweep: tuple, settings: dict[tuple, tuple]) -> None:
        self.sweep, self.settings, self.trials, self.file, self.held = sweep, settings, {}, None, False
        if path is None:
            return
        try:
            self.path = Path(path).resolve()
        except (TypeError, ValueError):
            raise ValueError(f"path must be a path, as text or pathlib.Path, or None; got {path!r}") from None
        self.file = open(self.path, "ab+", buffering=0)
        try:
            self._lock()
            IN_USE.add(self.path)
            self.held = True
            self.trials, damaged = self._read()
            if damaged:
                self._set_aside(damaged)
            if self.file.seek(0, os.SEEK_END) == 0:
                self._write(",".join(COLUMNS) + "\n")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ResultsFile:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        if self.file:
            self.file.close()
        if self.held:
            IN_USE.discard(self.path)

    def append(self, setting: tuple, trials: Iterable[int], losses: np.ndarray) -> None:
        """Add trials of a setting, all or none; `losses` has shape (n_trials, 2, n_ridges)."""
        seed, ridges = self.settings[setting]
        lines = []
        for trial, pair in zip(trials, losses, strict=True):
            self.trials[setting, trial] = pair
            for ridge, test, train in zip(ridges, *pair.tolist(), strict=True):
                body = _line((*self.sweep, *setting, seed, str(trial), ridge, repr(test), repr(train)))
                lines.append(f"{body},{_checksum(body)}\n")
        if self.file:
            self._write("".join(lines))

    def _write(self, text: str) -> None:
        size, data = self.file.seek(0, os.SEEK_END), text.encode()
        try:
            if self.file.write(data) != len(data):  # what is left of a disk took a part
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self.file.truncate(size)
            message = f"{error.strerror}; all trials before are in the file, and a new call goes on from there"
            raise OSError(error.errno, message, str(self.path)) from None

    def _lock(self) -> None:
        if self.path in IN_USE:
            raise BlockingIOError(errno.EAGAIN, "another sweep of this program writes to this file", str(self.path))
        self._lock_for_others()

    def _lock_for_others(self) -> None:
        if fcntl is not None:
            try:
                # of this process: what it forks does not keep the lock when it is killed, as with flock
                fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError) as error:  # the standard allows both
                raise BlockingIOError(error.errno, "another sweep writes to this file", str(self.path)) from None

    def _read(self) -> tuple[dict, dict[int, str]]:
        """The complete trials, and the lines, by number, that do not belong to one."""
        self.file.seek(0)
        header, *lines = self.file.read().decode(errors="replace").split("\n")
        if not header and not lines:
            return {}, {}
        if header != ",".join(COLUMNS) or not lines:
            raise ValueError(
                f"path must be a sweep's file, with the first line {','.join(COLUMNS)!r};"
                f" {self.path} has {header!r:.300}"
            )
        damaged, found = {}, {}  # lines by number; numbers, lines and losses by trial and ridge
        for number, line in enumerate(lines, start=2):
            body, _, check = line.rpartition(",")
            if check != _checksum(body) or number == len(lines) + 1:  # the last one has no end
                damaged[number] = line
            else:
                setting, trial, ridge, losses = self._parse(number, body)
                found.setdefault((setting, trial), {}).setdefault(ridge, []).append((number, line, losses))
        if not damaged[len(lines) + 1]:
            del damaged[len(lines) + 1]
        return self._complete(found, damaged), damaged

    def _parse(self, number: int, body: str) -> tuple[tuple, int, str, tuple]:
        """Setting, trial, ridge and losses of a line that is sound; an error if it is of another grid."""
        fields = dict(zip(COLUMNS, next(csv.reader([body])), strict=False))
        setting = tuple(fields[name] for name in SETTING)
        for name, ours in zip(SWEEP, self.sweep, strict=True):
            if fields[name] != ours:
                self._refuse(number, f"{name} = {fields[name]}, this sweep has {ours}")
        if setting not in self.settings:
            self._refuse(number, ", ".join(map(" = ".join, zip(SETTING, setting, strict=True))) + ", not in this grid")
        if fields["ridge"] not in self.settings[setting][1]:
            self._refuse(number, f"ridge = {fields['ridge']}, not in this grid")
        return setting, int(fields["trial"]), fields["ridge"], (float(fields["test_loss"]), float(fields["train_loss"]))

    def _refuse(self, number: int, what: str) -> None:
        raise ValueError(f"path must be a file of this sweep, or a new one: line {number} of {self.path} has {what}")

    def _complete(self, found: dict, damaged: dict) -> dict:
        """Trials with all their ridges, each with one pair of losses; the lines of others are damaged too."""
        n_unsound = len(damaged)
        trials, cut = {}, {}
        for (setting, trial), of_ridge in found.items():
            losses = [{pair for *_, pair in of_ridge.get(ridge, ())} for ridge in self.settings[setting][1]]
            if all(len(pairs) == 1 for pairs in losses):
                trials[setting, trial] = np.array([pair for (pair,) in losses]).T
                continue
            lines = {number: line for entries in of_ridge.values() for number, line, _ in entries}
            if not all(losses):
                cut[min(lines)] = next(
                    r for r, pairs in zip(self.settings[setting][1], losses, strict=True) if not pairs
                )
            damaged |= lines
        if len(cut) > 1 + n_unsound:  # a kill cuts one trial
            number, ridge = min(cut.items())
            self._refuse(number, f"no line with ridge = {ridge} for its trial, which this grid has")
        return trials

    def _set_aside(self, damaged: dict[int, str]) -> None:
        """Move lines to a second file; the first is replaced in one step."""
        aside = self.path.with_name(self.path.name + ".damaged")
        self.file.seek(0)
        lines = self.file.read().decode(errors="replace").split("\n")
        kept = [line for number, line in enumerate(lines[:-1], start=1) if number not in damaged]
        with open(aside, "a", encoding="utf-8", newline="") as file:
            file.write("".join(line + "\n" for line in damaged.values()))
        handle, new = tempfile.mkstemp(prefix=self.path.name, dir=self.path.parent)
        with open(handle, "wb") as file:
            file.write("".join(line + "\n" for line in kept).encode())
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(self.path, new)
        os.replace(new, self.path)
        self.file.close()
        self.file = open(self.path, "ab+", buffering=0)
        self._lock_for_others()
        numbers = ", ".join(map(str, sorted(damaged)[:10])) + (", ..." if len(damaged) > 10 else "")
        warnings.warn(
            f"{self.path}: {len(damaged)} damaged or incomplete line(s), number {numbers}, moved to {aside};"
            " their trials run again",
            stacklevel=4,
        )


def _line(fields: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"

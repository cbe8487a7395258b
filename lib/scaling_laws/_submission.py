"""Runs the cells of one submitted notebook and reports its answers: `grade` starts it as a process of its own.

It gives no marks. What it writes comes from a process in which a student's code has run, and is only data.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from .exercises import ANSWERS, _as_floats, _Function

MOST_NUMBERS = 10_000  # of an answer, and of what a function returns: the checks ask for far fewer
MOST_TEXT = 200


class Shell(InteractiveShell):
    """Cells run as in Jupyter, with its magics; there is no window to show anything in."""

    def enable_gui(self, gui: str | None = None) -> None:
        """Take %matplotlib without complaint."""


def main() -> None:
    """Run the cells that stand in the standard input, and write what their answers are to the standard output.

    The cells themselves print nowhere: they may print without end.
    """
    task = json.load(sys.stdin)
    settings = Config()
    settings.HistoryManager.enabled = False
    shell = Shell.instance(config=settings)
    close(task["closed"])
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as report, open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        for source, label in task["cells"]:
            result = shell.run_cell(source)
            if label is not None:
                # taken away, so that no answer counts for the next exercise as well
                answer = described(shell.user_ns.pop("answer", None), label)
                error = said(result.error_before_exec or result.error_in_exec)
                print(json.dumps({"label": label, "answer": answer, "error": error}), file=report, flush=True)


def close(folders: Iterable[str]) -> None:
    """Refuse all that Python does with files in these folders: what others handed in, and the checks."""
    closed = tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)

    def refuse(event: str, arguments: tuple) -> None:
        if event == "open" or event.startswith(("os.", "shutil.")):
            for path in arguments[:2]:
                if isinstance(path, (str, bytes, os.PathLike)):
                    place = os.path.realpath(os.fsdecode(path))
                    if os.path.join(place, "").startswith(closed):
                        raise PermissionError(f"closed to submissions: {place}")

    sys.addaudithook(refuse)


def described(answer: Any, label: str) -> dict:
    """An answer in a form that JSON takes; a function by what it returns for the arguments of the check."""
    if answer is None:
        return {"kind": "none"}
    if callable(answer):
        task = ANSWERS[label]
        tried = [outcome(answer, arguments) for arguments in task.arguments()] if isinstance(task, _Function) else []
        return {"kind": "function", "outcomes": tried}
    try:
        numbers = _as_floats(answer)
    except Exception:  # an object may do anything when it is asked for its numbers
        if isinstance(answer, str):
            return {"kind": "text", "text": answer[:MOST_TEXT]}
        if isinstance(answer, np.ndarray):
            answer = answer.tolist()
        if isinstance(answer, (list, tuple)):
            return {"kind": "names", "names": [str(one)[:MOST_TEXT] for one in answer[:MOST_NUMBERS]]}
        return {"kind": "other", "type": type(answer).__name__}
    few = numbers.size <= MOST_NUMBERS
    return {"kind": "numbers", "shape": numbers.shape, "values": numbers.ravel().tolist() if few else None}


def outcome(function: Any, arguments: tuple) -> dict:
    """What a function returns, as `described`, or raises."""
    try:
        returned = function(*arguments)
    except Exception as error:
        return {"kind": "raised", "type": type(error).__name__, "text": str(error)[:MOST_TEXT]}
    if callable(returned):
        return {"kind": "other", "type": type(returned).__name__}
    return described(returned, "")


def said(error: BaseException | None) -> str:
    """An error in one line; empty if there is none."""
    return f"{type(error).__name__}: {error}"[:MOST_TEXT] if error else ""


if __name__ == "__main__":
    main()

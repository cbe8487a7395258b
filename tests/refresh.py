"""Run notebooks and store their text outputs, without images: python tests/refresh.py book/*.ipynb

Diffs stay readable that way, and `pytest --nbval` compares every stored text output.
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from reading import state_reading_time

TIMEOUT = 120  # seconds a cell may take
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
# Images, and widget views: their model ids change on every run. nbval compares none of these.
DROPPED = {"image/png", "image/jpeg", "image/svg+xml", "application/vnd.jupyter.widget-view+json"}


def strip(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove, in place, what makes diffs large or noisy; text outputs and counts stay."""
    notebook.metadata["kernelspec"] = KERNEL
    notebook.metadata.get("language_info", {}).pop("version", None)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            for kind in DROPPED:
                output.get("data", {}).pop(kind, None)
                output.get("metadata", {}).pop(kind, None)
    return notebook


def run(path: Path) -> nbformat.NotebookNode:
    """The notebook at `path`, executed in a fresh kernel in its own folder, and stripped."""
    notebook = nbformat.read(path, as_version=4)
    state_reading_time(notebook)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(path.resolve().parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,  # else the pieces a stream arrives in depend on timing
        shutdown_kernel="immediate",  # a kernel that is asked to end takes seconds for it now and then
    )
    return strip(client.execute())


def main(paths: list[str]) -> int:
    failures = 0
    for path in map(Path, paths):
        start = time.perf_counter()
        try:
            text = nbformat.writes(run(path)) + "\n"
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            failures += 1
            result = f"failed, left as it was\n{error}"
        else:
            changed = text != path.read_text(encoding="utf-8")
            if changed:
                path.write_text(text, encoding="utf-8")
            result = "written" if changed else "unchanged"
        print(f"{time.perf_counter() - start:6.1f} s  {path}  {result}", flush=True)
    return int(failures > 0 or not paths)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Figures for the page "Tools of the trade": executors, tables, exports, notebooks. Run by rows_notebooks.sh."""

import concurrent.futures
import multiprocessing
import subprocess
import sys
import warnings

import array_api_strict
import dask.array
import joblib
import jupytext
import nbformat
import numpy as np
import onnxruntime
import papermill
import polars
import sklearn
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from rows import expect, heading
from skl2onnx import to_onnx
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, Ridge

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def draw_global(_):
    return np.random.standard_normal()  # noqa: NPY002 (the global state is the point)


def forked_workers():
    heading("NumPy's global generator in workers: different numbers of 8", "joblib")
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        forked = [future.result() for future in [executor.submit(draw_global, 0) for _ in range(8)]]
    spread = joblib.Parallel(n_jobs=2)(joblib.delayed(draw_global)(0) for _ in range(8))
    print(f"concurrent.futures, fork: {len(set(forked))}; joblib: {len(set(spread))}")
    expect(len(set(forked)) < 8 == len(set(spread)), "NumPy's global numbers in workers")
    repeats = []
    for _ in range(2):
        np.random.seed(0)  # noqa: NPY002
        repeats.append(joblib.Parallel(n_jobs=2)(joblib.delayed(draw_global)(0) for _ in range(8)))
    equal = sorted(repeats[0]) == sorted(repeats[1])
    print(f"joblib, seeded by numpy.random.seed, twice: equal {equal}")
    expect(not equal, "a seed in the parent")


def chunked_noise():
    heading("dask.array, seed 0, cut in other chunks", "dask")
    one, two = (dask.array.random.default_rng(0).standard_normal(8, chunks=size).compute() for size in (8, 4))
    plain = np.random.default_rng(0).standard_normal(8)
    same = np.array_equal(one, two), np.array_equal(one, plain)
    print(f"equal to other chunks: {same[0]}, one chunk equal to NumPy: {same[1]}")
    expect(not any(same), "numbers of dask.array")


def tables():
    heading("polars into scikit-learn", "polars", "scikit-learn")
    x = np.random.default_rng(0).standard_normal((30, 3))
    table, y = polars.DataFrame(x, schema=["a", "b", "c"]), polars.Series(x @ [1.0, 2.0, 3.0])
    model = LinearRegression().fit(table, y)
    print("coefficients", model.coef_.round(6))
    for name, other in [("columns in another order", table.select("c", "b", "a")), ("lazy", table.lazy())]:
        try:
            print(name, model.predict(other)[:2])
            expect(False, f"polars, {name}: it is taken")
        except (TypeError, ValueError) as error:
            print(f"{name}: {type(error).__name__}, {str(error).splitlines()[0]}")


def onnx():
    heading("export, kernel regression of sin(6x) without noise: error", "skl2onnx", "onnxruntime")
    rng = np.random.default_rng(0)
    x, grid = rng.uniform(0, 1, (60, 1)), np.linspace(0, 1, 200)[:, None]
    y, truth = np.sin(6 * x[:, 0]), np.sin(6 * grid[:, 0])
    for ridge in (1e-3, 1e-6, 1e-10):
        model = GaussianProcessRegressor(RBF(0.5), alpha=ridge, optimizer=None).fit(x, y)
        errors = [model.predict(grid) - truth]
        for kind in (np.float64, np.float32):
            session = onnxruntime.InferenceSession(to_onnx(model, x[:1].astype(kind)).SerializeToString())
            errors.append(np.ravel(session.run(None, {"X": grid.astype(kind)})[0]) - truth)
        root = [np.sqrt(np.mean(error**2)) for error in errors]
        print(f"ridge {ridge:.0e}: scikit-learn {root[0]:.1e}, ONNX float64 {root[1]:.1e}, float32 {root[2]:.1e}")
        expect(abs(root[1] / root[0] - 1) < 0.1 and (root[2] > 10 * root[0]) == (ridge == 1e-10), "export to ONNX")
    for model in (Ridge(), KernelRidge(), RBFSampler(), Nystroem(n_components=20)):
        try:
            to_onnx(model.fit(x, y), x[:1])
            said = "exported"
        except Exception as error:
            said = type(error).__name__
        print(f"{type(model).__name__}: {said}")
        expect((said == "exported") == isinstance(model, Ridge), f"export of {type(model).__name__}")


def array_api():
    heading(
        "Ridge with array-API dispatch, N = T = 60, no noise: mean squared error", "scikit-learn", "array-api-strict"
    )
    rng, scales = np.random.default_rng(0), np.arange(1, 61) ** -1.0
    x, new, weights = (
        rng.standard_normal((60, 60)) * scales,
        rng.standard_normal((200, 60)) * scales,
        rng.standard_normal(60),
    )
    y = x @ weights
    for kind in (np.float64, np.float32):
        for ridge in (1.0, 1e-6, 0.0):
            found = []
            for convert, solver in [(np.asarray, "auto"), (np.asarray, "svd"), (array_api_strict.asarray, "svd")]:
                with sklearn.config_context(array_api_dispatch=True), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    model = Ridge(ridge, solver=solver, fit_intercept=False)
                    model.fit(convert(x.astype(kind)), convert(y.astype(kind)))
                    predicted = np.asarray(model.predict(convert(new.astype(kind))))
                found.append(np.mean((predicted - new @ weights) ** 2))
            print(f"{kind.__name__}, ridge {ridge:.0e}: auto {found[0]:.1e}, svd {found[1]:.1e}, other {found[2]:.1e}")
            expect(abs(found[2] / found[1] - 1) < 0.01, "Ridge on another array library")
            if kind is np.float32 and ridge == 0:
                expect(found[0] > 1000 * found[1], "zero ridge in float32")


def notebook(*cells):
    return new_notebook(cells=list(cells), metadata={"kernelspec": KERNEL})


def passes(one):
    nbformat.write(one, "one.ipynb")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-q", "one.ipynb"], capture_output=True, text=True
    )
    return done.returncode == 0


def compared():
    heading("what nbval compares", "nbval", "anywidget", "ipywidgets")
    never = passes(notebook(new_code_cell("print('loss', 1.5)")))
    print("never executed, prints now, passes:", never)
    silent = NotebookClient(notebook(new_code_cell("pass"))).execute()
    silent.cells[0].source = "print('loss', 1.5)"
    once = passes(silent)
    print("executed without output, prints now, passes:", once)
    expect(never and not once, "what nbval compares")
    widgets = {
        "ipywidgets": "import ipywidgets\nipywidgets.FloatSlider(value=1.0)",
        "anywidget": "import anywidget, traitlets\nclass Slider(anywidget.AnyWidget):\n"
        "    _esm = 'export default {render() {}}'\n    value = traitlets.Float(1.0).tag(sync=True)\nSlider()",
    }
    for name, source in widgets.items():
        stored = NotebookClient(notebook(new_code_cell(source))).execute()
        same = passes(stored)
        stored.cells[0].source = source.replace("1.0", "2.0")
        other = passes(stored)
        print(f"{name}: the same passes {same}, another value passes {other}")
        expect(same == (name == "ipywidgets") and not other, f"nbval and {name}")


def parameters():
    heading("papermill, what a parameter becomes", "papermill")
    first = new_code_cell("sizes = [1]", metadata={"tags": ["parameters"]})
    nbformat.write(notebook(first, new_code_cell("print(repr(sizes), type(sizes).__name__)")), "in.ipynb")
    options = {"progress_bar": False, "log_output": False}
    for value, expected in (([100, 200], "[100, 200] list"), ((100, 200), "'(100, 200)' str")):
        done = papermill.execute_notebook("in.ipynb", "out.ipynb", parameters={"sizes": value}, **options)
        found = done.cells[-1].outputs[0].text.strip()
        print(f"{value!r}: {found}")
        expect(found == expected, f"papermill with {value}")
    for words, expected in (
        (["-p", "sizes", "1e-3"], "0.001 float"),
        (["-y", "sizes: 1e-3"], "'1e-3' str"),
        (["-y", "sizes: 1.0e-3"], "0.001 float"),
    ):
        subprocess.run(
            [sys.executable, "-m", "papermill", "in.ipynb", "out.ipynb", *words], capture_output=True, check=True
        )
        found = nbformat.read("out.ipynb", 4).cells[-1].outputs[0].text.strip()
        print(f"{words}: {found}")
        expect(found == expected, f"papermill with {words}")


def as_text():
    heading("a page of a book as text and back: what has changed", "jupytext")
    figure = {
        "caption": "Loss against $N$, {cite:t}`hoffmann2022training`.",
        "name": "fig-loss",
        "alt": 'A "line": it falls.',
    }
    page = notebook(
        new_markdown_cell("# A page"),
        new_markdown_cell("```{admonition} Before you start\n:class: tip\nSee {ref}`fig-loss` and {eq}`eq-law`.\n```"),
        new_markdown_cell("$$\nL = N^{-\\alpha}\n$$ (eq-law)"),
        new_code_cell("plot()", metadata={"tags": ["hide-input"], "mystnb": {"figure": figure}}),
    )
    page.cells[-1].outputs = [nbformat.v4.new_output("stream", text="L = 2\n")]
    for form in ("md:myst", "py:percent", "md"):
        back = jupytext.reads(jupytext.writes(page, form), form)
        same = [one.source for one in back.cells] == [one.source for one in page.cells]
        labels = back.cells[-1].metadata == page.cells[-1].metadata
        ids = {one.id for one in back.cells} & {one.id for one in page.cells}
        outputs = bool(back.cells[-1].outputs)
        kept = f"texts {same}, captions and labels {labels}, ids {len(ids)}, outputs {outputs}"
        print(f"{form:10} cells {len(back.cells)} of 4, {kept}")
        expect(labels and same == (form != "md") and not ids and not outputs, f"jupytext, {form}")
    nbformat.write(page, "page.ipynb")
    jupytext.write(page, "page.md", fmt="md:myst")
    with open("page.md") as file:
        text = file.read()
    with open("page.md", "w") as file:
        file.write(text.replace("# A page", "# The page"))
    command = [sys.executable, "-m", "jupytext", "--quiet", "--to", "ipynb", "--update", "page.md"]
    subprocess.run(command, check=True)
    back = nbformat.read("page.ipynb", 4)
    ids = {one.id for one in back.cells} & {one.id for one in page.cells}
    print(f"--update after a change of the text: ids {len(ids)} of 4, outputs {bool(back.cells[-1].outputs)}")
    expect(len(ids) == 4 and back.cells[-1].outputs and back.cells[0].source == "# The page", "jupytext --update")


if __name__ == "__main__":
    for part in (forked_workers, chunked_noise, tables, onnx, array_api, compared, parameters, as_text):
        part()

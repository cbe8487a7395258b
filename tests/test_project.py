"""What surrounds the chapters: the package's front door, make, and the book's own extensions."""

import copy
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from jupyter_client import KernelManager
from nbformat.v4 import new_output

import scaling_laws
from scaling_laws import theory
from scaling_laws.spectra import PowerLaw

ROOT = Path(__file__).parents[1]


def test_modules_are_reached_from_the_package_and_it_knows_its_version():
    code = "import scaling_laws as s; s.theory.test_loss; s.spectra.PowerLaw; print(s.__version__, *dir(s))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert out[0][0].isdigit() and {"theory", "spectra", "plotting"} <= set(out)
    with pytest.raises(AttributeError, match="no_such_module"):
        scaling_laws.no_such_module  # noqa: B018


@pytest.fixture
def extension(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    return importlib.import_module


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def test_what_a_cell_prints_in_pieces_stands_as_it_was_printed(extension):
    pieces = [stream("R"), stream(" agrees: True\n"), new_output("display_data"), stream("\n\nend"), stream(" x\n")]
    for cuts in [pieces, [stream("R agrees: True\n"), pieces[2], stream("\n\nend x\n")]]:
        merged = extension("offline_page").join_streams(copy.deepcopy(cuts))
        assert [o.output_type for o in merged] == ["stream", "display_data"]
        assert merged[0].text == "R agrees: True\n\n\nend x\n"
    assert extension("offline_page").join_streams([]) == []


def test_pages_rest_on_the_packages_that_the_book_needs_and_on_no_others(extension, tmp_path, monkeypatch):
    def install(name, version, needs=()):
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            f"Version: {version}",
            *(f"Requires-Dist: {n}" for n in needs),
        ]
        (folder / "METADATA").write_text("\n".join(lines))

    needed, wanted = extension("parallel_build").needed, tmp_path / "requirements.txt"
    wanted.write_text("# a remark\n\nNot_Yet.There>=1\nnumpy==2.4\n\n-e .\n")
    (numpy,) = needed(wanted)
    assert numpy.startswith("numpy ")
    monkeypatch.syspath_prepend(str(tmp_path))
    install("other", "1.0")
    assert needed(wanted) == [numpy]
    install("below", "2.0", ["not-yet-there"])
    install("not_yet_there", "1.5", ["below>1", "other; extra == 'more'", "other; python_version < '3'"])
    assert needed(wanted) == ["below 2.0", "not-yet-there 1.5", numpy]
    of_the_book = {line.split()[0] for line in needed(ROOT / "requirements.txt")}
    assert {"numpy", "matplotlib", "jupyter-book", "sphinx", "pygments"} <= of_the_book


@pytest.fixture
def checkout(tmp_path):
    """A folder with the project's Makefile, and a function that runs make there."""
    for name in ["Makefile", "requirements.txt", "pyproject.toml"]:
        shutil.copy(ROOT / name, tmp_path)

    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "IPYTHONDIR"))}

    def make(*arguments, **environment):
        return subprocess.run(
            ["make", *arguments], cwd=tmp_path, env=outer | environment, capture_output=True, text=True
        )

    return tmp_path, make


def test_make_sees_that_an_environment_came_from_another_folder(checkout):
    folder, make = checkout
    ready = folder / ".venv" / ".ready"
    for place in [str(folder), "/some/other/folder"]:
        ready.parent.mkdir(exist_ok=True)
        ready.write_text(place)
        run = make("--dry-run", "book")
        assert run.returncode == 0
        assert ("another folder" in run.stdout) == (place != str(folder))
        assert ready.exists() == (place == str(folder))


@pytest.mark.parametrize(("uv_finds", "used"), [(True, ["pip uv", "uv"]), (False, ["pip uv", "uv", "pip"])])
def test_make_installs_with_pip_where_uv_finds_no_packages(checkout, uv_finds, used):
    folder, make = checkout
    tools = folder / "tools"
    tools.mkdir()
    python = 'case "$*" in "-m venv"*) mkdir .venv ;; *uv==*) echo pip uv >> log ;; *pip*) echo pip >> log ;; esac'
    for name, body in {"python": python, "uv": f"echo uv >> log; exit {int(not uv_finds)}"}.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    run = make("PYTHON=tools/python", "RUN=tools", ".venv/.ready")
    assert run.returncode == 0, run.stderr
    assert (folder / "log").read_text().splitlines() == used
    assert (folder / ".venv" / ".ready").read_text() == str(folder)


def test_make_serve_says_what_is_missing(checkout):
    folder, make = checkout
    assert "make book" in make("serve").stderr
    page = folder / "_build" / "html" / "book" / "intro.html"
    page.parent.mkdir(parents=True)
    page.touch()
    assert "in use" in make("serve", "PORT=1", "RUN=false;").stderr


def test_make_keeps_a_backend_for_scripts_away_from_the_notebooks(checkout):
    _, make = checkout
    show = make("--eval", 'show:; @echo "[$$MPLBACKEND][$$IPYTHONDIR]"', "show", MPLBACKEND="Agg").stdout
    assert show.startswith("[][") and "_build/ipython" in show


def test_text_files_keep_their_line_ends_on_every_system():
    assert "eol=lf" in (ROOT / ".gitattributes").read_text()


@pytest.fixture
def repository(tmp_path):
    """A repository with the project's rules for git, and a function that runs git there."""

    def git(*arguments):
        identity = ["-c", "user.name=n", "-c", "user.email=e"]
        return subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout

    git("init", "--quiet")
    for name in [".gitattributes", ".gitignore"]:
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path, git


def test_scripts_keep_their_line_ends_in_a_checkout_that_asks_for_crlf(repository):
    folder, git = repository
    script = folder / ".ci" / "run"
    script.parent.mkdir()
    shutil.copy(ROOT / ".ci" / "run", script)
    git("add", ".")
    script.unlink()
    git("-c", "core.autocrlf=true", "checkout", "--", ".ci/run")
    assert script.read_bytes() == (ROOT / ".ci" / "run").read_bytes() and b"\r" not in script.read_bytes()


def test_what_installing_and_building_leave_behind_is_not_tracked(repository):
    folder, git = repository
    for place in [
        "build/lib",
        "dist",
        "lib/scaling_laws.egg-info",
        "_build/html",
        ".venv",
        "lib/scaling_laws/__pycache__",
    ]:
        (folder / place).mkdir(parents=True)
        (folder / place / "file.py").touch()
    untracked = git("status", "--porcelain", "--untracked-files=all").split()[1::2]
    assert sorted(untracked) == [".gitattributes", ".gitignore"]


@pytest.mark.heavy
def test_tests_pass_where_pytest_cannot_write_its_cache(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "blocked").touch()  # a file where a folder is needed: nothing can be written below it
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-o", "cache_dir=blocked/cache", "test_one.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.heavy
def test_kernels_start_without_a_warning(checkout):
    folder, make = checkout
    (folder / ".venv").mkdir()
    (folder / ".venv" / ".ready").write_text(str(folder))
    ipython = folder / "_build" / "ipython"
    run = make(str(ipython / "profile_default" / "ipython_kernel_config.py"))
    assert run.returncode == 0, run.stderr
    kernel = KernelManager()
    kernel.start_kernel(stderr=subprocess.PIPE, env=os.environ | {"IPYTHONDIR": str(ipython)})
    try:
        client = kernel.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        client.shutdown()
        assert b"without encryption" not in kernel.provisioner.process.stderr.read()
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)


def test_containers_are_told_only_what_exists(checkout):
    folder, make = checkout
    shutil.copy(ROOT / "requirements-lab.txt", folder)
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "pages.yml").read_text())
    lines = [container["postCreateCommand"], (ROOT / ".binder" / "postBuild").read_text()]
    lines += [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    for line in lines:
        assert all((ROOT / path).exists() for path in re.findall(r"tools/\S+", line))
        for target in re.findall(r"^make (\S+)", line):
            assert make("--dry-run", target).returncode == 0, target
    upload = next(step for step in workflow["jobs"]["build"]["steps"] if "upload" in step.get("uses", ""))
    assert upload["with"]["path"] == "_build/html"
    assert os.access(ROOT / ".binder" / "postBuild", os.X_OK)
    for line in (ROOT / ".binder" / "requirements.txt").read_text().splitlines():
        assert (ROOT / ".binder" / line.removeprefix("-r ")).is_file()


@pytest.mark.heavy
def test_a_wheel_of_the_library_installs_into_an_empty_folder_and_runs_from_there(tmp_path):
    def pip(*arguments):
        return subprocess.run([sys.executable, "-m", "pip", "--quiet", *map(str, arguments)], cwd=tmp_path, check=True)

    source, site = tmp_path / "source", tmp_path / "site"
    for name in ["lib", "pyproject.toml", "LICENSE"]:
        copy_ = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        source.mkdir(exist_ok=True)
        copy_(ROOT / name, source / name)
    pip("wheel", "--no-deps", "--wheel-dir", tmp_path, source)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    modules = {f"scaling_laws/{path.name}" for path in (ROOT / "lib" / "scaling_laws").glob("*.py")}
    assert {name for name in names if "dist-info" not in name} == modules
    assert any(name.endswith("LICENSE") for name in names)
    pip("install", "--no-deps", "--target", site, wheel)
    code = (
        "import scaling_laws as s; print(s.__version__, s.__file__);"
        "print(s.theory.test_loss(s.spectra.PowerLaw(alpha=0.5, n_latent=10**15), 10**12, 10**13, ridge=1.0))"
    )
    outside = {"PYTHONPATH": str(site), "OPENBLAS_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | outside, capture_output=True, text=True, check=True
    )
    version, place, loss = run.stdout.split()
    assert version == scaling_laws.__version__ and place.startswith(str(site))
    assert float(loss) == theory.test_loss(PowerLaw(alpha=0.5, n_latent=10**15), 10**12, 10**13, ridge=1.0)


def test_pages_rest_on_every_file_that_a_chapter_opens(extension):
    rests_on, opened = extension("parallel_build").RESTS_ON, set()
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        code = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
        opened |= set(re.findall(r"""["'](data/[^"'{}]+)["']""", code))
    assert {"data/measured_law.csv", "data/real_spectra.json", "data/words.npz"} <= opened
    for name in opened:
        assert (ROOT / "book" / name).exists()
        assert any((ROOT / "book" / name).is_relative_to(ROOT / folder) for folder in rests_on)


def test_every_finding_is_listed_and_the_page_on_tools_names_only_what_is_there():
    scripts = {path.name for path in (ROOT / "findings").glob("*.sh")}
    listed = set(re.findall(r"`(\w+\.sh)`", (ROOT / "findings/README.md").read_text(encoding="utf-8")))
    named = set(re.findall(r"`(\w+\.sh)`", (ROOT / "book/tools.md").read_text(encoding="utf-8")))
    assert listed == scripts and named and named <= scripts


def test_every_script_can_be_run_by_its_name():
    for script in [*(ROOT / "findings").glob("*.sh"), ROOT / ".ci" / "run"]:
        assert script.read_text(encoding="utf-8").startswith("#!") and os.access(script, os.X_OK), script


def test_make_findings_says_which_have_changed(checkout):
    folder, make = checkout
    (folder / "findings").mkdir()
    for name, code in [("one", 0), ("two", 1), ("three", 0)]:
        (folder / "findings" / f"{name}.sh").write_text(f"echo seen: {name}\nexit {code}\n", encoding="utf-8")
    done = make("findings")
    seen = {line.split()[-1]: line.split()[0] for line in done.stdout.splitlines()}
    assert done.returncode and seen == {"one": "passed", "three": "passed", "two": "changed"}
    assert (folder / "_build" / "findings" / "two.log").read_text() == "seen: two\n"


def test_for_all_references_to_it_a_page_is_read_once(extension):
    read, kind = [], extension("fast_references").PagesReadOnce
    pages = kind(SimpleNamespace(get_doctree=lambda name: read.append(name) or name, found_docs={"one"}))
    assert [pages.get_doctree(name) for name in ("one", "two", "one", "one")] == ["one", "two", "one", "one"]
    assert read == ["one", "two"] and pages.found_docs == {"one"}


def test_the_longest_pages_are_the_first_at_work_and_no_page_waits_for_another(extension, tmp_path):
    for name, size in [("a.md", 20), ("b.ipynb", 300), ("c.md", 1), ("d.ipynb", 40)]:
        (tmp_path / name).write_text("x" * size)
    (tmp_path / "e.md").write_text("```{code-cell} ipython3")  # keeps no outputs: its size tells nothing
    chunks = extension("parallel_build").one_by_one(tmp_path, ["a", "b", "c", "d", "e"], 3)
    assert chunks == [["c"], ["a"], ["d"], ["b"], ["e"]]  # Sphinx takes from the end

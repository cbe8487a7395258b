"""Build the book on all cores, and again only what changed.

Reading a page means executing its notebook, and that takes nearly all the time. A page is read again when its own file,
or anything that all pages rest on, has another content than at the last build that ended well: never by a file's time,
which copies and checkouts do not keep. After any change all pages are written again, since they show each other's
numbers and titles.
"""

import compileall
import gc
import hashlib
import os
import sys
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from py_compile import PycInvalidationMode

import sphinx.builders
from jupyter_cache.executors.utils import single_nb_execution
from kernel_ports import use_own_ports
from myst_nb.core.execute import direct
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sphinx.util.parallel import parallel_available

RESTS_ON = ["lib", "book/_ext", "book/data", "book/references.bib", "requirements.txt", "_config.yml", "_toc.yml"]
LOOKS = ["book/_static"]
COMPLETE = "complete"  # beside what Sphinx stores: the last build ended without a warning


def digest(*paths):
    """Of the names and contents of files, those in folders included."""
    found = hashlib.sha256()
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts and "egg-info" not in str(file):
                found.update(f"\0{file.relative_to(path.parent)}\0".encode() + file.read_bytes())
    return found.hexdigest()


def needed(requirements):
    """Name and version of each package that a file asks for, and of all that these need: others may come and go."""
    names = [Requirement(line).name for line in requirements.read_text().splitlines() if line[:1].isalnum()]
    found = {}
    while names:
        name = canonicalize_name(names.pop())
        try:
            package = distribution(name) if name not in found else None
        except PackageNotFoundError:  # only for other systems
            package = None
        if package:
            found[name] = package.version
            needs = map(Requirement, package.requires or ())
            names += [need.name for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
    return [f"{name} {version}" for name, version in sorted(found.items())]


def use_all_cores(app, config):
    # Sphinx deals the pages out to as many processes: one more than cores, for each waits at times
    app.parallel = os.cpu_count() + 1 if parallel_available else 1
    sphinx.builders.make_chunks = partial(one_by_one, Path(app.srcdir))
    gc.disable()  # nearly all of millions of nodes stay: to look for others is a third of Sphinx's own work
    for extension in app.extensions.values():  # two say nothing: they work on the finished pages only
        for task in ("parallel_read_safe", "parallel_write_safe"):
            if getattr(extension, task) is None:
                setattr(extension, task, True)


def one_by_one(folder, pages, n_processes):
    """Each page alone; those that take longest are the first at work: text with code, and the largest notebooks."""

    def length(page):
        file = max(folder.glob(f"{page}.*"), key=lambda file: file.stat().st_size)
        return file.suffix == ".md" and "{code-cell}" in file.read_text(), file.stat().st_size

    return [[page] for page in sorted(pages, key=length)]  # Sphinx takes what waits from the end


def compile_by_content(app, config):
    # Python takes a compiled module for good if time and size of its source agree; these are compared with the content
    for folder in ("lib", "book/_ext"):
        mode = PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(Path(app.srcdir) / folder, quiet=2, force=True, invalidation_mode=mode)


def find_outdated(app, env, added, changed, removed):
    root, complete = Path(app.srcdir), Path(app.doctreedir) / COMPLETE
    common = [sys.version, *needed(root / "requirements.txt"), digest(*(root / name for name in RESTS_ON))]
    now = {name: [digest(Path(env.doc2path(name))), *common] for name in env.found_docs}
    looks = digest(*(root / name for name in LOOKS))
    before = getattr(env, "contents", {}) if complete.exists() else {}
    env.rewrite = before.get("looks") != looks or now != before.get("pages")
    env.contents = {"pages": now, "looks": looks}
    complete.unlink(missing_ok=True)
    return [name for name in now if now[name] != before.get("pages", {}).get(name)]


def write_all(app, env):
    return env.all_docs if env.rewrite else []


def remember(app, exception):
    if exception is None and not app._warncount:
        (Path(app.doctreedir) / COMPLETE).touch()


def setup(app):
    use_own_ports()
    # a kernel whose page is done has nothing to put in order, which takes it half a second, and now and then three
    direct.single_nb_execution = partial(single_nb_execution, shutdown_kernel="immediate")
    app.connect("config-inited", use_all_cores)
    app.connect("config-inited", compile_by_content)
    app.connect("env-get-outdated", find_outdated)
    app.connect("env-updated", write_all)
    app.connect("build-finished", remember)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

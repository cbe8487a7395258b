"""Write the book as one PDF, from the pages that 'make book' has built: python tools/print_book.py FILE

Nothing is executed again. Sphinx writes LaTeX, latexmk runs XeLaTeX as often as references need it. What the reader
would see as a fault is an error here: a missing character, a broken reference, a line that leaves the page.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCTREES = ROOT / "_build" / ".doctrees"
WORK = ROOT / "_build" / "latex"
NEEDED = {  # programs and files, and the Debian packages that have them
    "xelatex": "texlive-xetex",
    "latexmk": "latexmk",
    "pzdr.tfm": "texlive-fonts-recommended",
    "tcolorbox.sty": "texlive-latex-extra",
    "texgyrepagella-regular.otf": "fonts-texgyre",
    "texgyrepagella-math.otf": "fonts-texgyre-math",
}
NOT_PRINTED = {"sphinx_jupyterbook_latex", "sphinx_thebe"}  # extensions: one is replaced here, one is for live code
OVERFULL = re.compile(r"^Overfull \\hbox \(([\d.]+)pt too wide\).*$", flags=re.M)
FAULTS = re.compile(r"^(?:Missing character: .*|LaTeX Warning: .*(?:undefined|multiply defined).*|! .*)$", flags=re.M)
TOO_WIDE = 10  # points that no reader sees


def missing() -> list[str]:
    """Return the Debian packages that are missing."""

    def is_there(name):
        if "." not in name:
            return shutil.which(name)
        return subprocess.run(["kpsewhich", name], capture_output=True).returncode == 0

    tex = shutil.which("kpsewhich")
    return sorted({package for name, package in NEEDED.items() if not (tex and is_there(name))})


def macros(config: dict) -> str:
    """Return the formulas' macros, which MathJax has from the book's settings, for LaTeX."""
    found = config["mathjax3_config"]["tex"]["macros"]
    return "\n".join(rf"\AtBeginDocument{{\def\{name}{{{meaning}}}}}" for name, meaning in found.items())


def settings() -> dict:
    """Return the book's settings for Sphinx, with those of its printed form."""
    from jupyter_book.config import get_final_config

    given = {"external_toc_path": str(ROOT / "_toc.yml"), "latex_individualpages": False, "nitpicky": True}
    config, _ = get_final_config(user_yaml=ROOT / "_config.yml", sourcedir=ROOT, cli_config=given)
    config["extensions"] = [name for name in config["extensions"] if name not in NOT_PRINTED]
    config["extensions"] += ["sphinx_multitoc_numbering", "printed_book"]
    config |= {
        "latex_engine": "xelatex",
        "latex_documents": [("book/intro", "book.tex", config["html_title"], config["author"], "manual", False)],
        "latex_toplevel_sectioning": "chapter",
        "latex_domain_indices": False,
        "latex_show_urls": "no",
        "latex_table_style": ["booktabs"],
        "latex_elements": {
            "papersize": "a4paper",
            "pointsize": "10pt",
            "pxunit": ".66bp",  # letters in figures are as large as in the text
            "extraclassoptions": "openany,oneside",
            "fncychap": "",
            "fontpkg": "",
            "printindex": "",
            "makeindex": "",
            "maketitle": r"\booktitle",
            "tableofcontents": r"\bookcontents",
            "preamble": macros(config) + "\n" + (ROOT / "tools" / "printed_book.tex").read_text(encoding="utf-8"),
        },
    }
    return config


def write_latex() -> None:
    """Write LaTeX from what Sphinx stored of the pages; a warning is an error."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    with patch_docutils(), docutils_namespace():
        app = Sphinx(ROOT, None, WORK, DOCTREES, "latex", settings(), status=None, warningiserror=True, keep_going=True)
        if not app.env.all_docs:
            sys.exit("What Sphinx stored of the pages cannot be read: run 'make book' first.")
        app.env.check_consistency()  # letters for the numbers of the appendices
        app.builder.write()
        app.builder.finish()
        if app._warncount:
            sys.exit(f"{app._warncount} warnings: no PDF is made.")


def copy_fonts() -> None:
    """Take the font of the code from matplotlib: it has the Greek letters."""
    import matplotlib

    for path in Path(matplotlib.get_data_path(), "fonts", "ttf").glob("DejaVuSansMono*.ttf"):
        shutil.copy(path, WORK)


def faults(log: str) -> list[str]:
    """Return what a reader would see as a fault, as TeX names it."""
    wide = [match[0] for match in OVERFULL.finditer(log) if float(match[1]) > TOO_WIDE]
    return FAULTS.findall(log) + wide


def typeset() -> None:
    """Run XeLaTeX, and stop if something in the PDF is at fault."""
    run = ["latexmk", "-xelatex", "-interaction=nonstopmode", "-halt-on-error", "-silent", "book.tex"]
    environment = os.environ | {"max_print_line": "1000"}  # or TeX breaks the lines of its log
    status = subprocess.run(run, cwd=WORK, env=environment, capture_output=True).returncode
    log = (WORK / "book.log").read_text(encoding="utf-8", errors="replace")
    found = faults(log)
    if status or found:
        shown = "\n".join(f"  {fault}" for fault in found[:40])
        sys.exit(f"XeLaTeX is at fault, or the book; the log is {WORK / 'book.log'}.\n{shown}")


def main(name: str) -> None:
    if packages := missing():
        sys.exit(f"A PDF needs TeX. What is missing is in Debian's packages: apt-get install {' '.join(packages)}")
    if name == "--check":
        return
    if not (DOCTREES / "complete").exists():
        sys.exit("There is no book without warnings: run 'make book' first.")
    sys.path.insert(0, str(ROOT / "tools"))
    shutil.rmtree(WORK, ignore_errors=True)
    write_latex()
    copy_fonts()
    typeset()
    shutil.copy(WORK / "book.pdf", name)
    print(f"The book: {Path(name).resolve()}")


if __name__ == "__main__":
    main(*sys.argv[1:])

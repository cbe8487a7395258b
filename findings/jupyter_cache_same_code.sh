#!/usr/bin/env bash
# jupyter-cache 1.0.1 with myst-nb 1.4.0: of two notebooks with the same code in two folders one gets the other's output.
#
# Two runs of a study lie in a folder each: the notebook that plots a run, and its `loss.csv`. With
# `execute_notebooks: cache` each is executed in its own folder, and what it gave is kept.
#   expected: page one to show loss 1, page two loss 2, as with `force`
#   seen:     page two is not executed and shows loss 1; the log says "Using cached notebook". `jcache project execute`
#             executes both, keeps one, and `jcache notebook merge` puts that into both
# An output is found by the code and the name of the kernel, as the guide says, which also shows two notebooks that share
# one. The folder is not in it, although each is executed in its own. A changed `loss.csv` is not noticed either.
# Why it matters: a template copied for every run is good practice, and its pages then agree too well. Write the name of
# the run into a code cell, or use `force`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jupyter-cache==1.0.1 myst-nb==1.4.0 jupyter-book==1.0.4.post1 sphinx==7.4.7 \
  sphinx-book-theme==1.1.4 pydata-sphinx-theme==0.15.4 ipykernel==7.4.0 nbformat==5.11.1
export IPYTHONDIR="$folder/ipython" PATH="$folder/venv/bin:$PATH"
mkdir -p "$folder/book"
cd "$folder/book"
python - <<'PY'
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
for name, loss in [("one", 1), ("two", 2)]:
    Path(name).mkdir()
    Path(name, "loss.csv").write_text(str(loss))
    cells = [new_markdown_cell(f"# Run {name}"), new_code_cell("print('loss', open('loss.csv').read())")]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), f"{name}/page.ipynb")
PY
printf 'format: jb-book\nroot: one/page\nchapters:\n- file: two/page\n' >_toc.yml
shown() { grep -oh 'loss [0-9]' _build/html/one/page.html _build/html/two/page.html | paste -sd ' '; }
for mode in force cache; do
    rm -rf _build
    printf 'title: Two runs\nonly_build_toc_files: true\nexecute: {execute_notebooks: %s}\n' "$mode" >_config.yml
    jupyter-book build . >"$mode.log" 2>&1 || { cat "$mode.log"; exit 1; }
    printf '%s: pages show %s, executed: %s\n' "$mode" "$(shown)" "$(grep -c 'Executed notebook' "$mode.log")"
    eval "$mode=\$(shown)"
done
[ "$force" = "loss 1 loss 2" ] || { echo "the book itself is at fault"; exit 1; }
[ "$cache" = "loss 1 loss 1" ] || { echo "changed: each page shows its own loss"; exit 1; }

export JUPYTERCACHE="$folder/cache"
echo y | jcache notebook add one/page.ipynb two/page.ipynb >/dev/null
jcache project execute >/dev/null 2>&1
for name in one two; do
    jcache notebook merge "$name/page.ipynb" "$name/merged.ipynb" >/dev/null
done
merged=$(grep -oh 'loss [0-9]' one/merged.ipynb two/merged.ipynb | paste -sd ' ')
echo "jcache: merged notebooks show $merged"
case "$merged" in
    "loss 1 loss 1" | "loss 2 loss 2") ;;
    *) echo "changed: each merged notebook has its own loss"; exit 1 ;;
esac
echo "as found"

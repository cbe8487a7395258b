# make book · make test · make heavy · make browser · make serve · make lab · make student · make homework · make slides · make cluster · make pdf · make refresh · make bench · make lowest · make findings · make clean
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/.ready
HTML := _build/html
NEEDED := ipykernel.kernelapp, ipywidgets, matplotlib.pyplot, matplotlib_inline.backend_inline, sklearn.datasets, tqdm.auto
NOTEBOOKS := $(sort $(wildcard book/*.ipynb))
serve: PORT ?= 8000
lab: PORT ?= 8888
COPIES ?= lab
HOMEWORK ?= _build/homework
PDF := _build/solving-neural-scaling-laws.pdf

# the matrices here are small: threads inside a product would only get in each other's way
export OPENBLAS_NUM_THREADS := 1
# settings and history of IPython stay in this folder; its kernels do not warn of their transport at every start
export IPYTHONDIR := $(CURDIR)/_build/ipython
KERNEL := $(IPYTHONDIR)/profile_default/ipython_kernel_config.py
# a backend set for scripts, as on some clusters and in containers, would show no figure in a notebook
unexport MPLBACKEND
# compiled modules are kept: some containers forbid it, and every kernel would compile the library again
unexport PYTHONDONTWRITEBYTECODE

# an environment knows its folder: one that was copied or moved along with it still points to the other
ifneq ($(wildcard $(READY)),)
ifneq ($(shell cat $(READY)),$(CURDIR))
$(info $(VENV) was made for another folder: it is made again.)
$(shell rm -rf $(VENV))
endif
endif

LAB := $(VENV)/.lab
CLASS := $(VENV)/.class
CLUSTER := $(VENV)/.cluster
DRIVES_BROWSER := $(VENV)/.browser
REVEAL := $(VENV)/reveal
READS_PDF := $(VENV)/pdf

# uv installs in a fifth of the time that pip takes. It knows nothing of pip's settings, such as an index of one's own:
# where it finds no packages, pip does it
UV := uv==0.13.9
INSTALL = { UV_HTTP_RETRIES=1 $(RUN)/uv pip install --quiet --no-cache --python $(RUN)/python \
  --requirement $(1) || { echo "uv could not; now pip tries."; $(RUN)/python -m pip install --quiet --no-compile \
  --requirement $(1); }; }

.PHONY: book test heavy browser serve lab student homework slides cluster pdf refresh bench lowest findings clean

# not compiled: most modules are never imported, and the others are compiled when they are
$(READY): requirements.txt pyproject.toml
	@test -w . || { echo "This folder cannot be written to: copy it to one that can, and run make there." >&2; exit 1; }
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.11')"
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet $(UV) || true
	$(call INSTALL,requirements.txt)
	printf '%s' '$(CURDIR)' > $@

$(KERNEL):
	@mkdir -p $(dir $@)
	@printf 'c.IPKernelApp.log_level = 40\nc.HistoryManager.enabled = False\n' > $@

# -W: a warning fails the build; -n: so does a reference that leads nowhere. All cores execute the notebooks, and what
# has not changed since the last build is not executed again: book/_ext/parallel_build.py
book: $(READY) $(KERNEL)
	@$(RUN)/python -c "import $(NEEDED)" & # compiled, the first time, while Sphinx starts on another core
	$(RUN)/jupyter-book build . -W -n --keep-going
	@echo
	@echo "The book: open $(CURDIR)/$(HTML)/book/intro.html in a browser, or run 'make serve'."

test: $(READY) $(KERNEL)
	$(RUN)/ruff check .
	$(RUN)/pytest -m "not browser and not heavy" -n auto
	$(RUN)/pytest --nbval -n auto --dist loadfile $(NOTEBOOKS)

# tests that take longer: books that are built, intervals that are tried on many data sets, what teachers use
heavy: $(READY) $(KERNEL)
	$(RUN)/pytest -m "heavy and not browser" -n auto

# the built book and the slides in a real browser; needs 'make book' and Chromium
browser: $(DRIVES_BROWSER) $(KERNEL) slides
	$(RUN)/pytest -m browser -n auto --dist loadgroup $(shell grep -l 'mark[.]browser' tests/*.py)

$(DRIVES_BROWSER): requirements-browser.txt $(READY)
	@echo "Playwright is installed into $(VENV)."
	@$(call INSTALL,requirements-browser.txt) || { \
	  echo "Playwright could not be installed: the first 'make browser' needs a package index." >&2; exit 1; }
	@touch $@

# in a recipe: stop, with advice, if somebody listens there
PORT_IS_FREE = $(RUN)/python -c "import socket; socket.socket().bind(('127.0.0.1', $(PORT)))" 2>/dev/null \
  || { echo "Port $(PORT) is in use: run 'make $@ PORT=$$(($(PORT) + 1))', say." >&2; exit 1; }

serve:
	@test -e $(HTML)/book/intro.html || { echo "There is no book yet: run 'make book' first." >&2; exit 1; }
	@$(PORT_IS_FREE)
	@echo "http://localhost:$(PORT)/book/intro.html (Ctrl-C stops)"
	$(RUN)/python -m http.server --bind 127.0.0.1 --directory $(HTML) $(PORT)

$(LAB): requirements-lab.txt $(READY)
	@echo "JupyterLab is installed into $(VENV)."
	@$(call INSTALL,requirements-lab.txt) || { \
	  echo "JupyterLab could not be installed: the first 'make lab' needs a package index." >&2; exit 1; }
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@printf '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}\n' \
	  > $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@

# the chapters in JupyterLab, as plain notebooks: those in which a reader has worked stay as they are. What
# JupyterLab remembers, and its settings, stay in this folder; it neither looks for programs nor asks other hosts
lab: export JUPYTER_CONFIG_DIR := $(CURDIR)/_build/jupyter/config
lab: export JUPYTER_DATA_DIR := $(CURDIR)/_build/jupyter/data
lab: export JUPYTER_RUNTIME_DIR := $(CURDIR)/_build/jupyter/runtime
lab: export JUPYTERLAB_SETTINGS_DIR := $(CURDIR)/_build/jupyter/settings
lab: export JUPYTERLAB_WORKSPACES_DIR := $(CURDIR)/_build/jupyter/workspaces
lab: $(LAB) $(KERNEL)
	@$(PORT_IS_FREE)
	@$(RUN)/python tools/plain_notebooks.py $(COPIES)
	@echo "JupyterLab opens in a browser; its address stands below (Ctrl-C twice stops it)."
	$(RUN)/jupyter lab --ServerApp.ip=127.0.0.1 --ServerApp.port=$(PORT) --ServerApp.port_retries=0 \
	  --LabApp.extension_manager=readonly --LanguageServerManager.autodetect=False \
	  $(if $(filter 0,$(shell id -u)),--allow-root) --ServerApp.root_dir=$(CURDIR) $(LABFLAGS) $(COPIES)/01_scaling_laws.ipynb

# the chapters for students: plain notebooks without solutions, and the library; a folder and an archive
student: $(READY)
	@$(RUN)/python tools/student_copies.py _build/student

$(CLASS): requirements-class.txt requirements-lab.txt $(READY)
	@echo "nbgrader is installed into $(VENV)."
	@$(call INSTALL,requirements-class.txt) || { \
	  echo "nbgrader could not be installed: the first 'make homework' needs a package index." >&2; \
	  echo "To do without nbgrader: make homework NBGRADER=no" >&2; exit 1; }
	@touch $@

# an option, if the variable stands in the command: shells have a TERM, some have a NAME. In single quotes nothing
# in it means anything to the shell
option = $(if $(filter command,$(origin $1)),--$2 '$(subst ','\'',$($1))')

# exercises as notebooks of nbgrader. Options: TERM=2027a, STUDENTS=file, EXERCISES="label label=points" NAME=quiz,
# KEY=yes (shows the answers), HOMEWORK=folder, NBGRADER=no
homework: $(READY) $(if $(filter no,$(NBGRADER)),,$(CLASS))
	@$(RUN)/python tools/homework.py "$(HOMEWORK)" $(call option,TERM,term) $(call option,STUDENTS,students) \
	  $(call option,EXERCISES,exercises) $(call option,NAME,name) $(if $(call option,KEY),--key)
	@echo "With nbgrader, in $(HOMEWORK): $(CURDIR)/$(RUN)/nbgrader generate_assignment NAME, and so on."
	@echo "Without: hand out $(HOMEWORK)/handout, put what comes back into $(HOMEWORK)/submitted/STUDENT, and run"
	@echo "$(RUN)/python -m scaling_laws.grade $(HOMEWORK)/submitted"

# Dask, for sweeps on many machines; the page "At scale" says how
cluster: $(CLUSTER)

$(CLUSTER): requirements-cluster.txt $(READY)
	@echo "Dask is installed into $(VENV)."
	@$(call INSTALL,requirements-cluster.txt) || { \
	  echo "Dask could not be installed: the first 'make cluster' needs a package index." >&2; exit 1; }
	@touch $@

# files for a browser, in a folder beside the environment's packages
$(REVEAL): requirements-slides.txt $(READY)
	@echo "reveal.js is installed into $@."
	@$(RUN)/python -m pip install --quiet --no-compile --no-deps --upgrade --target $@ --requirement requirements-slides.txt || { \
	  echo "reveal.js could not be installed: the first 'make slides' needs a package index." >&2; exit 1; }
	@touch $@

# a deck of slides a chapter, with speaker's notes; figures are those of the built book
slides: $(REVEAL)
	@$(RUN)/python tools/slides.py _build/slides

# for the tests of the PDF, in a folder of its own
$(READS_PDF): requirements-pdf.txt $(READY)
	@$(RUN)/python -m pip install --quiet --no-compile --upgrade --target $@ --requirement requirements-pdf.txt || { \
	  echo "pypdf could not be installed: the first 'make pdf' needs a package index." >&2; exit 1; }
	@touch $@

# the whole book as one PDF, with the numbers of the page. Needs TeX, and says first of all which packages are missing; takes the
# pages from 'make book', so nothing is executed twice
pdf:
	@$(PYTHON) tools/print_book.py --check
	@$(MAKE) --no-print-directory book $(READS_PDF)
	$(RUN)/python tools/print_book.py $(PDF)
	$(RUN)/pytest -q -m heavy tests/test_pdf.py

# run every notebook and store its text outputs, without images
refresh: $(READY) $(KERNEL)
	$(RUN)/python tests/refresh.py $(NOTEBOOKS)

bench: $(READY)
	$(RUN)/python tests/bench.py

# the library's tests with the lowest versions that pyproject.toml declares, in an environment of their own
NOT_LIBRARY := notebooks book build explorers_page plain_notebooks student_copies homework slides exam teaching pdf project
LOWEST := $(shell sed -n 's/^dependencies = \[\(.*\)\]/\1/p' pyproject.toml | tr -d '",' | sed 's/>=/==/g')
lowest:
	$(PYTHON) -m venv _build/lowest
	_build/lowest/bin/python -m pip install --quiet $(LOWEST) $(shell grep -E '^(pytest|hypothesis|numpydoc|nbformat|ipykernel|nbclient)' requirements.txt) nbformat nbclient
	PYTHONPATH=$(CURDIR)/lib _build/lowest/bin/python -m pytest -m "not browser" -n auto $(filter-out $(addprefix tests/test_,$(NOT_LIBRARY:=.py)),$(wildcard tests/test_*.py))

# what surprised us in other tools, tried again: each script installs what it needs, so this takes long
findings:
	@failed=0; mkdir -p _build/findings; for script in findings/*.sh; do \
	  name=$$(basename $$script .sh); start=$$(date +%s); said=changed; \
	  if bash $$script >_build/findings/$$name.log 2>&1; then said=passed; else failed=1; fi; \
	  printf '%-8s %4d s  %s\n' $$said $$(( $$(date +%s) - start )) $$name; \
	done; test $$failed = 0 || { echo "What the changed ones say: _build/findings" >&2; exit 1; }

# a reader's work in lab/ stays, and what was handed in
clean:
	rm -rf $(filter-out _build/homework,$(wildcard _build/* _build/.[!.]*)) build .pytest_cache .hypothesis .ruff_cache

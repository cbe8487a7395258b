# make book · make test · make serve · make refresh · make bench · make clean
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/.ready
HTML := _build/html
NOTEBOOKS := $(sort $(wildcard book/*.ipynb))
PORT ?= 8000

# the matrices here are small: threads inside a product would only get in each other's way
export OPENBLAS_NUM_THREADS := 1

.PHONY: book test browser serve refresh bench clean

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.11')"
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --upgrade pip
	$(RUN)/python -m pip install --quiet --requirement requirements.txt
	touch $@

# -W: a warning fails the build; -n: so does a reference that leads nowhere
book: $(READY)
	$(RUN)/jupyter-book build . -W -n --keep-going
	@echo
	@echo "The book: open $(CURDIR)/$(HTML)/book/intro.html in a browser, or run 'make serve'."

test: $(READY)
	$(RUN)/ruff check .
	$(RUN)/pytest -m "not browser" -n auto
	$(RUN)/pytest --nbval -n auto --dist loadfile $(NOTEBOOKS)

# the built book in a real browser; needs 'make book' and Chromium
browser: $(READY)
	$(RUN)/pytest -m browser

serve: $(READY)
	@echo "http://localhost:$(PORT)/book/intro.html (Ctrl-C stops)"
	$(RUN)/python -m http.server --bind 127.0.0.1 --directory $(HTML) $(PORT)

# run every notebook and store its text outputs, without images
refresh: $(READY)
	$(RUN)/python tests/refresh.py $(NOTEBOOKS)

bench: $(READY)
	$(RUN)/python tests/bench.py

clean:
	rm -rf _build .pytest_cache .hypothesis .ruff_cache

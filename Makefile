# Two commands for a machine with Python 3.11 or newer: `make demo` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
DEMO := runs/demo

.PHONY: demo test test-browser check clean

# What runs vidmem.
.venv/.ready: pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "vidmem needs Python 3.11 or newer; this is $$($(PYTHON) --version). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --editable .
	@touch $@

# What also tests it.
.venv/.ready-to-test: .venv/.ready pyproject.toml
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --editable ".[dev]"
	@touch $@

demo: .venv/.ready
	@$(BIN)/vidmem track demo:koi --out $(DEMO) --overwrite
	@echo "Look at $(DEMO)/overlay.mp4 (the fish, followed) and $(DEMO)/memory.png (what was remembered)."

test: .venv/.ready-to-test
	@$(BIN)/python -m pytest

# The page in a real browser; skips where there is no Chromium. Its screenshots are in .ci/out/page.
test-browser: .venv/.ready-to-test
	@$(BIN)/python -m pytest tests/browser --durations=5

check: .venv/.ready-to-test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright

clean:
	rm -rf .venv runs .pytest_cache .ruff_cache

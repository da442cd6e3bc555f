# The environment, the demo and the checks. `make help` lists the targets.
PYTHON ?= python3
VENV ?= .venv
CORES ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
NB ?=
# What the demo runs; empty means the defaults of papermill_runs/Snakefile.
ROWS ?=
SCALE ?=
SEED ?=

BIN := $(abspath $(VENV))/bin
STAMP := $(VENV)/.complete
DEMO_CONFIG := $(if $(ROWS),rows="$(ROWS)") $(if $(SCALE),scale=$(SCALE)) $(if $(SEED),seed=$(SEED))
CPU_INDEX := https://download.pytorch.org/whl/cpu
export PATH := $(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help environment demo publish-demo test readme export clean-notebooks lab
.DEFAULT_GOAL := help

help:
	@echo "make environment      install everything into $(VENV), once (another folder: VENV=..., another Python: PYTHON=...)"
	@echo "make demo             graft three ways at scale tiny and score every stage (CORES=$(CORES)); other rows: ROWS=\"mha-mamba2-50 ...\", SEED=1"
	@echo "make publish-demo     take the last demo of seed 0 into the records and figures that the README shows"
	@echo "make test             run every notebook, or one: NB=nbs/00_core.ipynb"
	@echo "make lab              open JupyterLab"
	@echo "make export           notebooks -> grafting_nb/"
	@echo "make clean-notebooks  strip needless metadata from the notebooks"
	@echo "make readme           nbs/index.ipynb -> README.md"

environment: $(STAMP)

# A CUDA build of torch is gigabytes: where Linux shows no NVIDIA GPU, the CPU build is taken if its index answers.
$(STAMP): settings.ini constraints.txt setup.py pyproject.toml
	@python="$(BIN)/python"; [ -x "$$python" ] || python="$(PYTHON)"; \
	command -v "$$python" >/dev/null || { echo "$$python not found: name a Python >= 3.11 with PYTHON=..."; exit 1; }; \
	"$$python" -c 'import sys; v = sys.version_info[:2]; sys.exit(v < (3, 11) and "Python >= 3.11 is needed, this is %d.%d: name another with PYTHON=..." % v)'
	@"$(BIN)/python" -m pip --version >/dev/null 2>&1 || { echo "creating $(VENV)"; $(PYTHON) -m venv "$(VENV)"; }
	@if [ "$$(uname)" = Linux ] && ! command -v nvidia-smi >/dev/null; then \
	  if "$(BIN)/python" -c 'import sys, urllib.request as r; r.urlopen(sys.argv[1] + "/torch/", timeout=5)' $(CPU_INDEX) 2>/dev/null \
	    && "$(BIN)/python" -m pip install -qq --retries 1 --timeout 15 --no-deps -c constraints.txt --index-url $(CPU_INDEX) torch torchvision; \
	  then echo "torch: CPU build"; else echo "torch: the index of CPU builds does not answer, taking the default build"; fi; fi
	@echo "installing the requirements into $(VENV), a few minutes"
	@"$(BIN)/python" -m pip install -qq -c constraints.txt -e ".[dev]"
	@touch "$@"

demo: $(STAMP)
	@"$(BIN)/snakemake" --snakefile papermill_runs/Snakefile --cores $(CORES) --rerun-incomplete --nolock --keep-going --quiet host reason rules \
	  $(if $(strip $(DEMO_CONFIG)),--config $(DEMO_CONFIG)) -- demo

publish-demo:
	cp papermill_runs/runs/tiny/demo-s0.json papermill_runs/records/demo.json
	cp papermill_runs/runs/tiny/demo-s0.png figures/demo.png

test: $(STAMP)
	@"$(BIN)/python" .ci/test_notebooks.py $(NB)

readme: $(STAMP)
	@"$(BIN)/python" .ci/readme.py

export: $(STAMP)
	@"$(BIN)/nbdev_export"

clean-notebooks: $(STAMP)
	@"$(BIN)/nbdev_clean"

lab: $(STAMP)
	@"$(BIN)/jupyter" lab

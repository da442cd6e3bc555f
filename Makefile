# The environment, the demo and the checks. `make help` lists the targets.
PYTHON ?= python3
VENV ?= .venv
CORES ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
NB ?=
# What to run: one table (`grafting tables` lists them), a scale, other rows or seeds than the preset's, a Snakemake profile.
TABLE ?=
SCALE ?=
ROWS ?=
SEEDS ?=
PROFILE ?= workstation
# GPUs of one job, where a scale has recipes for several numbers.
GPUS ?=
# Who is told the curves of the trainings: tensorboard, wandb, mlflow, ...
TRACKER ?=
# An image in which jobs run, by apptainer.
IMAGE ?=

BIN := $(abspath $(VENV))/bin
STAMP := $(VENV)/.complete
CONFIG = scale=$(or $(SCALE),tiny) $(if $(TABLE),tables="$(TABLE)") $(if $(ROWS),rows="$(ROWS)") $(if $(SEEDS),seeds="$(SEEDS)") $(if $(GPUS),gpus=$(GPUS)) $(if $(TRACKER),tracker=$(TRACKER)) $(if $(IMAGE),image=$(IMAGE))
# `make -n table ...` shows the jobs instead of running them.
DRY_RUN := $(if $(findstring n,$(firstword -$(MAKEFLAGS))),--dry-run)
SNAKEMAKE = "$(BIN)/snakemake" --snakefile papermill_runs/Snakefile --profile papermill_runs/profiles/$(PROFILE) --quiet host reason rules \
  $(if $(filter workstation,$(PROFILE)),--cores $(CORES)) $(DRY_RUN) \
  $(if $(IMAGE),--software-deployment-method apptainer --apptainer-args=--nv) --config $(CONFIG)
# After a dry run there is nothing to show but what the run would cost.
SHOW = $(if $(DRY_RUN),"$(BIN)/grafting" cost $(TABLE) --rows "$(ROWS)" --seeds "$(SEEDS)" $(if $(GPUS),--gpus $(GPUS)) --scale "$(or $(SCALE),tiny)","$(BIN)/grafting" $(if $(TABLE),show "$(TABLE)" --rows "$(ROWS)" --seeds "$(SEEDS)",status) --scale "$(or $(SCALE),tiny)")
CPU_INDEX := https://download.pytorch.org/whl/cpu
export PATH := $(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help environment demo table tables status publish restore test gpu test-slurm docs readme results export clean-notebooks lab
.DEFAULT_GOAL := help

help:
	@echo "make environment      install everything into $(VENV), once (another folder: VENV=..., another Python: PYTHON=...)"
	@echo "make demo             graft three ways at scale demo and score every stage, on CORES=$(CORES)"
	@echo "make table TABLE=...  run one table (\`grafting tables\` lists them); others: SCALE=tiny ROWS=\"mha-swa-50 ...\" SEEDS=\"0 1\" PROFILE=slurm TRACKER=tensorboard"
	@echo "make tables           run all tables and the ledger of claims; make -n ... shows what would run and what it would cost"
	@echo "make publish          take scores, teacher records and figures into papermill_runs/records and figures"
	@echo "make restore          put the committed scores among the runs, so that \`make tables\` computes only what is missing"
	@echo "make test             run every notebook, or one: NB=nbs/00_core/00_files.ipynb"
	@echo "make gpu              run the notebooks whose cells need a GPU, with these cells, or those of NB=; no cell hides another's failure"
	@echo "make test-slurm       two rows through a Slurm of one node that it installs (as root on Debian or Ubuntu), starts and stops"
	@echo "make docs             the notebooks and the reference as a site: _docs/html/index.html"
	@echo "make lab              open JupyterLab"
	@echo "make export           notebooks -> grafting_nb/"
	@echo "make clean-notebooks  strip needless metadata from the notebooks"
	@echo "make results          execute the notebooks that show committed results, and keep what they show"
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
	@"$(BIN)/python" -m pip install -qq -c constraints.txt -e ".[dev,docs]"
	@touch "$@"

# The leading + runs the line under `make -n` too. Results are shown even if some row failed; the exit status says so.
demo: TABLE := demo
demo: SCALE := $(or $(SCALE),demo)
demo table tables: $(STAMP)
	$(if $(IMAGE),$(if $(filter workstation,$(PROFILE)),,$(error IMAGE=$(IMAGE) works with PROFILE=workstation only: jobs of Slurm need its commands)))
	$(if $(filter table,$@),$(if $(TABLE),,$(error name a table: make table TABLE=hybrids; `grafting tables` lists them)))
	+@$(SNAKEMAKE); status=$$?; $(SHOW) && exit $$status

publish: $(STAMP)
	@"$(BIN)/grafting" publish --scale $(or $(SCALE),tiny)

restore: $(STAMP)
	@"$(BIN)/grafting" restore --scale $(or $(SCALE),tiny)

test: $(STAMP)
	@"$(BIN)/python" .ci/test_notebooks.py $(NB)

gpu: $(STAMP)
	@"$(BIN)/python" .ci/test_gpu.py $(NB)

test-slurm: $(STAMP)
	@"$(BIN)/python" .ci/test_slurm.py

docs: $(STAMP)
	@"$(BIN)/python" .site/build.py

results: $(STAMP)
	@"$(BIN)/python" .ci/results.py && "$(BIN)/nbdev_clean"

readme: $(STAMP)
	@"$(BIN)/python" .ci/readme.py

export: $(STAMP)
	@"$(BIN)/nbdev_export"

clean-notebooks: $(STAMP)
	@"$(BIN)/nbdev_clean"

lab: $(STAMP)
	@"$(BIN)/jupyter" lab

# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# make demo and make test set up what they need. Variables:
#   ARGS              arguments for the command, for instance: make demo ARGS="--video my.mp4"
#   DISTRO            ROS 2 from PyPI: jazzy (default) or kilted; a sourced ROS 2 is used as it is
#   PYTHON            Python to set up with (default python3)
#   VLJEPA_CACHE      folder of the environments (default ~/.cache/vljepa_ros)
#   TORCH_INDEX_URL   index for PyTorch's wheel (default: the one for the processor)

PYTHON ?= python3
RUN = $(PYTHON) scripts/run.py $(if $(DISTRO),--distro $(DISTRO))
RUN_TEST = $(RUN) --test

.PHONY: help setup demo test lint sample train clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## *' '/^[a-z]+:.*##/ {printf "make %-8s%s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; sed -n 's/^#   //p' $(MAKEFILE_LIST)

setup:  ## make the environment and build the messages and services
	@$(RUN)

demo:  ## play a sample video through a camera topic and print the events
	@$(RUN) vljepa demo $(ARGS)

test: lint  ## run all checks and tests
	@$(RUN_TEST) python -m pytest $(ARGS)

lint:  ## check style and types
	@$(RUN_TEST) ruff check
	@$(RUN_TEST) ruff format --check
	@$(RUN_TEST) mypy

sample:  ## render an episode of the simulated world: ARGS="--seed N --out DIR"
	@$(RUN_TEST) python -m training.sample $(ARGS)

train:  ## train a model
	@$(RUN_TEST) python -m training.train $(ARGS)

clean:  ## remove what was built in this clone
	rm -rf build dist .venv .mypy_cache .pytest_cache .ruff_cache *.egg-info

# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The reference backend: PyTorch, on the CPU or a CUDA device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vljepa_ros.errors import ConfigurationError, MissingDependencyError
from vljepa_ros.inference.backend import Backend, EngineInfo
from vljepa_ros.inference.threads import wait_passively

wait_passively()
try:
    import torch
except ImportError as error:
    raise MissingDependencyError(
        'The torch backend needs PyTorch, which is not installed. '
        'Install it with: pip install torch'
    ) from error

from vljepa_ros.inference.torch_graphs import graph_module  # noqa: E402 (needs torch)
from vljepa_ros.model.checkpoint import load_checkpoint  # noqa: E402


class TorchBackend(Backend):
    """Runs the PyTorch modules as they are, in float32."""

    def __init__(
        self, folder: Path, components: tuple[str, ...], *, device: str, threads: int
    ) -> None:
        """Load a checkpoint folder; arguments and errors as in `load_engine`."""
        self._device = _device(device)
        if threads:
            torch.set_num_threads(threads)
        model = load_checkpoint(folder, components=components).to(self._device)
        self._graphs = {name: graph_module(net) for name, net in model.networks.items()}
        self.info = EngineInfo('torch', str(self._device), 'fp32', torch.get_num_threads())

    def run(self, graph: str, *inputs: Any) -> torch.Tensor:
        """Run a graph; its output stays on the device."""
        tensors = [self._tensor(value) for value in inputs]
        with torch.inference_mode():
            output: torch.Tensor = self._graphs[graph](*tensors)
        return output

    def to_numpy(self, output: torch.Tensor) -> np.ndarray:
        """Return a copy in the memory of the processor."""
        return output.cpu().numpy()

    def close(self) -> None:
        """Free the weights, on a GPU its cached memory too."""
        self._graphs.clear()
        if self._device.type == 'cuda':
            torch.cuda.empty_cache()

    def _tensor(self, value: np.ndarray | torch.Tensor) -> torch.Tensor:
        if isinstance(value, torch.Tensor):
            return value
        own = np.require(value, requirements=['C', 'W'])  # torch warns of read-only memory
        return torch.from_numpy(own).to(self._device)


def _device(name: str) -> torch.device:
    """Return a device whose name was checked already; 'auto' takes a GPU that PyTorch can use."""
    usable = torch.cuda.is_available()
    if name == 'auto':
        return torch.device('cuda' if usable else 'cpu')
    if name != 'cpu' and not usable:
        raise ConfigurationError(
            f"The device {name!r} was asked for, but this PyTorch sees no CUDA device. Use 'auto' "
            "or 'cpu', or install a CUDA build of PyTorch: pip install --force-reinstall torch"
        )
    return torch.device(name)

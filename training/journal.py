# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a training tells while it runs: `log.jsonl`, and scalars for TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vljepa_ros.errors import MissingDependencyError

LOG_FILE = 'log.jsonl'
SCALARS_FOLDER = 'tensorboard'


class Journal:
    """Writes rows of numbers; a silent one, for all processes but the first, writes nothing."""

    def __init__(self, folder: Path, *, scalars: bool = False, silent: bool = False) -> None:
        """Open the journal of a run.

        Args:
            folder: of the run.
            scalars: write for TensorBoard too, to `<folder>/tensorboard`.
            silent: write nothing.

        Raises:
            MissingDependencyError: scalars are wanted and tensorboard is not installed.
        """
        self._path = folder / LOG_FILE
        self._silent = silent
        self._writer: Any = None
        if scalars and not silent:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise MissingDependencyError(
                    "Scalars for TensorBoard need the library 'tensorboard'. Install it with: "
                    "pip install tensorboard; or write 'tensorboard: false' in the configuration"
                ) from error
            self._writer = SummaryWriter(str(folder / SCALARS_FOLDER))

    def row(self, stage: str, values: Mapping[str, float], *, kept: bool = True) -> None:
        """Write the numbers of a step.

        Args:
            stage: of the training.
            values: `step` and any other numbers.
            kept: write them to `log.jsonl`, not only for TensorBoard.
        """
        if self._silent:
            return
        if kept:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open('a', encoding='utf-8') as log:
                log.write(json.dumps({'stage': stage, **values}) + '\n')
        if self._writer is not None:
            for name, value in values.items():
                if name != 'step':
                    self._writer.add_scalar(f'{stage}/{name}', value, int(values['step']))

    def close(self) -> None:
        """Write what is still held back."""
        if self._writer is not None:
            self._writer.close()

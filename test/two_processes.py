# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run by a test, alone and under `accelerate launch`: gradients of a batch, then a whole training.

python two_processes.py CHECKPOINT OUT CONFIG
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

import training.features
import training.stage
from training.objective import embed, info_nce_loss, needed_rows
from training.processes import Processes, start_processes
from training.sources import QueryAnswer
from vljepa_ros.model.checkpoint import load_checkpoint

QUESTIONS = [
    (row, QueryAnswer(f'what {row % 2}', text, text, negatives))
    for row, text, negatives in (
        (0, 'the robot opens the drawer', ('the robot closes the drawer',)),
        (0, 'nothing happens', ()),
        (1, 'the robot pushes the red cube to the left', ('nothing happens',)),
        (2, 'the robot opens the drawer', ()),
        (3, 'the robot picks up the blue ball', ('the robot picks up the red ball',)),
    )
]


def gradients(checkpoint: Path, processes: Processes) -> dict[str, torch.Tensor]:
    """Return the loss of a fixed batch and the gradient of each parameter."""
    model = load_checkpoint(checkpoint, components=('x_encoder', 'predictor', 'y_encoder'))
    model.requires_grad_(True)
    clips = np.random.default_rng(0).integers(0, 256, (4, 8, 128, 128, 3), np.uint8)
    with torch.no_grad():
        tokens = model.encode(torch.from_numpy(clips))
    temperature = torch.nn.Parameter(torch.tensor(0.1))
    if processes.count > 1:
        tokens = tokens[needed_rows(QUESTIONS, processes)]
    loss = info_nce_loss(embed(model, tokens, QUESTIONS, processes=processes), temperature)
    loss.backward()
    parameters = [
        *model.network('predictor').parameters(),
        *model.network('y_encoder').parameters(),
    ]
    processes.average_gradients([*parameters, temperature])
    found = {'loss': loss.detach(), 'temperature': temperature.grad}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            found[name] = parameter.grad
    return {name: value.contiguous() for name, value in found.items() if value is not None}


def main() -> None:
    """Compute the gradients and train."""
    checkpoint, out, config = (Path(text) for text in sys.argv[1:4])
    # Each process would measure for itself, and a busy machine may measure differently.
    for module in (training.stage, training.features):
        setattr(module, 'bf16_is_faster', lambda *device: False)  # noqa: B010 (mypy)
    from training.train import main as train

    processes = start_processes('cpu')
    found = gradients(checkpoint, processes)
    if processes.main:
        found['processes'] = torch.tensor(processes.count)
        save_file(found, out / 'gradients.safetensors')
    sys.exit(train(['--config', str(config), '--run', str(out / 'run'), '--device', 'cpu']))


if __name__ == '__main__':
    main()

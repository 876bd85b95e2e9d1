# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the stages of a training, from data to a checkpoint that the nodes load."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from training.batches import BatchSampler
from training.decoder_training import train_decoder
from training.features import Features, FeatureStore, LiveFeatures
from training.journal import Journal
from training.objective import embed_sorted
from training.planning_training import embed_transitions, train_planning
from training.pretraining import pretrain
from training.processes import Processes, start_processes
from training.run_card import write_card
from training.run_config import RunConfig
from training.run_data import RunData, SimulatorRunData, open_run_data
from training.start_model import new_model, started_model
from training.trainer import train
from training.validation import Validation
from vljepa_ros.model.checkpoint import load_checkpoint, save_checkpoint
from vljepa_ros.model.checkpoint_folder import load_config, model_id
from vljepa_ros.model.components import PLANNING, present
from vljepa_ros.model.phrases import PHRASES_FILE, load_phrases, save_phrases
from vljepa_ros.model.vl_jepa import VLJEPA
from vljepa_ros.resources import resolve_model

VALIDATION_CLIPS = 1400
PHRASES_AT_ONCE = 256
CALIBRATION_CLIPS = 128  # of 8-bit graphs


def run(config: RunConfig) -> None:
    """Run all stages up to `config.stop_after`; each goes on where it was interrupted.

    After the last one, or after 'train' and those behind it, the checkpoint is written.

    Raises:
        ConfigurationError: the data cannot be used, or does not fit the model.
        MissingDependencyError: a library is missing; the message says how to install it.
    """
    if config.checkpoint.graphs and config.reaches('train'):
        _require_exporters(config.checkpoint.graphs)
    processes = start_processes(config.device)
    data = open_run_data(config, processes)
    if isinstance(data, SimulatorRunData) and not config.reaches('pretrain'):
        return
    folder = config.run_folder
    journal = Journal(folder, scalars=config.tensorboard, silent=not processes.main)
    with processes.main_first():
        model = _start(config, data).to(processes.device)
    data.open(model.config)
    if not config.reaches('pretrain'):
        return
    if config.init is None or config.pretrain:
        _pretrain(model, data, config, processes, journal)
    model.network('x_encoder').eval().requires_grad_(False)
    if not config.reaches('train'):
        return
    data.draw_clips(model.config)
    _train(model, data, config, processes, journal)
    if processes.main:  # what follows is small
        _finish(model, data, config, journal)
    journal.close()


def _require_exporters(precisions: Sequence[str]) -> None:
    """Import what writes the graphs at the end: hours would be lost there."""
    import vljepa_ros.inference.torch_export  # needs onnxscript

    if 'int8' in precisions:
        import vljepa_ros.inference.int8_graphs  # needs nncf  # noqa: F401


def _start(config: RunConfig, data: RunData) -> VLJEPA:
    if config.init is not None:
        return started_model(config.init, config.run_folder, name=config.name, clip=config.clip)
    assert isinstance(data, SimulatorRunData)  # `RunConfig` sees to it
    return new_model(config.run_folder, data.texts, seed=config.seed, name=config.name)


def _pretrain(
    model: VLJEPA, data: RunData, config: RunConfig, processes: Processes, journal: Journal
) -> None:
    assert isinstance(data, SimulatorRunData)
    sampler = BatchSampler(data.index, seed=config.seed, variety=data.variety)
    encoder = model.network('x_encoder').train().requires_grad_(True)
    with processes.main_first():  # the others find it done
        pretrain(
            encoder,
            model.config.vision,
            sampler,
            config.run_folder,
            config=config.pretraining,
            pairings=data.pairings,
            journal=journal,
        )


def _train(
    model: VLJEPA, data: RunData, config: RunConfig, processes: Processes, journal: Journal
) -> None:
    """Train Predictor and Y-Encoder; afterwards the whole model is frozen."""
    encoder = model.network('x_encoder')
    features: Features = LiveFeatures(data.train, encoder)
    if config.features.cache:
        store = FeatureStore(
            config.feature_folder, source=data.train, encoder=encoder, processes=processes
        )
        store.build()
        features = store
    validation = Validation.draw(data.val, encoder, count=VALIDATION_CLIPS)
    for name in ('predictor', 'y_encoder'):
        model.network(name).train().requires_grad_(True)
    train(
        model,
        data.train,
        features,
        validation,
        config.run_folder,
        config=config.training,
        pairings=data.pairings,
        processes=processes,
        journal=journal,
    )
    model.eval().requires_grad_(False)


def _finish(model: VLJEPA, data: RunData, config: RunConfig, journal: Journal) -> None:
    """Train what only reads the space, and write the checkpoint."""
    folder = config.run_folder
    if config.reaches('decoder'):
        model.network('y_decoder').requires_grad_(True)
        train_decoder(model, folder, draw=data.draw_text, config=config.decoder, journal=journal)
    drawn, count = data.transitions(config.planning.transitions)
    has_heads = set(PLANNING) <= set(present(model.config))
    if config.reaches('planning') and has_heads and count > 1:
        for name in PLANNING:
            model.network(name).requires_grad_(True)
        pairs = embed_transitions(model, drawn, count=count)
        train_planning(model, pairs, folder, config=config.planning, journal=journal)
    model.eval().requires_grad_(False)
    _write(model, data, config)
    print(data.skipped.report())
    print(f'Checkpoint written to {config.out_folder}')


def _phrases(data: RunData, config: RunConfig) -> list[str]:
    """Return what the nearest decoder chooses from: in a kept space all that it had, too."""
    phrases = data.phrases()
    if config.init is None or not config.training.freeze_y_encoder:
        return phrases
    source = resolve_model(config.init)
    if not (source / PHRASES_FILE).is_file():
        return phrases
    kept = load_config(source)
    bank = load_phrases(source, model_id=model_id(source, kept), dim=kept.embedding_dim)
    return sorted({*bank.texts, *phrases})


def _write(model: VLJEPA, data: RunData, config: RunConfig) -> None:
    out = config.out_folder
    phrases = _phrases(data, config)  # before `out` is written: it may be that of `init`
    save_checkpoint(
        model,
        out,
        tokenizer_source=config.run_folder,
        dtype=torch.float16,
        int8_tables=config.checkpoint.int8_tables,
    )
    write_card(out, config, model.config, data.contents())
    if phrases:
        stored = load_checkpoint(out, components=('y_encoder',))  # rounded, as it will be used
        with torch.inference_mode():
            parts = [
                embed_sorted(stored, phrases[at : at + PHRASES_AT_ONCE]).numpy()
                for at in range(0, len(phrases), PHRASES_AT_ONCE)
            ]
        save_phrases(out, phrases, np.concatenate(parts))
    if config.checkpoint.graphs:
        from vljepa_ros.inference.torch_export import export_graphs  # needs onnxscript

        places = np.linspace(0, len(data.train) - 1, min(CALIBRATION_CLIPS, len(data.train)))
        export_graphs(
            out,
            precisions=config.checkpoint.graphs,
            calibration=np.stack([data.train.clip(round(place)) for place in places]),
        )

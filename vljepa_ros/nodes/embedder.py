# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Turns the due clips of all cameras into embeddings, in the worker's thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from vljepa_ros.errors import VljepaError
from vljepa_ros.inference import Engine
from vljepa_ros.nodes.camera_stream import CameraSample
from vljepa_ros.nodes.health import Health
from vljepa_ros.nodes.labels import Labels
from vljepa_ros.nodes.parameters import Parameter, Parameters
from vljepa_ros.nodes.stopwatch import Stopwatch
from vljepa_ros.nodes.worker import Worker
from vljepa_ros.stream.still_gate import StillGate
from vljepa_ros.world.action_inference import ScoredCandidate, rank

EMBEDDER_PARAMETERS = (
    Parameter(
        'queries',
        ['caption'],
        "What is asked about each clip: names of the model's queries, or free questions (several "
        'words or a question mark).',
    ),
    Parameter(
        'labels',
        [],
        'An open vocabulary: how well each label fits is published on classification with every '
        'embedding.',
        may_be_empty=True,
    ),
    Parameter(
        'still_threshold',
        3.0,
        'While no part of the view changes by more than this, in steps of 8-bit pixels, the last '
        'answers hold and the model rests, for 5 s at most; 0 has it look at every clip.',
        minimum=0.0,
        maximum=255.0,
    ),
)


class Output(Protocol):
    """Who is told of the embeddings."""

    def embedded(self, sample: CameraSample, query: str, vector: np.ndarray) -> None:
        """Take the embedding [D] of a query about a clip."""

    def labelled(
        self, sample: CameraSample, query: str, ranked: Sequence[ScoredCandidate]
    ) -> None:
        """Take the labels of a clip, the best first."""


@dataclass
class _Memory:
    """What the model last said of a camera: `vectors` [Q, D], None before the first time."""

    gate: StillGate = field(default_factory=StillGate)
    vectors: np.ndarray | None = None


class Embedder:
    """Keeps the newest due clip of each camera until the worker is free, then takes all at once.

    A clip that has not begun when a newer one of its camera comes is dropped and counted, so a
    slow model never builds a backlog. Where a camera's view stands still, the last answers hold.
    """

    def __init__(
        self,
        engine: Engine,
        worker: Worker,
        *,
        parameters: Parameters,
        health: Health,
        output: Output,
    ) -> None:
        """Create an embedder that has seen nothing.

        Args:
            engine: the loaded engine.
            worker: the only thread that may use it.
            parameters: `queries`, `labels` and `still_threshold` are read for every clip.
            health: is told counts and times.
            output: is called in the worker's thread.
        """
        self._engine, self._worker = engine, worker
        self._parameters, self._health, self._output = parameters, health, output
        self._labels = Labels(engine)
        self._engine_time = Stopwatch()
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[CameraSample, tuple[float, float]]] = {}
        self._memories: dict[str, _Memory] = {}
        self._queries: tuple[str, ...] = ()

    def begin(self) -> tuple[float, float]:
        """Return the moment at which an image came in, for `offer`."""
        return self._engine_time.read()

    def offer(self, sample: CameraSample, begun: tuple[float, float]) -> None:
        """Have a clip embedded.

        Args:
            sample: the clip.
            begun: when its newest image came in.
        """
        with self._lock:
            replaced = sample.camera in self._waiting
            self._waiting[sample.camera] = sample, begun
        if replaced:
            self._health.count('frames_dropped')
        self._worker.offer(self, self._embed_waiting)

    def finish(self, *, timeout_s: float) -> None:
        """Wait until every clip is embedded; withdraw them if that takes too long."""
        self._worker.finish(self, timeout_s=timeout_s)

    def _embed_waiting(self) -> None:
        """Embed and publish what waits; runs in the worker."""
        with self._lock:
            waiting, self._waiting = list(self._waiting.values()), {}
        samples = [sample for sample, _ in waiting]
        queries: list[str] = self._parameters['queries']
        try:
            answers = self._answers(samples, tuple(queries))
        except Exception as error:
            self._memories.clear()
            what = 'failed' if isinstance(error, VljepaError) else f'({type(error).__name__})'
            cameras = ', '.join(repr(sample.camera) for sample in samples)
            self._health.error('model', f'The model {what} on camera {cameras}: {error}')
            return
        for sample, begun in waiting:
            for query, vector in zip(queries, answers[sample.camera], strict=True):
                self._output.embedded(sample, query, vector)
            self._note_times(begun)
        self._label(samples, queries, answers)

    def _answers(
        self, samples: Sequence[CameraSample], queries: tuple[str, ...]
    ) -> dict[str, np.ndarray]:
        """Return the answers [Q, D] by camera."""
        if queries != self._queries:
            self._queries = queries
            self._memories.clear()
        threshold = self._parameters['still_threshold']
        memories = [self._memories.setdefault(sample.camera, _Memory()) for sample in samples]
        moving = [
            (sample, memory)
            for sample, memory in zip(samples, memories, strict=True)
            if not memory.gate.is_still(sample.clip, threshold=threshold)
        ]
        if moving:
            clips = np.stack([sample.clip.frames for sample, _ in moving])  # [B, T, S, S, 3]
            with self._engine_time.running():
                vectors = self._engine.predict(self._engine.encode(clips), queries)  # [B, Q, D]
            for (_, memory), answer in zip(moving, vectors, strict=True):
                memory.vectors = answer
        self._health.count('samples_still', len(samples) - len(moving))
        return {
            sample.camera: memory.vectors
            for sample, memory in zip(samples, memories, strict=True)
            if memory.vectors is not None
        }

    def _label(
        self,
        samples: Sequence[CameraSample],
        queries: Sequence[str],
        answers: dict[str, np.ndarray],
    ) -> None:
        labels: list[str] = self._parameters['labels']
        if not labels:
            return
        try:
            with self._engine_time.running():
                known = self._labels.vectors(labels)
        except VljepaError as error:
            self._health.error('labels', f'labels cannot be used: {error}')
            return
        if known is None:
            return
        for sample in samples:
            for query, vector in zip(queries, answers[sample.camera], strict=True):
                self._output.labelled(sample, query, rank(labels, known, vector))

    def _note_times(self, begun: tuple[float, float]) -> None:
        """Note what was spent beside the engine since an image came in."""
        now_s, engine_s = self._engine_time.read()
        self._health.measure('overhead', (now_s - begun[0]) - (engine_s - begun[1]))

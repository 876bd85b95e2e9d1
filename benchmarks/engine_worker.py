# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One model on one backend in a process of its own, which computes only when it is told to.

Libraries do not disturb each other so, each has its own memory, and all wait in the same way.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.load import cpu_seconds, peak_resident_mb
from vljepa_ros.errors import EngineError, VljepaError
from vljepa_ros.inference import EngineInfo, load_engine
from vljepa_ros.inference.cache import VARIABLE
from vljepa_ros.inference.cuda_driver import LIBRARIES
from vljepa_ros.inference.graph_engine import GraphEngine
from vljepa_ros.inference.loading import load_backend
from vljepa_ros.inference.selection import MEASURED, Choice
from vljepa_ros.inference.threads import wait_passively
from vljepa_ros.model.checkpoint_folder import load_config
from vljepa_ros.model.config import ModelConfig

TRANSFORMERS = Choice('transformers', 'fp32')  # what the others are compared with
AUTO = Choice('auto', 'auto')  # what a user gets who chooses nothing
ANSWER_TIMEOUT_S = 1800.0  # a full-size model's backend is chosen meanwhile
QUERY = 'What happens in the video?'


@dataclass(frozen=True)
class Job:
    """Which model runs on what; `device` is 'cpu', 'cuda' or 'cuda:N'."""

    folder: Path
    choice: Choice
    device: str
    threads: int


@dataclass(frozen=True)
class Loaded:
    """What loading took.

    Attributes:
        info: what runs where.
        said: sentences about how the backend was chosen.
        load_s: from the import of the library to the loaded model.
        first_call_s: one clip with one query, for the first time.
        peak_mb: the most resident memory of the process until then.
    """

    info: EngineInfo
    said: tuple[str, ...]
    load_s: float
    first_call_s: float
    peak_mb: float


@dataclass(frozen=True)
class Answers:
    """Answers float32 [N, D] and visual tokens float32 [N, tokens, width] of N clips."""

    vectors: np.ndarray
    tokens: np.ndarray


class Worker:
    """A process that has loaded a model; end it with `close`."""

    def __init__(self, job: Job) -> None:
        """Start the process and wait until the model is loaded.

        Raises:
            VljepaError: whatever loading raised.
        """
        wait_passively()  # the process inherits it, before it imports anything
        context = multiprocessing.get_context('spawn')
        self._name = str(job.choice)
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, job), daemon=True)
        self._process.start()
        theirs.close()
        try:
            self.loaded: Loaded = self._answer()
        except BaseException:
            self.close()
            raise

    def times(self, clips: np.ndarray, calls: int) -> list[tuple[float, float]]:
        """Return the seconds that X-Encoder and Predictor took in each of some calls.

        Args:
            clips: uint8 [B, T, H, W, 3].
            calls: one after another, with one query each.
        """
        self._connection.send(('times', (clips, calls)))
        times: list[tuple[float, float]] = self._answer()
        return times

    def answers(self, clips: np.ndarray) -> Answers:
        """Return what the model says about clips, one at a time."""
        self._connection.send(('answers', (clips,)))
        answers: Answers = self._answer()
        return answers

    def cpu_seconds(self) -> float:
        """Return the processor time that it has taken so far."""
        return cpu_seconds(self._process.pid or 0)

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(5.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _answer(self) -> Any:
        try:
            if not self._connection.poll(ANSWER_TIMEOUT_S):
                raise EngineError(f'{self._name} did not answer within {ANSWER_TIMEOUT_S:.0f} s')
            answer = self._connection.recv()
        except EOFError:
            self._process.join(5.0)
            raise EngineError(
                f'{self._name}: its process has ended with status {self._process.exitcode}'
            ) from None
        if isinstance(answer, VljepaError):
            raise answer
        return answer


class _Subject:
    """The model inside the process."""

    def __init__(self, job: Job) -> None:
        begin_s = time.perf_counter()
        self.said: list[str] = []
        config = load_config(job.folder)
        self.model, self.info, self._to_numpy = _load(job, config, self.said.append)
        self.wait = (lambda: None) if job.device == 'cpu' else _gpu_wait()
        loaded_s = time.perf_counter()
        self.call(noise(config, 1))
        done_s = time.perf_counter()
        self.load_s, self.first_call_s = loaded_s - begin_s, done_s - loaded_s

    def call(self, clips: np.ndarray) -> tuple[float, float]:
        """Answer a query about clips; return the seconds of X-Encoder and Predictor."""
        begin_s = time.perf_counter()
        features = self.model.encode(clips)
        self.wait()
        encoded_s = time.perf_counter()
        self.model.predict(features, [QUERY])
        return encoded_s - begin_s, time.perf_counter() - encoded_s

    def answers(self, clips: np.ndarray) -> Answers:
        vectors, tokens = [], []
        for clip in clips:
            features = self.model.encode(clip[None])
            vectors.append(self.model.predict(features, [QUERY])[0, 0])
            tokens.append(self._to_numpy(features)[0])
        return Answers(np.stack(vectors), np.stack(tokens))


def noise(config: ModelConfig, count: int) -> np.ndarray:
    """Return clips of noise, uint8 [count, T, H, W, 3]."""
    size = config.image_size
    shape = (count, config.clip_frames, size, size, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _load(
    job: Job, config: ModelConfig, say: Callable[[str], None]
) -> tuple[Any, EngineInfo, Callable[[Any], np.ndarray]]:
    """Return what encodes and predicts, what it is, and how its tokens become an array."""
    if job.choice == TRANSFORMERS:
        from benchmarks.transformers_model import TransformersModel

        model = TransformersModel(job.folder, device=job.device, threads=job.threads)
        info = EngineInfo('transformers', job.device, 'fp32', job.threads)
        return model, info, lambda tokens: tokens.cpu().numpy()
    if job.choice == AUTO:
        with tempfile.TemporaryDirectory() as cache:
            if job.device == 'cpu':  # it measures now, whatever it has measured before
                os.environ[VARIABLE] = cache
            engine = load_engine(
                job.folder, device=job.device, threads=job.threads, components=MEASURED, say=say
            )
        return engine, engine.info, np.asarray
    backend = load_backend(
        job.choice, job.folder, config, MEASURED, device=job.device, threads=job.threads
    )
    graphs = GraphEngine(job.folder, config, backend, model_id='', components=MEASURED)
    return graphs, backend.info, backend.to_numpy


def _gpu_wait() -> Callable[[], None]:
    """Return what waits until the GPU has done everything that it was given."""
    library = ctypes.CDLL(LIBRARIES[0])

    def wait() -> None:
        status = library.cuCtxSynchronize()
        if status:
            raise EngineError(f'The GPU failed: cuCtxSynchronize returned {status}')

    return wait


def _serve(connection: Connection, job: Job) -> None:
    """Load, then do what comes, until nobody asks any more; runs in the process."""
    answer: Any
    try:
        subject = _Subject(job)
        answer = Loaded(
            info=subject.info,
            said=tuple(subject.said),
            load_s=subject.load_s,
            first_call_s=subject.first_call_s,
            peak_mb=peak_resident_mb(os.getpid()),
        )
    except Exception as error:
        connection.send(_sendable(error, job))
        return
    while True:
        try:
            connection.send(answer)
            command, arguments = connection.recv()
        except (EOFError, OSError):
            return
        try:
            if command == 'times':
                clips, calls = arguments
                answer = [subject.call(clips) for _ in range(calls)]
            else:
                answer = subject.answers(*arguments)
        except Exception as error:
            answer = _sendable(error, job)


def _sendable(error: Exception, job: Job) -> VljepaError:
    if isinstance(error, VljepaError):
        return error
    return EngineError(f'{job.choice} failed: {type(error).__name__}: {error}')

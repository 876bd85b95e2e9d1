# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One service call's use of the model: bounded in size and time, in portions."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from vljepa_ros.errors import ConfigurationError, EngineError
from vljepa_ros.inference import Engine
from vljepa_ros.inference.queries import check_queries
from vljepa_ros.nodes.worker import Worker

Result = TypeVar('Result')

# All the actions of a world, or the labels of a large data set, in one call.
MAX_TEXTS = 1000
# The largest Y-Encoder reads 512 tokens of about four characters.
MAX_CHARACTERS = 2000
# Between two portions the worker takes a sample of the camera. With tiny on one thread of two busy
# cores, 32 texts took 0.1 s (of 40 characters each) to 1 s (of 400, the most that it reads).
TEXTS_AT_ONCE = 32


class ModelCall:
    """Runs work with the engine in the worker, until the call's time is up.

    Attributes:
        model_id: that of the engine.
    """

    def __init__(self, engine: Engine, worker: Worker, *, timeout_s: float) -> None:
        """Begin the call's time.

        Args:
            engine: the loaded engine.
            worker: the only thread that may use it.
            timeout_s: for all the work of the call together, in seconds.
        """
        self.model_id = engine.model_id
        self._engine = engine
        self._worker = worker
        self._timeout_s = timeout_s
        self._end_s = time.monotonic() + timeout_s

    def run(self, work: Callable[[Engine], Result]) -> Result:
        """Return the result of work with the engine.

        Raises:
            EngineError: the worker is busy, or the time is up.
            VljepaError: whatever `work` raises.
        """
        future = self._worker.submit(lambda: work(self._engine))
        try:
            return future.result(max(0.0, self._end_s - time.monotonic()))
        except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError) as error:
            future.cancel()
            raise EngineError(
                'The model is busy: no answer within service_timeout_s = '
                f'{self._timeout_s:g} s. Ask for less at once, or set it higher'
            ) from error

    def check_query(self, query: str) -> None:
        """Refuse a misspelled name of a query; needs no turn of the worker.

        Raises:
            ConfigurationError: a single word without a question mark is not a name.
        """
        check_queries([query], self._engine.config, self.model_id, field='query')

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Return unit vectors float32 [N, D] of texts that `check_texts` has passed."""
        portions = [
            texts[start : start + TEXTS_AT_ONCE] for start in range(0, len(texts), TEXTS_AT_ONCE)
        ]
        return np.concatenate([self._embed(portion) for portion in portions])

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        return self.run(lambda engine: engine.embed_text(texts))


def check_texts(field: str, texts: Sequence[str]) -> list[str]:
    """Return the texts of a request as a list.

    Args:
        field: its name in the request, for messages.
        texts: what was sent.

    Raises:
        ConfigurationError: there is no text or too many, or one is empty or too long.
    """
    if not texts:
        raise ConfigurationError(f'{field} is empty; give at least one text')
    if len(texts) > MAX_TEXTS:
        raise ConfigurationError(
            f'{field} holds {len(texts)} texts; allowed are at most {MAX_TEXTS} in one call. '
            'Make several calls'
        )
    for index, text in enumerate(texts):
        if not text.strip():
            raise ConfigurationError(f'{field}[{index}] is empty; give words')
        if len(text) > MAX_CHARACTERS:
            raise ConfigurationError(
                f'{field}[{index}] has {len(text)} characters; allowed are at most '
                f'{MAX_CHARACTERS}. Shorten it'
            )
    return list(texts)

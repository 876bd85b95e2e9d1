# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The services `classify` and `answer`: texts ranked against what a camera sees now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from std_msgs.msg import Header

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference import Engine
from vljepa_ros.interfaces import Answer, Classify
from vljepa_ros.nodes.camera_stream import CameraSample
from vljepa_ros.nodes.images import picture_in
from vljepa_ros.nodes.model_call import ModelCall, check_texts
from vljepa_ros.nodes.model_node import ModelNode
from vljepa_ros.nodes.scores import scored_texts
from vljepa_ros.stream.image_ops import still_clip
from vljepa_ros.world.action_inference import rank

DEFAULT_QUERY = 'caption'

# The name of a camera, empty for the only one → its newest clip; raises VljepaError.
View = Callable[[str], CameraSample]


class ViewServices:
    """Serves both on a node."""

    def __init__(self, node: ModelNode, view: View) -> None:
        """Create the services.

        Args:
            node: the node that serves.
            view: gives the newest clip of a camera.
        """
        self._node, self._view = node, view
        node.add_service(Classify, 'classify', self._on_classify)
        node.add_service(Answer, 'answer', self._on_answer)

    def _on_classify(
        self, request: Classify.Request, response: Classify.Response
    ) -> Classify.Response:
        def answer(call: ModelCall) -> None:
            labels = check_texts('labels', request.labels)
            query = request.query.strip() or DEFAULT_QUERY
            self._rank(call, request, response, query=query, texts=labels)

        return self._node.serve(response, answer)

    def _on_answer(self, request: Answer.Request, response: Answer.Response) -> Answer.Response:
        def answer(call: ModelCall) -> None:
            candidates = check_texts('candidates', request.candidates)
            question = request.question.strip()
            if not question:
                raise ConfigurationError('question is empty; ask something')
            self._rank(call, request, response, query=question, texts=candidates)

        return self._node.serve(response, answer)

    def _rank(
        self, call: ModelCall, request: Any, response: Any, *, query: str, texts: Sequence[str]
    ) -> None:
        """Write the ranked texts into the response."""
        call.check_query(query)

        def predict(engine: Engine) -> tuple[np.ndarray, Header]:
            frames, header = self._seen(request, engine)
            vector: np.ndarray = engine.predict(engine.encode(frames[None]), [query])[0, 0]
            return vector, header

        vector, header = call.run(predict)
        ranked = rank(texts, call.embed_texts(texts), vector)
        response.header, response.model_id = header, call.model_id
        response.ranked = scored_texts(ranked)

    def _seen(self, request: Any, engine: Engine) -> tuple[np.ndarray, Header]:
        """Return the frames [T, S, S, 3] that are asked about, and their header."""
        image = request.image
        if not (image.width or image.height or image.data):
            sample = self._view(request.camera)
            return sample.clip.frames, sample.header
        if request.camera:
            raise ConfigurationError(
                f'Both an image and camera {request.camera!r} are given; give one of them'
            )
        frames = still_clip(
            picture_in('image', image),
            clip_frames=engine.config.clip_frames,
            image_size=engine.config.image_size,
        )
        return frames, image.header

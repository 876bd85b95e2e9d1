# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""perception: camera images in, a stream of semantic embeddings out; also answers questions."""

from __future__ import annotations

import array
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rclpy.duration import Duration

from vljepa_ros.inference import Engine
from vljepa_ros.interfaces import Classification, Embedding, EmbedText
from vljepa_ros.nodes import qos
from vljepa_ros.nodes.camera_stream import CameraSample
from vljepa_ros.nodes.cameras import CAMERA_PARAMETERS, Cameras, check_cameras
from vljepa_ros.nodes.embedder import EMBEDDER_PARAMETERS, Embedder
from vljepa_ros.nodes.engine_host import EngineHost
from vljepa_ros.nodes.model_call import ModelCall, check_texts
from vljepa_ros.nodes.model_node import ModelNode
from vljepa_ros.nodes.model_parameters import MODEL_PARAMETERS
from vljepa_ros.nodes.runner import run
from vljepa_ros.nodes.scores import scored_texts
from vljepa_ros.nodes.stamp_check import LATENCY, age_s
from vljepa_ros.nodes.stamps import to_stamp
from vljepa_ros.nodes.view_services import ViewServices
from vljepa_ros.world.action_inference import ScoredCandidate

FINISH_TIMEOUT_S = 5.0

PARAMETERS = (*MODEL_PARAMETERS, *CAMERA_PARAMETERS, *EMBEDDER_PARAMETERS)


class PerceptionNode(ModelNode):
    """Runs X-Encoder and Predictor on the clips of cameras."""

    def __init__(self, *, host: EngineHost | None = None, **options: Any) -> None:
        """Create the node.

        Args:
            host: the engine of the process; None makes one of its own.
            options: passed to `rclpy.node.Node`.
        """
        super().__init__(
            'perception',
            PARAMETERS,
            components=('x_encoder', 'predictor', 'y_encoder'),
            host=host,
            counters=(
                *('frames_in', 'frames_late', 'frames_unusable'),
                *('frames_dropped', 'samples_still', 'embeddings'),
            ),
            **options,
        )
        self._publisher = self.create_lifecycle_publisher(Embedding, 'embedding', qos.EMBEDDING)
        self._label_publisher = self.create_lifecycle_publisher(
            Classification, 'classification', qos.EMBEDDING
        )
        self._cameras = Cameras(self)
        self._embedder: Embedder | None = None
        self._model_id = ''
        self.add_service(EmbedText, 'embed_text', self._on_embed_text)
        self._view_services = ViewServices(self, self._cameras.view)

    def check_together(self, values: Mapping[str, Any]) -> None:
        """Check the cameras' names, and the queries against the model."""
        super().check_together(values)
        check_cameras(values)

    def warm_up(self, engine: Engine) -> None:
        """Answer every query about black clips, and embed a text."""
        size, frames = engine.config.image_size, engine.config.clip_frames
        for count in sorted({1, len(self.parameters['camera'])}):
            clips = np.zeros((count, frames, size, size, 3), dtype=np.uint8)
            engine.predict(engine.encode(clips), self.parameters['queries'])
        engine.embed_text(['a text'])

    def activate(self) -> None:
        """Subscribe to the cameras."""
        assert self.engine is not None
        self._model_id = self.engine.model_id
        self._embedder = Embedder(
            self.engine,
            self.host.worker,
            parameters=self.parameters,
            health=self.health,
            output=self,
        )
        self._cameras.open(self.engine, self._embedder)

    def deactivate(self) -> None:
        """Leave the cameras, publish what is left and forget their images."""
        self._cameras.close()
        if self._embedder is not None:
            self._embedder.finish(timeout_s=FINISH_TIMEOUT_S)
            self._embedder = None
        # The event node is stopped next, and takes what has arrived by then.
        self._publisher.wait_for_all_acked(Duration(seconds=1))

    def embedded(self, sample: CameraSample, query: str, vector: np.ndarray) -> None:
        """Publish the embedding [D] of a query about a clip; runs in the worker."""
        self._publisher.publish(
            Embedding(
                header=sample.header,
                camera=sample.camera,
                query=query,
                model_id=self._model_id,
                clip_start=to_stamp(sample.clip.first_stamp_ns),
                clip_end=to_stamp(sample.clip.last_stamp_ns),
                normalized=True,
                data=array.array('f', vector.astype(np.float32).tobytes()),
            )
        )
        self.health.count('embeddings')
        age = age_s(sample.clip.last_stamp_ns, now_ns=self.get_clock().now().nanoseconds)
        if age is not None:
            self.health.measure(LATENCY, age)

    def labelled(
        self, sample: CameraSample, query: str, ranked: Sequence[ScoredCandidate]
    ) -> None:
        """Publish the labels of a clip, the best first; runs in the worker."""
        self._label_publisher.publish(
            Classification(
                header=sample.header,
                camera=sample.camera,
                query=query,
                model_id=self._model_id,
                ranked=scored_texts(ranked),
            )
        )

    def _on_embed_text(
        self, request: EmbedText.Request, response: EmbedText.Response
    ) -> EmbedText.Response:
        def answer(call: ModelCall) -> None:
            vectors = call.embed_texts(check_texts('texts', request.texts))
            response.model_id = call.model_id
            response.dim = vectors.shape[1]
            response.data = array.array('f', vectors.astype(np.float32).tobytes())

        return self.serve(response, answer)


def main(args: Sequence[str] | None = None) -> None:
    """Run the node until a signal."""
    run(lambda: [PerceptionNode()], args=args)


if __name__ == '__main__':
    main()

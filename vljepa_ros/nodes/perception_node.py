# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""perception: camera images in, a stream of semantic embeddings out; also embeds texts."""

from __future__ import annotations

import array
import functools
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from sensor_msgs.msg import Image

from vljepa_ros.errors import VljepaError
from vljepa_ros.inference import Engine
from vljepa_ros.interfaces import Embedding, EmbedText
from vljepa_ros.nodes import qos
from vljepa_ros.nodes.camera_stream import CameraSample, CameraStream
from vljepa_ros.nodes.model_call import ModelCall, check_texts
from vljepa_ros.nodes.model_node import MODEL_PARAMETERS, ModelNode, check_queries
from vljepa_ros.nodes.parameters import Change, Parameter
from vljepa_ros.nodes.runner import run
from vljepa_ros.nodes.stamps import to_stamp
from vljepa_ros.nodes.worker import EngineHost
from vljepa_ros.stream.clip_buffer import ClipBuffer
from vljepa_ros.stream.stamps import SECOND_NS

WATCH_PERIOD_S = 0.25
FINISH_TIMEOUT_S = 5.0

PARAMETERS = (
    *MODEL_PARAMETERS,
    Parameter(
        'image',
        'image_raw',
        "The camera's image topic; a relative name is resolved in the node's namespace.",
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'camera',
        'camera',
        "The camera's name in embeddings and events.",
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'queries',
        ['caption'],
        "What is asked about each clip: names of the model's queries, or free questions (several "
        'words or a question mark).',
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'rate_hz',
        5.0,
        "Embeddings a second, in the clock of the images' stamps.",
        minimum=0.1,
        maximum=100.0,
    ),
    Parameter(
        'stop_timeout_s',
        2.0,
        'Seconds without an image after which the camera counts as stopped.',
        minimum=0.1,
        maximum=3600.0,
    ),
)


class PerceptionNode(ModelNode):
    """Runs X-Encoder and Predictor on the clips of a camera."""

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
                *('frames_dropped', 'embeddings'),
            ),
            **options,
        )
        self._publisher = self.create_lifecycle_publisher(Embedding, 'embedding', qos.EMBEDDING)
        self._image_group = MutuallyExclusiveCallbackGroup()
        self._streams: list[CameraStream] = []
        # Transitions run beside the image callbacks; after one, no stale callback may do anything.
        self._streams_lock = threading.Lock()
        self._image_subscriptions: list[Subscription] = []
        self._watch: Timer | None = None
        self.health.probe('frame_age_s', self._frame_age)
        self.add_service(EmbedText, 'embed_text', self._on_embed_text)

    def warm_up(self, engine: Engine) -> None:
        """Answer every query about a black clip and embed a text."""
        size, frames = engine.config.image_size, engine.config.clip_frames
        clip = np.zeros((1, frames, size, size, 3), dtype=np.uint8)
        check_queries(self.parameters['queries'], engine)
        engine.predict(engine.encode(clip), self.parameters['queries'])
        engine.embed_text(['a text'])

    def activate(self) -> None:
        """Subscribe to the camera."""
        self._open(self.parameters['camera'], self.parameters['image'])
        self._watch = self.create_timer(
            WATCH_PERIOD_S,
            self._watch_cameras,
            callback_group=self._image_group,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def deactivate(self) -> None:
        """Leave the camera, publish what is left and forget its images."""
        if self._watch is not None:
            self.destroy_timer(self._watch)
            self._watch = None
        for subscription in self._image_subscriptions:
            self.destroy_subscription(subscription)
        with self._streams_lock:
            streams, self._streams, self._image_subscriptions = self._streams, [], []
        for stream in streams:
            self.host.worker.finish((self, stream.name), timeout_s=FINISH_TIMEOUT_S)
            stream.close()
        # The event node is stopped next, and takes what has arrived by then.
        self._publisher.wait_for_all_acked(Duration(seconds=1))

    def _open(self, camera: str, topic: str) -> None:
        assert self.engine is not None
        config = self.engine.config
        stream = CameraStream(
            name=camera,
            topic=self.resolve_topic_name(topic),
            buffer=ClipBuffer(
                clip_frames=config.clip_frames,
                clip_fps=config.clip_fps,
                image_size=config.image_size,
            ),
            health=self.health,
            now_ns=lambda: self.get_clock().now().nanoseconds,
        )
        self._streams.append(stream)
        self._image_subscriptions.append(
            self.create_subscription(
                Image,
                topic,
                functools.partial(self._on_image, stream),
                qos.IMAGE_INPUT,
                callback_group=self._image_group,
            )
        )

    def _on_image(self, stream: CameraStream, message: Image) -> None:
        with self._streams_lock:
            engine = self.engine
            if stream not in self._streams or engine is None:
                return
            sample = stream.take(message, rate_hz=self.parameters['rate_hz'])
            if sample is None:
                return
            work = functools.partial(self._embed, engine, sample, self.parameters['queries'])
            if self.host.worker.offer((self, stream.name), work):
                self.health.count('frames_dropped')

    def _embed(self, engine: Engine, sample: CameraSample, queries: Sequence[str]) -> None:
        """Run the model on a clip and publish; runs in the worker."""
        try:
            vectors = engine.predict(engine.encode(sample.clip.frames[None]), queries)[0]  # [Q, D]
        except VljepaError as error:
            self.health.error('model', f'The model failed on {sample.camera!r}: {error}')
            return
        except Exception as error:
            self.health.error('model', f'Unexpected {type(error).__name__} in the model: {error}')
            return
        for query, vector in zip(queries, vectors, strict=True):
            self._publisher.publish(_message(sample, query, engine.model_id, vector))
        self.health.count('embeddings', len(queries))
        age_ns = self.get_clock().now().nanoseconds - sample.clip.last_stamp_ns
        self.health.measure_latency(age_ns / SECOND_NS)

    def _watch_cameras(self) -> None:
        with self._streams_lock:
            for stream in self._streams:
                stream.watch(stop_timeout_s=self.parameters['stop_timeout_s'])

    def _frame_age(self) -> str:
        return ', '.join(f'{stream.silence_s:.2f}' for stream in self._streams)

    def _on_embed_text(
        self, request: EmbedText.Request, response: EmbedText.Response
    ) -> EmbedText.Response:
        def answer(call: ModelCall) -> None:
            vectors = call.embed_texts(check_texts('texts', request.texts))
            response.model_id = call.model_id
            response.dim = vectors.shape[1]
            response.data = array.array('f', vectors.astype(np.float32).tobytes())

        return self.serve(response, answer)


def _message(sample: CameraSample, query: str, model_id: str, vector: np.ndarray) -> Embedding:
    return Embedding(
        header=sample.header,
        camera=sample.camera,
        query=query,
        model_id=model_id,
        clip_start=to_stamp(sample.clip.first_stamp_ns),
        clip_end=to_stamp(sample.clip.last_stamp_ns),
        normalized=True,
        data=array.array('f', vector.astype(np.float32).tobytes()),
    )


def main(args: Sequence[str] | None = None) -> None:
    """Run the node until a signal."""
    run(lambda: [PerceptionNode()], args=args)


if __name__ == '__main__':
    main()

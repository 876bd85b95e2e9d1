# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures, embeddings and events of a stream as the messages that the recorder keeps."""

from __future__ import annotations

import numpy as np

from benchmarks.quiet_camera import QuietFrame
from vljepa_ros.recordings import messages
from vljepa_ros.recordings.recording import RecordedEmbedding, RecordedEvent, RecordedImage
from vljepa_ros.recordings.ring import Record, Topic
from vljepa_ros.stream.encoded_images import encode_jpeg
from vljepa_ros.stream.image_ops import Picture

FRAME_ID = 'camera'
RAW_IMAGES = Topic('/camera/image_raw', messages.IMAGE)
JPEG_IMAGES = Topic('/camera/image_raw/compressed', messages.COMPRESSED_IMAGE)
EMBEDDINGS = Topic('/vljepa/embedding', messages.EMBEDDING)
EVENTS = Topic('/vljepa/events', messages.EVENT, latched=True)


def recorded(frame: QuietFrame, stamp_ns: int) -> RecordedImage:
    """Return a picture for the watcher."""
    picture = Picture(frame.image)
    return RecordedImage(RAW_IMAGES.name, stamp_ns, stamp_ns, FRAME_ID, lambda side: picture)


def jpeg_record(frame: QuietFrame, stamp_ns: int, quality: int) -> Record:
    """Return a picture as the recorder keeps it."""
    data = np.frombuffer(encode_jpeg(Picture(frame.image), quality=quality), dtype=np.uint8)
    value = messages.message(
        messages.COMPRESSED_IMAGE,
        header=messages.header(stamp_ns, FRAME_ID),
        format='jpeg',
        data=data,
    )
    return Record(JPEG_IMAGES, stamp_ns, messages.serialize(messages.COMPRESSED_IMAGE, value))


def embedding_record(embedding: RecordedEmbedding) -> Record:
    """Return an embedding as its message."""
    value = messages.message(
        messages.EMBEDDING,
        header=messages.header(embedding.stamp_ns, FRAME_ID),
        camera=embedding.camera,
        query=embedding.query,
        model_id=embedding.model_id,
        clip_start=messages.time(embedding.clip_start_ns),
        clip_end=messages.time(embedding.clip_end_ns),
        normalized=True,
        data=embedding.vector.astype(np.float32),
    )
    data = messages.serialize(messages.EMBEDDING, value)
    return Record(EMBEDDINGS, embedding.logged_ns, data)


def event_record(event: RecordedEvent) -> Record:
    """Return an event as its message."""
    value = messages.message(
        messages.EVENT,
        header=messages.header(event.stamp_ns, FRAME_ID),
        id=event.id,
        phase={'STARTED': 1, 'ENDED': 2}[event.phase],
        start=messages.time(event.start_ns),
        end=messages.time(event.end_ns),
        text=event.text,
        score=event.score,
        source={'DECODER': 1, 'NEAREST': 2}[event.source],
        change=event.change,
        camera=event.camera,
        query=event.query,
        model_id=event.model_id,
    )
    return Record(EVENTS, event.logged_ns, messages.serialize(messages.EVENT, value))


def raw_record(frame: QuietFrame, stamp_ns: int) -> Record:
    """Return a picture as rows of pixels."""
    height, width = frame.image.shape[:2]
    value = messages.message(
        messages.IMAGE,
        header=messages.header(stamp_ns, FRAME_ID),
        height=height,
        width=width,
        encoding='rgb8',
        is_bigendian=0,
        step=3 * width,
        data=frame.image.ravel(),
    )
    return Record(RAW_IMAGES, stamp_ns, messages.serialize(messages.IMAGE, value))

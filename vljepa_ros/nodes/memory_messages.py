# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Messages ↔ what a memory takes and finds."""

from __future__ import annotations

import array

import numpy as np
from builtin_interfaces.msg import Time
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference import Engine
from vljepa_ros.interfaces import Embedding, Search, SearchHit, SemanticEvent
from vljepa_ros.memory import search as memory
from vljepa_ros.memory.intake.remembering import SeenEvent
from vljepa_ros.memory.row import Kind, Row
from vljepa_ros.nodes.embedding_stream import vector_of
from vljepa_ros.nodes.images import picture_in
from vljepa_ros.nodes.model_call import ModelCall, check_texts
from vljepa_ros.nodes.stamps import to_ns, to_stamp
from vljepa_ros.nodes.view_services import DEFAULT_QUERY
from vljepa_ros.stream.image_ops import still_clip

DEFAULT_LIMIT = 10
PHASES = {SemanticEvent.STARTED: 'STARTED', SemanticEvent.ENDED: 'ENDED'}
SOURCES = {SemanticEvent.DECODER: 'DECODER', SemanticEvent.NEAREST: 'NEAREST'}
KINDS = {
    Search.Request.ALL: (Kind.EMBEDDING, Kind.EVENT),
    Search.Request.EMBEDDINGS: (Kind.EMBEDDING,),
    Search.Request.EVENTS: (Kind.EVENT,),
}
ORDERS = (Search.Request.BEST, Search.Request.NEWEST)
HIT_KINDS = {Kind.EMBEDDING: SearchHit.EMBEDDING, Kind.EVENT: SearchHit.EVENT}


def row_of(message: Embedding) -> Row:
    """Return an embedding as a row without a thumbnail.

    Raises:
        StreamError: its vector or its times make no sense.
    """
    return Row(
        kind=Kind.EMBEDDING,
        model_id=message.model_id,
        camera=message.camera,
        query=message.query,
        stamp_ns=to_ns(message.header.stamp),
        start_ns=to_ns(message.clip_start),
        end_ns=to_ns(message.clip_end),
        vector=vector_of(message),
    )


def event_of(message: SemanticEvent) -> SeenEvent:
    """Return an event."""
    return SeenEvent(
        model_id=message.model_id,
        camera=message.camera,
        query=message.query,
        stamp_ns=to_ns(message.header.stamp),
        start_ns=to_ns(message.start),
        end_ns=to_ns(message.end),
        text=message.text,
        score=message.score,
        source=SOURCES.get(message.source, ''),
        event_id=message.id,
        phase=PHASES.get(message.phase, ''),
    )


def search_of(request: Search.Request, call: ModelCall) -> memory.Search:
    """Return what a request looks for.

    Args:
        request: the request.
        call: embeds its text or image.

    Raises:
        VljepaError: it asks for nothing, for two things, or for what is not allowed; or the model
            is busy.
    """
    if request.kind not in KINDS:
        raise ConfigurationError(f'kind is {request.kind}; allowed are {sorted(KINDS)}')
    if request.order not in ORDERS:
        raise ConfigurationError(f'order is {request.order}; allowed are {list(ORDERS)}')
    vector, query = _vector(request, call)
    return memory.Search(
        vector=vector,
        model_id=call.model_id,
        camera=request.camera,
        query=query,
        since_ns=_bound(request.since),
        until_ns=_bound(request.until),
        kinds=KINDS[request.kind],
        limit=request.limit or DEFAULT_LIMIT,
        min_score=request.min_score or None,
        newest_first=request.order == Search.Request.NEWEST,
    )


def _vector(request: Search.Request, call: ModelCall) -> tuple[np.ndarray, str]:
    """Return the vector [D] that is looked for, and whose answers are searched."""
    query = request.query.strip()
    image = request.image
    has_image = bool(image.width or image.height or image.data)
    if has_image and request.text:
        raise ConfigurationError('Both a text and an image are given; give one of them')
    if not has_image:
        if query:
            call.check_query(query)
        return call.embed_texts(check_texts('text', [request.text]))[0], query
    query = query or DEFAULT_QUERY
    call.check_query(query)
    picture = picture_in('image', image)

    def predict(engine: Engine) -> np.ndarray:
        frames = still_clip(
            picture,
            clip_frames=engine.config.clip_frames,
            image_size=engine.config.image_size,
        )
        vector: np.ndarray = engine.predict(engine.encode(frames[None]), [query])[0, 0]
        return vector

    return call.run(predict), query


def to_hit(hit: memory.Hit) -> SearchHit:
    """Return a hit as a message."""
    data = array.array('B')
    data.frombytes(hit.thumbnail)
    stamp = to_stamp(hit.stamp_ns)
    sources = {name: value for value, name in SOURCES.items()}
    return SearchHit(
        kind=HIT_KINDS[hit.kind],
        camera=hit.camera,
        query=hit.query,
        start=to_stamp(hit.start_ns),
        end=to_stamp(hit.end_ns),
        stamp=stamp,
        score=hit.score,
        text=hit.text,
        text_score=hit.text_score,
        source=sources.get(hit.source, 0),
        event_id=hit.event_id,
        recording=hit.recording,
        thumbnail=CompressedImage(header=Header(stamp=stamp), format='jpeg', data=data),
    )


def _bound(stamp: Time) -> int | None:
    """Return a bound of time in nanoseconds; None for 0."""
    return to_ns(stamp) or None

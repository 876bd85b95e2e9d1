# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every node goes through its lifecycle, twice, and ends from every state."""

from __future__ import annotations

import ast
import gc
import inspect
from collections.abc import Sequence

import numpy as np
import pytest
from ros_graph import WAIT_S, Graph, open_graph, scene, wait_until, write_video
from untrained import build_untrained_checkpoint

pytest.importorskip('torch', reason='the nodes need PyTorch')

from lifecycle_msgs.msg import Transition  # noqa: E402
from lifecycle_msgs.srv import ChangeState, GetState  # noqa: E402
from rclpy.lifecycle import LifecycleNode  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from vljepa_ros.interfaces import EmbedText, InferAction  # noqa: E402
from vljepa_ros.nodes.camera_node import CameraNode  # noqa: E402
from vljepa_ros.nodes.event_node import EventNode  # noqa: E402
from vljepa_ros.nodes.images import to_message  # noqa: E402
from vljepa_ros.nodes.model_call import MAX_CHARACTERS, MAX_TEXTS, TEXTS_AT_ONCE  # noqa: E402
from vljepa_ros.nodes.perception_node import PerceptionNode  # noqa: E402
from vljepa_ros.nodes.world_model_node import WorldModelNode  # noqa: E402

pytestmark = pytest.mark.ros
NODES = (CameraNode, PerceptionNode, EventNode, WorldModelNode)
IDS = {
    'configure': Transition.TRANSITION_CONFIGURE,
    'activate': Transition.TRANSITION_ACTIVATE,
    'deactivate': Transition.TRANSITION_DEACTIVATE,
    'cleanup': Transition.TRANSITION_CLEANUP,
}
SHUTDOWN = {
    'unconfigured': Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
    'inactive': Transition.TRANSITION_INACTIVE_SHUTDOWN,
    'active': Transition.TRANSITION_ACTIVE_SHUTDOWN,
}


@pytest.fixture(scope='module')
def parameters(tmp_path_factory) -> dict[type, dict[str, object]]:
    """Return the parameters that each node needs to work."""
    folder = tmp_path_factory.mktemp('lifecycle')
    model = str(build_untrained_checkpoint(folder / 'model'))
    video = str(write_video(folder / 'video.mp4', scenes=[0], frames=30))
    return {
        kind: {'video': video} if kind is CameraNode else {'model': model, 'threads': 1}
        for kind in NODES
    }


@pytest.fixture
def graph():
    with open_graph() as opened:
        yield opened


def change(graph: Graph, node: object, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    name = node.get_fully_qualified_name()  # type: ignore[attr-defined]
    return bool(graph.call(ChangeState, f'{name}/change_state', request).success)


def state(graph: Graph, node: object) -> str:
    name = node.get_fully_qualified_name()  # type: ignore[attr-defined]
    return str(graph.call(GetState, f'{name}/get_state', GetState.Request()).current_state.label)


@pytest.mark.parametrize('kind', NODES)
def test_the_cycle_works_twice(graph, parameters, kind):
    node = graph.add(kind, **parameters[kind])
    for _ in range(2):
        for transition, expected in [
            ('configure', 'inactive'),
            ('activate', 'active'),
            ('deactivate', 'inactive'),
            ('activate', 'active'),
            ('deactivate', 'inactive'),
            ('cleanup', 'unconfigured'),
        ]:
            assert change(graph, node, IDS[transition])
            assert state(graph, node) == expected


@pytest.mark.parametrize('kind', NODES)
@pytest.mark.parametrize('start', SHUTDOWN)
def test_shutdown_from_every_state(graph, parameters, kind, start):
    node = graph.add(kind, **parameters[kind])
    for transition in {'unconfigured': [], 'inactive': ['configure']}.get(
        start, ['configure', 'activate']
    ):
        assert change(graph, node, IDS[transition])
    assert change(graph, node, SHUTDOWN[start])
    assert state(graph, node) == 'finalized'
    assert not node.is_active


def test_an_impossible_transition_is_answered(graph, parameters):
    node = graph.add(CameraNode, **parameters[CameraNode])
    assert not change(graph, node, IDS['activate'])
    assert state(graph, node) == 'unconfigured'
    assert change(graph, node, IDS['configure'])


@pytest.mark.parametrize('kind', NODES)
def test_autostart(graph, parameters, kind):
    node = graph.add(kind, autostart=True, **parameters[kind])
    wait_until(lambda: node.is_active)
    assert state(graph, node) == 'active'


def embed_text(graph: Graph, texts=('open the drawer',)) -> EmbedText.Response:
    return graph.call(EmbedText, 'embed_text', EmbedText.Request(texts=list(texts)))


def infer_action(graph: Graph, candidates=('open the drawer', 'push it')) -> InferAction.Response:
    request = InferAction.Request(
        initial=to_message(scene(0), Header()),
        goal=to_message(scene(1, width=160, height=120), Header()),
        candidates=list(candidates),
    )
    return graph.call(InferAction, 'infer_action', request)


@pytest.mark.parametrize(
    ('kind', 'ask'), [(PerceptionNode, embed_text), (WorldModelNode, infer_action)]
)
def test_services_say_why_they_do_not_serve(graph, parameters, kind, ask):
    node = graph.add(kind, **parameters[kind])
    for transition, expected in [
        (None, 'unconfigured'),
        ('configure', 'inactive'),
        ('activate', 'active'),
        ('deactivate', 'inactive'),
        ('cleanup', 'unconfigured'),
    ]:
        assert transition is None or change(graph, node, IDS[transition])
        answer = ask(graph)
        assert answer.success == (expected == 'active')
        if not answer.success:
            assert f'is {expected}, not active' in answer.message
            assert 'ros2 lifecycle set /vljepa/' in answer.message


def test_answers_about_texts_and_actions(graph, parameters):
    perception = graph.add(PerceptionNode, **parameters[PerceptionNode])
    world_model = graph.add(WorldModelNode, **parameters[WorldModelNode])
    for node in (perception, world_model):
        assert change(graph, node, IDS['configure'])
        assert change(graph, node, IDS['activate'])
    answer = embed_text(graph, ['open the drawer', 'close the drawer'])
    vectors = np.array(answer.data).reshape(2, answer.dim)
    expected = perception.host.worker.submit(
        lambda: perception.engine.embed_text(['open the drawer', 'close the drawer'])
    ).result(WAIT_S)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)

    ranked = infer_action(graph, ['open the drawer', 'push it', 'open the drawer'])
    assert ranked.success
    assert sorted(item.text for item in ranked.ranked) == [
        'open the drawer',
        'open the drawer',
        'push it',
    ]
    scores = [item.score for item in ranked.ranked]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize('texts', [[], [''], ['open', ' ']])
def test_empty_texts_are_refused(graph, parameters, texts):
    node = graph.add(PerceptionNode, **parameters[PerceptionNode])
    node.trigger_configure()
    node.trigger_activate()
    answer = embed_text(graph, texts)
    assert not answer.success
    assert 'empty' in answer.message or 'No text' in answer.message
    assert embed_text(graph).success


@pytest.mark.parametrize(
    ('texts', 'named'),
    [
        (['open'] * (MAX_TEXTS + 1), 'holds 1001 texts; allowed are at most 1000'),
        (
            ['open', 'x' * (MAX_CHARACTERS + 1)],
            '[1] has 2001 characters; allowed are at most 2000',
        ),
        (['open', ' '], '[1] is empty'),
    ],
    ids=['too many', 'too long', 'empty'],
)
@pytest.mark.parametrize(
    ('kind', 'ask'), [(PerceptionNode, embed_text), (WorldModelNode, infer_action)]
)
def test_requests_are_bounded(graph, parameters, kind, ask, texts, named):
    node = graph.add(kind, **parameters[kind])
    node.trigger_configure()
    node.trigger_activate()
    answer = ask(graph, texts)
    assert not answer.success
    assert named in answer.message
    assert ask(graph).success


@pytest.mark.parametrize(
    ('kind', 'ask'), [(PerceptionNode, embed_text), (WorldModelNode, infer_action)]
)
def test_long_lists_leave_the_worker_to_the_camera_in_between(
    graph, parameters, kind, ask, monkeypatch
):
    node = graph.add(kind, **parameters[kind])
    node.trigger_configure()
    node.trigger_activate()
    texts = [f'push it {number} times' for number in range(2 * TEXTS_AT_ONCE + 1)]
    engine = node.engine
    expected = node.host.worker.submit(lambda: engine.embed_text(texts)).result(WAIT_S)
    portions = []

    def embed(some: Sequence[str]) -> np.ndarray:
        portions.append(len(some))
        return type(engine).embed_text(engine, some)

    monkeypatch.setattr(engine, 'embed_text', embed)
    answer = ask(graph, texts)
    assert answer.success
    assert portions == [TEXTS_AT_ONCE, TEXTS_AT_ONCE, 1]
    if kind is PerceptionNode:
        np.testing.assert_allclose(
            np.array(answer.data).reshape(len(texts), answer.dim), expected, atol=1e-5
        )
    else:
        assert sorted(item.text for item in answer.ranked) == sorted(texts)


def test_wrong_images_are_refused_by_name(graph, parameters):
    node = graph.add(WorldModelNode, **parameters[WorldModelNode])
    node.trigger_configure()
    node.trigger_activate()
    request = InferAction.Request(candidates=['open the drawer'])
    request.initial = to_message(scene(0), request.initial.header)
    answer = graph.call(InferAction, 'infer_action', request)
    assert not answer.success
    assert answer.message.startswith('goal: An image of 0×0 pixels')
    assert infer_action(graph).success


def assigned(kind: type) -> set[str]:
    """Return the attributes that our classes assign."""
    return {
        target.attr
        for base in kind.__mro__
        if base.__module__.startswith('vljepa_ros')
        for target in ast.walk(ast.parse(inspect.getsource(base)))
        if isinstance(target, ast.Attribute)
        and isinstance(target.ctx, ast.Store)
        and isinstance(target.value, ast.Name)
        and target.value.id == 'self'
    }


def test_no_attribute_of_rclpy_is_overwritten(graph):
    taken = set(vars(LifecycleNode('plain', context=graph.context)))
    assert {kind: assigned(kind) & taken for kind in NODES} == {kind: set() for kind in NODES}
    assert all(assigned(kind) for kind in NODES)


def test_a_destroyed_node_leaves_the_graph_without_the_cycle_collector(graph):
    def names() -> list[str]:
        return list(graph.node.get_node_names())

    gc.disable()
    try:
        with open_graph() as other:
            other.add(EventNode)
            wait_until(lambda: 'event' in names())
        wait_until(lambda: 'event' not in names(), timeout_s=10.0)
    finally:
        gc.enable()

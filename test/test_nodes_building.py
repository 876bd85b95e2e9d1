# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A node that is asked for TensorRT builds the engines beside its callbacks, and says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ros_graph import WAIT_S, Graph, open_graph, wait_until

pytest.importorskip('torch')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')
pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')
pytest.importorskip('cuda.bindings', reason='pip install cuda-bindings')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from tensorrt_checkpoint import with_half_precision  # noqa: E402
from tensorrt_machine import Machine  # noqa: E402

from vljepa_ros.errors import EngineError  # noqa: E402
from vljepa_ros.inference.tensorrt import background_build  # noqa: E402
from vljepa_ros.inference.tensorrt.command import build_here  # noqa: E402
from vljepa_ros.inference.tensorrt.plans import plans_folder  # noqa: E402
from vljepa_ros.inference.tensorrt.progress import BuildProgress, OnProgress  # noqa: E402
from vljepa_ros.interfaces import EmbedText  # noqa: E402
from vljepa_ros.nodes.engine_host import EngineHost  # noqa: E402
from vljepa_ros.nodes.perception_node import PerceptionNode  # noqa: E402
from vljepa_ros.nodes.world_model_node import WorldModelNode  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def graph():
    with open_graph() as opened:
        yield opened


@pytest.fixture
def machine(
    checkpoint_with_graphs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Machine:
    monkeypatch.setenv('VLJEPA_CACHE', str(tmp_path))
    folder = with_half_precision(checkpoint_with_graphs)
    return Machine(folder, plans_folder(), monkeypatch)


class Door:
    """Holds a build at its first step until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self.error: EngineError | None = None

        def build(
            checkpoint: Path,
            precision: str,
            device: str,
            folder: Path,
            note: OnProgress,
            say: Callable[[str], None],
        ) -> int:
            def held(progress: BuildProgress) -> bool | None:
                note(progress)
                self.reached.set()
                assert self.opened.wait(WAIT_S)
                if self.error is not None:
                    raise self.error
                return note(progress)

            return build_here(checkpoint, precision, device, folder, held, say)

        monkeypatch.setattr(background_build, 'build_here', build)


class Shown:
    """What nodes say on /diagnostics."""

    def __init__(self, graph: Graph) -> None:
        self._arrays: list[DiagnosticArray] = graph.collect(DiagnosticArray, '/diagnostics', 50)

    def wait(self, node: str, text: str) -> DiagnosticStatus:
        """Return the status of a node as soon as its message holds a text."""

        def found() -> DiagnosticStatus | None:
            statuses = [status for array in list(self._arrays) for status in array.status]
            own = [status for status in statuses if status.name == f'/vljepa/{node}']
            return own[-1] if own and text in own[-1].message else None

        status: DiagnosticStatus = wait_until(found)
        return status


def test_it_says_building_and_starts_afterwards(graph, machine, monkeypatch):
    door = Door(monkeypatch)
    shown = Shown(graph)
    host = EngineHost()
    settings = {'model': str(machine.folder), 'backend': 'tensorrt', 'autostart': True}
    nodes = [
        graph.add(lambda kind=kind, **options: kind(host=host, **options), **settings)
        for kind in (PerceptionNode, WorldModelNode)
    ]
    for node in nodes:
        building = shown.wait(node.get_name(), 'BUILDING engines: ')
        assert building.level == DiagnosticStatus.WARN
    assert door.reached.wait(WAIT_S)
    answer = graph.call(EmbedText, '/vljepa/embed_text', EmbedText.Request(texts=['a cup']))
    assert not answer.success
    assert 'is not active: BUILDING engines: x_encoder: 0 % built' in answer.message
    door.opened.set()
    wait_until(lambda: all(node.is_active for node in nodes))
    assert len(machine.builds) == len(set(machine.builds)), 'both nodes share one build'
    answer = graph.call(EmbedText, '/vljepa/embed_text', EmbedText.Request(texts=['a cup']))
    assert answer.success
    for node in nodes:
        assert shown.wait(node.get_name(), 'active').level == DiagnosticStatus.OK
    host.close()


def test_without_autostart_it_waits_for_configure(graph, machine):
    node = graph.add(PerceptionNode, model=str(machine.folder), backend='tensorrt')
    assert node.trigger_configure().name == 'FAILURE'
    shown = Shown(graph)
    assert shown.wait('perception', 'unconfigured').level == DiagnosticStatus.OK
    assert not node.is_active
    assert node.trigger_configure().name == 'SUCCESS'
    assert node.engine.info.backend == 'tensorrt'


def test_a_build_that_fails_says_why(graph, machine, monkeypatch):
    door = Door(monkeypatch)
    door.error = EngineError('the GPU is full')
    door.opened.set()
    shown = Shown(graph)
    graph.add(PerceptionNode, model=str(machine.folder), backend='tensorrt', autostart=True)
    status = shown.wait('perception', 'the GPU is full')
    assert status.level == DiagnosticStatus.ERROR


def test_engines_that_cannot_be_kept_are_built_once(graph, machine):
    plans_folder().parent.mkdir(parents=True, exist_ok=True)
    plans_folder().write_text('in the way')
    shown = Shown(graph)
    graph.add(PerceptionNode, model=str(machine.folder), backend='tensorrt', autostart=True)
    status = shown.wait('perception', 'could not be kept in')
    assert status.level == DiagnosticStatus.ERROR
    assert len(machine.builds) == len(set(machine.builds))


def test_the_end_of_the_process_stops_a_build(graph, machine, monkeypatch):
    door = Door(monkeypatch)
    node = graph.add(PerceptionNode, model=str(machine.folder), backend='tensorrt', autostart=True)
    assert door.reached.wait(WAIT_S)
    threading.Timer(0.5, door.opened.set).start()  # when the build is told to stop already
    node.host.close(timeout_s=WAIT_S)
    assert len(machine.builds) == 1, 'the other engines are not begun'

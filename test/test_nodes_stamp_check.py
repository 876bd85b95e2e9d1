# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stamps beside the node's clock: late, of another clock, and without a clock."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from ros_graph import open_graph

from vljepa_ros.nodes import stamp_check
from vljepa_ros.nodes.health import Health
from vljepa_ros.nodes.stamp_check import LATENCY, SILENT_S, StampCheck, age_s
from vljepa_ros.stream.stamps import SECOND_NS

pytestmark = pytest.mark.ros
NOW_NS = 5000 * SECOND_NS


class Clocks:
    """The node's clock and the steady one, both set by hand."""

    now_ns = NOW_NS
    steady_s = 100.0


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    # In that module only: the threads of the graph wait by the real one.
    monkeypatch.setattr(stamp_check, 'time', SimpleNamespace(monotonic=lambda: made.steady_s))
    return made


@pytest.fixture
def health() -> Iterator[Health]:
    with open_graph() as graph:
        yield Health(graph.node)


def check(name: str, health: Health, clocks: Clocks) -> StampCheck:
    return StampCheck(
        name=name, topic=f'/{name}/image', health=health, now_ns=lambda: clocks.now_ns
    )


def message(health: Health) -> str:
    return str(health._status().message)


@pytest.mark.parametrize(
    ('stamp_s', 'now_s', 'expected'),
    [
        (10.0, 10.5, 0.5),
        (10.5, 10.0, -0.5),  # clocks of two machines
        (0.0, 59.9, 59.9),
        (0.0, 60.0, None),
        (70.0, 10.0, None),
        (10.0, 0.0, None),  # a simulated clock that was not heard
    ],
)
def test_the_age_of_a_stamp(stamp_s: float, now_s: float, expected: float | None) -> None:
    age = age_s(round(stamp_s * SECOND_NS), now_ns=round(now_s * SECOND_NS))
    assert age == (expected if expected is None else pytest.approx(expected))


def test_another_clock_is_a_trouble_until_it_is_not(health: Health, clocks: Clocks) -> None:
    left, right = check('left', health, clocks), check('right', health, clocks)
    health.measure(LATENCY, 0.1)
    left.note(NOW_NS - SECOND_NS)
    assert message(health) == 'ok'
    left.note(NOW_NS - 90 * SECOND_NS)
    right.note(NOW_NS + 70 * SECOND_NS)
    assert '/left/image are stamped 90 s before' in message(health)
    assert '/right/image are stamped 70 s ahead of' in message(health)
    assert 'latency_p50_ms' not in [value.key for value in health._status().values]
    left.note(NOW_NS)
    assert '/left/image' not in message(health)
    right.close()
    assert message(health) == 'ok'


def test_a_simulated_clock_that_is_never_heard_is_named(health: Health, clocks: Clocks) -> None:
    clocks.now_ns = 0
    camera = check('left', health, clocks)
    camera.note(7 * SECOND_NS)
    clocks.steady_s += SILENT_S / 2
    camera.note(8 * SECOND_NS)
    assert message(health) == 'ok', 'the first message on /clock may be on its way'
    clocks.steady_s += SILENT_S / 2
    camera.note(9 * SECOND_NS)
    assert 'no time on /clock' in message(health)
    assert 'ros2 bag play --clock' in message(health)
    clocks.now_ns = 10 * SECOND_NS
    camera.note(10 * SECOND_NS)
    assert message(health) == 'ok'
    # It does not stand for the next time that the clock is lost.
    clocks.now_ns = 0
    camera.note(11 * SECOND_NS)
    assert message(health) == 'ok'

# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What never occurs together is no negative of each other."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs PyTorch: make setup')

import torch

from training.batches import NOT_VISIBLE
from training.concepts import NOTHING, Concepts
from training.episodes import FACTS
from training.pairing_masks import IGNORE_INDEX, PairingMasks, cross_entropy
from training.pairings import Pairings
from training.world.symbols import ACTIONS, COLOURS, KINDS


@pytest.fixture
def pairings() -> Pairings:
    """Everything occurs, but for yellow stars and pushed pears."""
    kind_colour = np.ones((len(KINDS), len(COLOURS)), bool)
    kind_colour[KINDS.index('star'), COLOURS.index('yellow')] = False
    action_kind = np.ones((len(ACTIONS), len(KINDS)), bool)
    action_kind[ACTIONS.index('push'), KINDS.index('pear')] = False
    return Pairings(kind_colour, action_kind)


@pytest.mark.parametrize(
    ('shown', 'said', 'untold'),
    [
        ({'kind': 'cube', 'colour': 'yellow'}, {'kind': 'star', 'colour': 'red'}, True),
        ({'kind': 'cube', 'colour': 'yellow'}, {'kind': 'star'}, True),
        ({'kind': 'star', 'colour': 'red'}, {'colour': 'yellow'}, True),
        ({'kind': 'star', 'colour': 'red'}, {'colour': 'blue'}, False),
        ({'kind': 'cube', 'colour': 'yellow'}, {'kind': 'ball', 'colour': 'yellow'}, False),
        ({'kind': 'cube'}, {'kind': 'star', 'colour': 'red'}, False),
        ({'action': 'push', 'kind': 'ball'}, {'action': 'push', 'kind': 'pear'}, True),
        ({'action': 'push', 'kind': 'ball'}, {'action': 'pick up', 'kind': 'pear'}, True),
        ({'action': 'pick up', 'kind': 'pear'}, {'action': 'push', 'kind': 'ball'}, True),
        ({'action': 'pick up', 'kind': 'ball'}, {'action': 'push', 'kind': 'ball'}, False),
        ({'action': 'push', 'kind': 'ball'}, {}, False),
        ({}, {'action': 'push', 'kind': 'ball'}, False),
        ({'action': 'idle'}, {'action': 'push', 'kind': 'ball', 'colour': 'red'}, False),
        ({'action': 'push', 'kind': 'ball', 'colour': 'red'}, {'action': 'idle'}, False),
        # A label says nothing wrong of a clip of the same action, whatever the colour.
        (
            {'action': 'push', 'kind': 'ball', 'colour': 'red'},
            {'action': 'push', 'kind': 'ball'},
            True,
        ),
        (
            {'action': 'push', 'kind': 'ball'},
            {'action': 'push', 'kind': 'ball', 'colour': 'red'},
            True,
        ),
        (
            {'action': 'push', 'kind': 'ball', 'colour': 'red'},
            {'action': 'push', 'kind': 'ball', 'colour': 'blue'},
            False,
        ),
    ],
)
def test_a_text_cannot_be_called_wrong_for_what_is_never_shown(pairings, shown, said, untold):
    found = pairings.untold([NOTHING, Concepts.of(**shown)], [Concepts.of(**said), NOTHING])
    assert found.tolist() == [[False, False], [untold, False]]


def test_pairings_are_those_of_the_data(pairings):
    class Shown:
        """Two objects and two segments, as `Episodes` holds them."""

        kind = np.array([[KINDS.index('cube'), KINDS.index('star'), -1, -1]], np.int8)
        colour = np.array([[COLOURS.index('red'), COLOURS.index('blue'), -1, -1]], np.int8)
        segment_facts = np.full((2, len(FACTS)), -1, np.int8)

    Shown.segment_facts[0, :3] = ACTIONS.index('push'), KINDS.index('cube'), COLOURS.index('red')
    Shown.segment_facts[1, 0] = ACTIONS.index('idle')
    found = Pairings.of(Shown)  # type: ignore[arg-type]
    coloured = {(KINDS[kind], COLOURS[colour]) for kind, colour in np.argwhere(found.kind_colour)}
    assert coloured == {('cube', 'red'), ('star', 'blue')}
    pushed = found.action_kind[ACTIONS.index('push')]
    assert [KINDS[kind] for kind in np.flatnonzero(pushed)] == ['cube']
    # Nothing is done with any object: that is no pair that is missing.
    assert found.action_kind[ACTIONS.index('idle')].all()


def test_a_masked_class_gets_no_gradient_and_the_target_always_does():
    logits = torch.zeros(3, 4, requires_grad=True)
    never = torch.tensor([[False, True, False, True]] * 3)
    # The third target is masked itself: it counts all the same.
    cross_entropy(logits, torch.tensor([0, IGNORE_INDEX, 3]), never).backward()
    assert logits.grad is not None
    assert (logits.grad[0] != 0).tolist() == [True, False, True, False]
    assert (logits.grad[1] == 0).all()
    assert logits.grad[2, 3] < 0
    assert logits.grad[2, 1] == 0


def test_without_a_mask_it_is_the_plain_cross_entropy():
    logits, target = torch.randn(5, 2, 3), torch.randint(0, 3, (5, 2))
    plain = torch.nn.functional.cross_entropy(logits.transpose(1, 2), target)
    assert torch.allclose(cross_entropy(logits, target, None), plain)


def test_masks_of_tokens_follow_colour_and_kind(pairings):
    masks = PairingMasks(pairings, torch.device('cpu'))
    yellow, star = COLOURS.index('yellow') + 1, KINDS.index('star') + 1
    targets = {
        'kind': torch.tensor([[0, 2, star]]),
        'colour': torch.tensor([[0, yellow, IGNORE_INDEX]]),
    }
    found = masks.of_tokens(targets)
    assert found['never_kind'].shape == (1, 3, len(KINDS) + 1)
    assert found['never_kind'].nonzero().tolist() == [[0, 1, star]]
    assert found['never_colour'].nonzero().tolist() == [[0, 2, yellow]]


def test_masks_of_facts_follow_each_other(pairings):
    masks = PairingMasks(pairings, torch.device('cpu'))
    facts = torch.full((3, len(FACTS)), -1)
    facts[0, :3] = torch.tensor(
        [ACTIONS.index('push'), KINDS.index('ball'), COLOURS.index('yellow')]
    )
    facts[1, 1:3] = torch.tensor([KINDS.index('star'), NOT_VISIBLE])
    found = masks.of_facts(facts)
    star, pear = KINDS.index('star') + 1, KINDS.index('pear') + 1
    assert sorted(found['kind'].nonzero().tolist()) == sorted([[0, star], [0, pear]])
    assert found['colour'].nonzero().tolist() == [[1, COLOURS.index('yellow') + 1]]
    assert not found['action'].any()
    assert not found['reference_kind'].any()

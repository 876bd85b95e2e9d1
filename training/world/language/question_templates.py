# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The structures of questions, seen ones and ones that only the split `paraphrase` uses."""

from __future__ import annotations

# Slots: ao an object, o it without article, k a kind, l several kinds, t drawer or gripper.
SEEN_QUESTIONS: dict[str, tuple[str, ...]] = {
    'presence': (
        'Is there {ao}?',
        'Is there {ao} in the picture?',
        'Do you see {ao}?',
        'Does the picture show {ao}?',
        'Is {ao} in the scene?',
    ),
    'colour': (
        'What colour is the {k}?',
        'What is the colour of the {k}?',
        'Which colour does the {k} have?',
        'What color is the {k}?',
        'Name the colour of the {k}.',
    ),
    'count': (
        'How many {l} are there?',
        'How many {l} are in the picture?',
        'How many {l} do you see?',
        'Count the {l}.',
    ),
    'where': (
        'Where is the {o}?',
        'Where do you see the {o}?',
        'In which place is the {o}?',
        'Tell where the {o} is.',
        'Where has the {o} been put?',
    ),
    'drawer': (
        'Is the {t} open or closed?',
        'Is the {t} closed or open?',
        'What is the state of the {t}?',
        'Tell whether the {t} is open or closed.',
    ),
    'held': (
        'What is the robot holding?',
        'What does the {t} hold?',
        'Which object is in the {t}?',
        'What is held by the robot arm?',
        'What does the robot have between its fingers?',
    ),
}
UNSEEN_QUESTIONS: dict[str, tuple[str, ...]] = {
    'presence': ('Does the view contain {ao}?', 'Is {ao} visible?', 'Is {ao} depicted?'),
    'colour': (
        'What hue is the {k}?',
        'Which shade does the {k} have?',
        'Identify the tint of the {k}.',
    ),
    'count': ('What is the quantity of {l}?', 'What number of {l} is visible?', 'Tally the {l}.'),
    'where': (
        'What is the location of the {o}?',
        'Locate the {o}.',
        'Where is the {o} situated?',
    ),
    'drawer': (
        'What is the status of the {t}, open or closed?',
        'In what condition is the {t}?',
        'Identify whether the {t} is open or closed.',
    ),
    'held': (
        'What is the machine clutching?',
        'Which item does the {t} carry?',
        'Identify the item in the {t}.',
    ),
}

# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""More words and sentences for what the simulated world's language says, for training alone.

The simulator's own phrasings use few words, so that the split 'paraphrase' has others. A text
encoder that is tuned on few words forgets how near others are to them; these keep it from that.
None is a word of that split (a test holds them to it), none is in the texts of evaluation.
"""

from __future__ import annotations

# By canonical word; none of these is read back as another concept.
WORDS: dict[str, tuple[str, ...]] = {
    'cube': ('brick', 'building brick', 'wooden cube', 'cubical toy'),
    'ball': ('marble', 'round toy', 'rubber ball', 'bead'),
    'can': ('drink can', 'beer can', 'metal container', 'cola'),
    'bottle': ('jar', 'carafe', 'vial', 'thermos', 'wine bottle'),
    'cup': ('tumbler', 'beaker', 'chalice', 'espresso cup', 'drinking glass'),
    'box': ('case', 'cardboard container', 'packet', 'shoebox', 'casket'),
    'cone': ('road cone', 'tapered toy', 'funnel', 'cornet'),
    'ring': ('circle', 'band', 'donut', 'washer', 'bracelet'),
    'pear': ('pear fruit', 'ripe pear', 'quince'),
    'banana': ('curved fruit', 'tropical fruit', 'ripe banana'),
    'mushroom': ('champignon', 'shiitake', 'button mushroom', 'edible mushroom'),
    'star': ('starfish', 'pentagram', 'star shape', 'asteroid'),
    'red': ('cherry-red', 'blood-red', 'maroon', 'brick-red'),
    'orange': ('carrot-coloured', 'pumpkin-coloured', 'amber', 'peach-coloured'),
    'yellow': ('mustard-yellow', 'sun-coloured', 'straw-coloured', 'blond'),
    'green': ('lime', 'mint-green', 'grass-green', 'leaf-coloured'),
    'blue': ('cerulean', 'ultramarine', 'sky-blue', 'indigo'),
    'purple': ('lavender', 'mauve', 'magenta', 'grape-coloured'),
    'white': ('chalk-white', 'milky', 'cream-coloured', 'bleached'),
    'black': ('charcoal', 'coal-black', 'inky', 'pitch-dark'),
    'table': ('worktop', 'counter', 'bench', 'work surface'),
    'bowl': ('soup bowl', 'mixing bowl', 'pot', 'deep dish'),
    'plate': ('platter', 'flat dish', 'dish'),
    'tray': ('salver', 'flat carrier', 'tea tray'),
    'basket': ('pannier', 'wicker basket', 'bin'),
    'drawer': ('sliding box', 'pull-out box', 'dresser', 'dresser drawer'),
    'shelf': ('bookshelf', 'shelving', 'board'),
    'gripper': ('pincers', 'tongs', 'hand', 'fingers'),
    'robot': ('bot', 'automaton', 'device', 'apparatus', 'helper'),
    'picture': ('image', 'photo', 'frame', 'shot'),
    'scene': ('setting', 'surroundings', 'workplace'),
    'see': ('notice', 'spot', 'observe', 'make out'),
    'colour': ('tone', 'coloration', 'pigment', 'paint'),
    'holding': ('grasping', 'keeping hold of', 'having'),
    'hold': ('grasp', 'keep', 'have'),
}

# Slots as in `training.world.language.templates`.
_SIDE = (
    'The bot sticks the {o} {s} of the {r}.',
    'The automaton plants the {o} close to the {r}, at its {s}.',
    'The {o} comes to stand {s} of the {r}.',
    'The device adds {ao} to the {s} of the {r}.',
    'line up {o} {s} of {r}',
)
_FROM = (
    'The bot recovers the {o} out of the {t}.',
    'The automaton plucks the {o} from the {t}.',
    'The {o} comes out of the {t}.',
    'The device unpacks the {o} from the {t}.',
    'clear {o} from {t}',
)
SENTENCES: dict[str, tuple[str, ...]] = {
    'idle': (
        'The bot takes a nap.',
        'All is quiet.',
        'The automaton takes a break.',
        'The device is switched off.',
        'stillness',
    ),
    'pick up': (
        'The bot scoops up the {o}.',
        'The automaton plucks {ao} off its place.',
        'The {o} goes up into the air.',
        'The device heaves the {o} up.',
        'The helper catches {ao} and brings it up.',
        'gather up {o}',
    ),
    'put in': (
        'The bot tucks the {o} into the {t}.',
        'The automaton lets the {o} fall into the {t}.',
        'The {o} goes into the {t}.',
        'The device fills the {t} with {ao}.',
        'The helper packs the {o} in the {t}.',
        'pop {o} in {t}',
    ),
    'put on': (
        'The bot sticks the {o} on the {t}.',
        'The automaton serves the {o} on the {t}.',
        'The {o} lands on the {t}.',
        'The device settles the {o} onto the {t}.',
        'The helper loads the {o} onto the {t}.',
        'drop {o} on {t}',
    ),
    'put left of': _SIDE,
    'put right of': _SIDE,
    'push': (
        'The bot shunts the {o} {d}.',
        'The automaton prods the {o} {d}.',
        'The {o} glides {d}.',
        'The device forces the {o} {d}.',
        'The helper rolls or drags the {o} {d}.',
        'bump {o} {d}',
    ),
    'open': (
        'The bot unlatches the {t}.',
        'The automaton unlocks the {t}.',
        'The {t} comes out.',
        'The device widens the {t}.',
        'unlock {t}',
    ),
    'close': (
        'The bot locks the {t}.',
        'The automaton latches the {t}.',
        'The {t} goes back in.',
        'The device bolts the {t}.',
        'lock {t}',
    ),
    'stack': (
        'The bot layers the {o} over the {r}.',
        'The automaton builds up a stack of the {o} and, below it, the {r}.',
        'The {o} comes to stand on top of the {r}.',
        'The device tops the {r} with the {o}.',
        'stand {o} on {r}',
    ),
    'take out': _FROM,
    'take off': _FROM,
    'pour': (
        'The bot tips out the {o} over the {x}.',
        'The automaton lets what is in the {o} run into the {x}.',
        'The contents of the {o} stream into the {x}.',
        'The device fills the {x} from the {o}.',
        'serve from {o} into {x}',
    ),
    'pour out': (
        'The bot tips out the {o}.',
        'The automaton lets out what is in the {o}.',
        'The contents of the {o} stream out.',
        'The device serves a drink from the {o}.',
        'void {o}',
    ),
    'knock over': (
        'The bot bowls over the {o}.',
        'The automaton strikes down the {o}.',
        'The {o} is flattened.',
        'The device makes the {o} tilt and drop.',
        'The helper lays the {o} flat with a blow.',
        'fell {o}',
    ),
    'set upright': (
        'The bot props up the {o}.',
        'The automaton lifts the fallen {o} back onto its base.',
        'The {o} stands as before.',
        'The device sets the {o} on its feet.',
        'prop up {o}',
    ),
    'failed pick up': (
        'The bot loses the {o} while raising it.',
        'The automaton almost lifts the {o}, yet lets it go.',
        'lose {o}',
    ),
    'failed put in': (
        'The bot lets the {o} go too early, next to the {t}.',
        'The automaton wants to tuck the {o} into the {t}, yet misses it.',
        'miss {t} with {o}',
    ),
    'failed open': (
        'The {t} is stuck.',
        'The automaton works at the {t}, yet it does not give way.',
        'blocked {t}',
    ),
    'failed stack': (
        'The {o} rolls off the {r}.',
        'The automaton wants to layer the {o} over the {r}, yet it comes down.',
        'collapse of {o} on {r}',
    ),
}

# About an action and the kind of its object alone, as in `training.world.language.labels`.
_LABEL_SIDE = (
    'The bot sticks {ao} to the {s} of a second thing.',
    '{ao} comes to stand {s} of another one.',
)
LABELS: dict[str, tuple[str, ...]] = {
    'pick up': ('The bot scoops up {ao}.', '{ao} goes up into the air.', 'gathering up {ao}'),
    'put in': ('The bot tucks {ao} into a holder.', '{ao} goes into something hollow.'),
    'put on': ('The bot sticks {ao} on something flat.', '{ao} lands on a support.'),
    'put left of': _LABEL_SIDE,
    'put right of': _LABEL_SIDE,
    'push': ('The bot shunts {ao}.', '{ao} glides along.', 'prodding {ao}'),
    'open': ('The bot unlatches {at}.', '{at} comes out.', 'unlocking {at}'),
    'close': ('The bot latches {at}.', '{at} goes back in.', 'locking {at}'),
    'stack': ('The bot layers {ao} over a second thing.', '{ao} comes to stand on another one.'),
    'take out': ('The bot plucks {ao} from a holder.', '{ao} comes out of its place.'),
    'pour': ('The bot tips out {ao}.', 'Something streams from {ao}.', 'serving from {ao}'),
    'knock over': ('The bot bowls over {ao}.', '{ao} is flattened.', 'striking down {ao}'),
    'set upright': ('The bot props up {ao}.', '{ao} stands as before.', 'propping up {ao}'),
}

# (how a question begins, how it ends, and how else it is asked); {x} is what is between.
QUESTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        'How many ',
        ' are there?',
        ('What is the amount of {x}?', 'What is the sum of {x}?', 'Give the total of {x}.'),
    ),
    ('Count the ', '.', ('Add up the {x}.', 'Total the {x}.', 'Enumerate the {x}.')),
    (
        'Is there ',
        '?',
        ('Can you spot {x}?', 'Does {x} appear?', 'Is {x} among the things?', 'Is {x} present?'),
    ),
    (
        'Where is the ',
        '?',
        ('Find the {x}.', 'At which spot is the {x}?', 'Where can one find the {x}?'),
    ),
    (
        'What colour is the ',
        '?',
        (
            'Which paint does the {x} have?',
            'Tell the tone of the {x}.',
            'How is the {x} coloured?',
        ),
    ),
    (
        'Is the ',
        ' open or closed?',
        ('Does the {x} stand open or closed?', 'How far is the {x} pulled out?'),
    ),
    (
        'What does the ',
        ' hold?',
        ('What thing is kept by the {x}?', 'Name the thing in the {x}.', 'What has the {x} got?'),
    ),
)

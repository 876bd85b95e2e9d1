# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Names of queries that a model does not have."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.model.checkpoint_folder import load_config
from vljepa_ros.model.config import ModelConfig
from vljepa_ros.resources import resolve_model


def check_queries(
    queries: Sequence[str], config: ModelConfig, identity: str, *, field: str = 'queries'
) -> None:
    """Refuse a word that looks like the name of a query and is none.

    The model would answer it as a free question, and nobody would notice the wrong letter.

    Args:
        queries: names of the model's queries, or free questions.
        config: of the model; it has the names.
        identity: `model_id` of the model, for the message.
        field: where the queries were given, for the message.

    Raises:
        ConfigurationError: a single word without a question mark is not a name.
    """
    names = list(config.queries)
    for query in queries:
        word = query.strip()
        if query in names or ' ' in word or '?' in word:
            continue
        near = difflib.get_close_matches(word.lower(), names, n=1)
        guess = f' Did you mean {near[0]!r}?' if near else ''
        raise ConfigurationError(
            f'{field}: the model {identity} has no query {query!r}, only {names}.{guess} A '
            'free question has several words or a question mark'
        )


def check_queries_of(
    model: str, queries: Sequence[str], identity: str, *, field: str = 'queries'
) -> None:
    """Check queries as `check_queries` does, for a model that is not loaded.

    Args:
        model: its name, or the path of a checkpoint folder.
        queries: names of its queries, or free questions.
        identity: its `model_id`, for the message.
        field: where they were given, for the message.

    Raises:
        VljepaError: a query is refused, or there is no such model, or it is damaged.
    """
    check_queries(queries, load_config(resolve_model(model)), identity, field=field)

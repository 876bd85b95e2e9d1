# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""world_model: answers questions about actions between states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vljepa_ros.inference import Engine
from vljepa_ros.interfaces import InferAction
from vljepa_ros.nodes.engine_host import EngineHost
from vljepa_ros.nodes.images import picture_in
from vljepa_ros.nodes.model_call import ModelCall, check_texts
from vljepa_ros.nodes.model_node import ModelNode
from vljepa_ros.nodes.model_parameters import MODEL_PARAMETERS
from vljepa_ros.nodes.runner import run
from vljepa_ros.nodes.scores import scored_texts
from vljepa_ros.world.action_inference import infer_action, predict_action, rank

PARAMETERS = MODEL_PARAMETERS


class WorldModelNode(ModelNode):
    """Serves `infer_action`."""

    def __init__(self, *, host: EngineHost | None = None, **options: Any) -> None:
        """Create the node.

        Args:
            host: the engine of the process; None makes one of its own.
            options: passed to `rclpy.node.Node`.
        """
        super().__init__(
            'world_model',
            PARAMETERS,
            components=('x_encoder', 'predictor', 'y_encoder'),
            host=host,
            counters=('inferred_actions',),
            **options,
        )
        self.add_service(InferAction, 'infer_action', self._on_infer_action)

    def warm_up(self, engine: Engine) -> None:
        """Rank one candidate between two black images."""
        black = np.zeros((2, 2, 3), dtype=np.uint8)
        infer_action(engine, black, black, ['a text'])

    def _on_infer_action(
        self, request: InferAction.Request, response: InferAction.Response
    ) -> InferAction.Response:
        def answer(call: ModelCall) -> None:
            candidates = check_texts('candidates', request.candidates)
            initial = picture_in('initial', request.initial).rgb()
            goal = picture_in('goal', request.goal).rgb()
            action = call.run(lambda engine: predict_action(engine, initial, goal))
            ranked = rank(candidates, call.embed_texts(candidates), action)
            response.model_id = call.model_id
            response.ranked = scored_texts(ranked)
            self.health.count('inferred_actions')

        return self.serve(response, answer)


def main(args: Sequence[str] | None = None) -> None:
    """Run the node until a signal."""
    run(lambda: [WorldModelNode()], args=args)


if __name__ == '__main__':
    main()

# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A memory of embeddings and events on disk, searched by vector. No ROS is needed.

`Memory` in `memory.py` writes rows one by one and searches; `BulkWriter` in `bulk.py` fills it
from recordings. What they write is a `Row`, what is looked for a `Search`, what is found a `Hit`.

The way in: `intake/` decides what is worth a row, `waiting` holds rows until they are in a table,
safe in the `journal`, and `upkeep` moves them into tables, within the `bounds`. The way out:
`searcher` goes through tables and waiting rows, `moments` merges rows, and `event_texts` adds
words. `lance/` holds the tables.
"""

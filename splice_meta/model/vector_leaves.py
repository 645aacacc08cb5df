"""Trees whose leaves hold a value for each class, as trees of one class each.

XGBoost splits predictions by feature only for trees of one output. The paths through a tree do not
depend on the class, so a tree with vector leaves is as many trees of the same shape.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_NO_PARENT = (1 << 31) - 1


def has_vector_leaves(learner: dict[str, Any]) -> bool:
    """Whether the trees of a model, as XGBoost writes it in JSON, have vector leaves."""
    trees = learner["gradient_booster"]["model"]["trees"]
    return bool(trees) and int(trees[0]["tree_param"]["size_leaf_vector"]) > 1


def one_output_per_tree(booster: Any) -> Any:
    """A booster of the same predictions whose trees have one output each.

    Args:
        booster: A booster of trees; returned as it is where it has no vector leaves.
    """
    import xgboost

    data = json.loads(bytes(booster.save_raw("json")))
    learner = data["learner"]
    if not has_vector_leaves(learner):
        return booster
    model = learner["gradient_booster"]["model"]
    size = int(model["trees"][0]["tree_param"]["size_leaf_vector"])
    trees = [part for tree in model["trees"] for part in _split(tree, size)]
    for number, tree in enumerate(trees):
        tree["id"] = number
    model["trees"] = trees
    model["tree_info"] = list(range(size)) * (len(trees) // size)
    model["iteration_indptr"] = [size * start for start in model["iteration_indptr"]]
    model["gbtree_model_param"]["num_trees"] = str(len(trees))
    return xgboost.Booster(model_file=bytearray(json.dumps(data).encode()))


def _split(tree: dict[str, Any], size: int) -> Iterator[dict[str, Any]]:
    """A tree for each output: at a leaf XGBoost keeps the number of its vector as right child."""
    left, right = tree["left_children"], tree["right_children"]
    is_leaf = [child == -1 for child in left]
    parents = [_NO_PARENT, *tree["parents"][1:]]
    for output in range(size):
        leaf = {node: tree["leaf_weights"][right[node] * size + output]
                for node, at_end in enumerate(is_leaf) if at_end}  # fmt: skip
        single = {name: value for name, value in tree.items() if name != "leaf_weights"}
        yield single | {
            "base_weights": tree["base_weights"][output::size],
            "split_conditions": [
                leaf.get(node, value) for node, value in enumerate(tree["split_conditions"])
            ],
            "right_children": [-1 if node in leaf else child for node, child in enumerate(right)],
            "parents": parents,
            "tree_param": tree["tree_param"] | {"size_leaf_vector": "1"},
        }

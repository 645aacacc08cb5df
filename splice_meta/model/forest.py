"""Whether the trees of an XGBoost model are trees: every index, size and number, all at once."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from splice_meta.model.fields import Fields, Whole
from splice_meta.model.tree_file import part_of

DEEPEST_TREE = 1000
"""Splits from the root of a tree to a leaf: XGBoost's functions call themselves at each."""

_NO_FEATURE = (1 << 31) - 1
_FLOATS = ("base_weights", "loss_changes", "split_conditions", "sum_hessian")
_INTEGERS = ("left_children", "right_children", "parents", "split_indices")
_FLAGS = ("default_left", "split_type")


class Forest:
    """Checks the trees of a model.

    Args:
        fields: Reads the file's values.
    """

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def check(self, model: dict[str, Any], features: int, outputs: int) -> bool:
        """Check all trees; whether their leaves are vectors."""
        trees = model.get("trees")
        if not isinstance(trees, list) or not all(isinstance(tree, dict) for tree in trees):
            self._fields.refuse("trees is no list of trees")
        if not trees:
            self._fields.refuse("it has no tree")
        param = self._fields.part(model, "gbtree_model_param")
        if self._fields.digits(param, "num_trees") != len(trees):
            self._fields.refuse(f"it has {len(trees):,} trees and says another number of them")
        self._fields.digits(param, "num_parallel_tree", 1, 1)
        if any(part_of(model, "cats", "enc") or ()):
            self._fields.refuse("it holds categories")
        params = [self._fields.part(tree, "tree_param") for tree in trees]
        leaf_sizes = {self._fields.digits(each, "size_leaf_vector", 0, 1) for each in params}
        if len(leaf_sizes) > 1 or not leaf_sizes <= {0, 1, outputs}:
            self._fields.refuse("its leaves have another size than its outputs")
        size = max(1, *leaf_sizes)
        for each in params:
            if self._fields.digits(each, "num_feature", 1) != features:
                self._fields.refuse("a tree is for another number of features")
        self._check_order(model, trees, 1 if size > 1 else outputs)
        self._check_nodes(trees, params, features, size)
        return size > 1

    def _check_order(self, model: dict[str, Any], trees: list[Any], groups: int) -> None:
        info = self._fields.integers(model.get("tree_info"), "tree_info")
        if info.size != len(trees) or info.min() < 0 or info.max() >= groups:
            self._fields.refuse("tree_info does not say for each tree which output it is for")
        if "iteration_indptr" in model:
            starts = self._fields.integers(model["iteration_indptr"], "iteration_indptr")
            is_rising = starts.size > 1 and starts[0] == 0 and bool((np.diff(starts) > 0).all())
            if not is_rising or starts[-1] != len(trees):
                self._fields.refuse("iteration_indptr does not fit the trees")
        ids = [tree.get("id") for tree in trees]
        if any(type(each) is not int for each in ids) or ids != list(range(len(trees))):
            self._fields.refuse("its trees are not numbered in their order")

    def _check_nodes(
        self, trees: list[Any], params: list[dict[str, Any]], features: int, size: int
    ) -> None:
        digits, most = self._fields.digits, 1 << 31
        counts = np.array([digits(each, "num_nodes", 1, most=most) for each in params])
        deleted = np.array([digits(each, "num_deleted", 0, 0, most) for each in params])
        for tree in trees:
            for field in ("categories", "categories_nodes"):
                if len(tree.get(field, ())):
                    self._fields.refuse("a tree splits by categories")
        # In a vector leaf's place of split_conditions stands nothing of use, finite all the same.
        wide = {"base_weights": size}
        optional = ("split_type", *(("loss_changes", "sum_hessian") if size > 1 else ()))
        nodes: dict[str, Any] = {}
        for field in (*_FLOATS, *_INTEGERS, *_FLAGS):
            if field in optional and not any(field in tree for tree in trees):
                continue
            parts = [self._fields.plain(tree.get(field), field) for tree in trees]
            sizes = np.array([part.size for part in parts])
            if not (sizes == counts * wide.get(field, 1)).all():
                self._fields.refuse(f"{field} of a tree has another size than the tree has nodes")
            joined = np.concatenate(parts)
            read = self._fields.floats if field in _FLOATS else self._fields.integers
            nodes[field] = read(joined, field)
        if nodes["default_left"].min() < 0 or nodes["default_left"].max() > 1:
            self._fields.refuse("default_left holds something else than 0 and 1")
        if nodes.get("split_type", np.zeros(1)).any():
            self._fields.refuse("a tree splits by categories")
        links = _Links(counts, nodes["left_children"], nodes["right_children"])
        self._check_leaves(trees, links, nodes, size)
        self._check_links(links, nodes, deleted, features)

    def _check_leaves(
        self, trees: list[Any], links: _Links, nodes: dict[str, Any], size: int
    ) -> None:
        right = nodes["right_children"][~links.splits]
        if size == 1:
            if (right != -1).any():
                self._fields.refuse("a node has one child")
            return
        # Before 3.2 a leaf's vector stands among base_weights; later versions crash on that.
        stand_apart = {"leaf_weights" in tree for tree in trees}
        if stand_apart != {_installed() >= (3, 2)}:
            self._fields.refuse("its leaves hold vectors as another version of XGBoost keeps them")
        if stand_apart == {False}:
            return
        weights = [self._fields.floats(tree.get("leaf_weights"), "leaf_weights") for tree in trees]
        leaves = np.array([part.size // size for part in weights])
        if any(part.size % size for part in weights):
            self._fields.refuse("leaf_weights has another size than there are leaves")
        if (right < 0).any() or (right >= np.repeat(leaves, links.counts)[~links.splits]).any():
            self._fields.refuse("a leaf's values lie outside of leaf_weights")

    def _check_links(
        self, links: _Links, nodes: dict[str, Any], deleted: Whole, features: int
    ) -> None:
        """Check that children and parents form trees, of nodes that read a feature there is."""
        split = nodes["split_indices"][links.splits]
        if split.size and (split.min() < 0 or split.max() >= features):
            self._fields.refuse("a node reads a feature that it does not have")
        if not links.lie_inside():
            self._fields.refuse("a node's child lies outside of its tree")
        is_live = links.splits | (nodes["split_indices"] != _NO_FEATURE)
        gone = np.add.reduceat((~is_live).astype(np.int64), links.first)
        if not (gone == deleted).all():
            self._fields.refuse("num_deleted does not fit a tree's nodes")
        if not links.form_trees(nodes["parents"], is_live):
            self._fields.refuse("the nodes of a tree do not form a tree")
        if links.depth(is_live) > DEEPEST_TREE:
            self._fields.refuse(f"a tree is more than {DEEPEST_TREE:,} splits deep")


def _installed() -> tuple[int, ...]:
    """The version of XGBoost: major and minor."""
    return tuple(int(part) for part in version("xgboost").split(".")[:2])


class _Links:
    """Parents and children of all nodes, numbered through all trees.

    Args:
        counts: Nodes of each tree.
        left: Left children, numbered within their tree; -1 for a leaf.
        right: Right children.
    """

    def __init__(self, counts: Whole, left: Whole, right: Whole) -> None:
        self.counts = counts
        self.first = np.cumsum(counts) - counts
        self.splits = left != -1
        self._sizes = np.repeat(counts, counts)[self.splits]
        self._own = (left[self.splits], right[self.splits])
        offsets = np.repeat(self.first, counts)[self.splits]
        self._children = np.concatenate([own + offsets for own in self._own])
        self._parents = np.tile(np.flatnonzero(self.splits), 2)
        self._offsets = np.repeat(self.first, counts)

    def lie_inside(self) -> bool:
        """Whether every child is a node of its tree other than its root."""
        return all(bool(((own > 0) & (own < self._sizes)).all()) for own in self._own)

    def form_trees(self, stated: Whole, is_live: npt.NDArray[np.bool_]) -> bool:
        """Whether all live nodes hang on a root, each once, from the parent that they state."""
        expected = is_live.copy()
        if not expected[self.first].all():
            return False
        expected[self.first] = False
        times = np.bincount(self._children, minlength=expected.size)
        if not (times == expected).all():
            return False
        is_stated = stated[self._children] + self._offsets[self._children] == self._parents
        return bool(is_stated.all()) and self.depth(is_live) < expected.size

    def depth(self, is_live: npt.NDArray[np.bool_]) -> int:
        """Splits from a root to the farthest node; the number of nodes where they go in circles."""
        above = np.arange(is_live.size)
        above[self._children] = self._parents
        steps = np.zeros(is_live.size, np.int64)
        steps[self._children] = 1
        # Each round doubles the way that is known; a circle never ends.
        for _ in range(is_live.size.bit_length()):
            steps = np.minimum(steps + steps[above], is_live.size)
            above = above[above]
        is_root = np.zeros(is_live.size, np.bool_)
        is_root[self.first] = True
        return int(steps.max()) if is_root[above[is_live]].all() else is_live.size

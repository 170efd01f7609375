"""Mutators of JSON: from a generator and plain values to a text or bytes.

Authors
 * sb_sed contributors 2026
"""

import copy
import json

VALUES = [None, True, False, 0, 1, -1, 2, 7, 100, 10**5, 10**9, 10**30, -(10**9),
          0.5, -0.5, 1e-9, 1e300, float("nan"), float("inf"), -float("inf"), "",
          "Cat", "Cat\u200b", "Ca\u0308t", "Dog\ufe0f", "x" * 10**4, "\ud800", "\0", "a\tb", "a\nb", "\x1b[31m", "1",
          "eval", "Detector", [], {}, [[]], [1, 2], [None], ["Cat", "Cat"],
          {"class": "Detector"}, {"class": "os.system"}, {"function": "causal"},
          {"class": []}, {"": 0}]  # fmt: skip


def places(value, parent=None, key=None):
    """Each value inside of a value, as the container and the key in it."""
    if parent is not None:
        yield parent, key
    pairs = {dict: lambda: value.items(), list: lambda: enumerate(value)}
    for inner, entry in pairs.get(type(value), lambda: ())():
        yield from places(entry, value, inner)


def some_place(rng, value):
    found = list(places(value))
    return found[rng.integers(len(found))]


def replaced(rng, value):
    """One or two values are others."""
    value = copy.deepcopy(value)
    for _ in range(rng.integers(1, 3)):
        parent, key = some_place(rng, value)
        parent[key] = VALUES[rng.integers(len(VALUES))]
    return json.dumps(value)


def scaled(rng, value):
    """A number is larger, smaller, negative, or a text."""
    value = copy.deepcopy(value)
    numbers = [(p, k) for p, k in places(value) if type(p[k]) in (int, float)]
    parent, key = numbers[rng.integers(len(numbers))]
    factor = [0, -1, 2, 10, 1000, 0.1, 1.0, 1e9][rng.integers(8)]
    parent[key] = parent[key] * factor
    if rng.integers(5) == 0:
        parent[key] = str(parent[key])
    return json.dumps(value)


def removed(rng, value):
    value = copy.deepcopy(value)
    for _ in range(rng.integers(1, 3)):
        parent, key = some_place(rng, value)
        del parent[key]
    return json.dumps(value)


def renamed(rng, value):
    value = copy.deepcopy(value)
    named = [(p, k) for p, k in places(value) if isinstance(p, dict)]
    parent, key = named[rng.integers(len(named))]
    other = [key + "s", key.upper(), "", f" {key}", "class", "a\nb"]
    parent[other[rng.integers(6)]] = parent.pop(key)
    return json.dumps(value)


def swapped(rng, value):
    """A value is in the place of another one."""
    value = copy.deepcopy(value)
    parent, key = some_place(rng, value)
    other, its_key = some_place(rng, copy.deepcopy(value))
    parent[key] = other[its_key]
    return json.dumps(value)


def grown(rng, value):
    """A list is longer, a key is new or double, or all is nested."""
    value = copy.deepcopy(value)
    parent, key = some_place(rng, value)
    kind = rng.integers(4)
    if kind == 0 and isinstance(parent, list):
        parent.extend([parent[key]] * int(rng.choice([1, 2, 3000])))
    elif kind == 1:
        deep = "[" * 10**5 + "]" * 10**5
        parent[key] = "DEEP"
        return json.dumps(value).replace('"DEEP"', deep)
    elif kind == 2:
        text = json.dumps(value)
        return text.replace("{", '{"class": 1, "classes": [], ', 1)
    elif isinstance(parent, dict):
        parent[str(rng.choice(["other", "class", "function", "_"]))] = 1
    return json.dumps(value)


MUTATORS = [replaced, scaled, removed, renamed, swapped, grown]

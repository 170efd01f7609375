"""The rules of the house, read off the imports.

Rooms are the packages and modules of ``sb_sed``. A room may import those that
``MAY_IMPORT`` lists for it, and no others; no import goes round in a circle,
so that every module can be imported alone; and no file is too long to read.
"""

import ast
from pathlib import Path

import pytest

import sb_sed

ROOT = Path(sb_sed.__file__).parent
LEAF = {"errors", "formats"}
# From the ground floor up.
MAY_IMPORT = {
    "errors": set(),
    "formats": {"errors"},
    # The leaves know neither one another nor what is above them. What could
    # move into SpeechBrain as it is does not know our formats either.
    "features": {"errors"},
    "models": {"errors"},
    "augment": {"errors"},
    "audio": LEAF,
    "encoders": LEAF,
    "smoothing": LEAF,
    "scoring": LEAF,
    # What they are put together in.
    "tuning": LEAF | {"scoring", "smoothing"},
    "reviewing": LEAF | {"scoring", "smoothing"},
    "similarity": LEAF | {"audio", "encoders"},
    "data": LEAF | {"audio"},
    "mixing": LEAF | {"audio", "data"},
    "minidesed": LEAF | {"audio", "data", "mixing"},
    "plots": LEAF | {"audio", "features"},
    "agreement": LEAF | {"data", "scoring"},
    "training": LEAF | {"augment", "data", "models"},
    "runs": LEAF
    | {"data", "encoders", "features", "models", "smoothing", "training"},
    "evaluation": LEAF | {"plots", "runs", "scoring", "smoothing", "tuning"},
    "pseudo_labels": LEAF
    | {"audio", "data", "evaluation", "runs", "smoothing"},
    "inference": LEAF
    | {"audio", "encoders", "features", "models", "scoring", "smoothing"}
    | {"runs"},
}
# The top floor composes; nothing below imports it.
TOP = {"report", "cli"}
LONGEST = 400  # lines


def files():
    """All modules: dotted name to path."""
    modules = {}
    for path in sorted(ROOT.rglob("*.py")):
        names = path.relative_to(ROOT.parent).with_suffix("").parts
        names = names[:-1] if names[-1] == "__init__" else names
        modules[".".join(names)] = path
    return modules


MODULES = files()


def imports(path, module_level=False):
    """The modules of sb_sed that a file imports."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = tree.body if module_level else ast.walk(tree)
    types_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If)
        and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in nodes:
        if id(node) in types_only:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [n if n in MODULES else node.module for n in inner]
        else:
            continue
        found.update(name for name in names if name in MODULES)
    return found - {"sb_sed"}


def room(module):
    """The room that a module is in."""
    return module.split(".")[1]


def test_every_room_has_its_rules():
    rooms = {room(name) for name in MODULES if name != "sb_sed"}
    assert rooms == {*MAY_IMPORT, *TOP}


@pytest.mark.parametrize("name", [n for n in MODULES if n != "sb_sed"])
def test_a_module_imports_what_its_room_may(name):
    if room(name) in TOP:
        return
    rooms = {room(other) for other in imports(MODULES[name])}
    assert rooms <= MAY_IMPORT[room(name)] | {room(name)}


def test_the_rules_are_floors():
    """Each room is listed above all those that it may import."""
    order = [*MAY_IMPORT]
    for place, name in enumerate(order):
        assert MAY_IMPORT[name] <= set(order[:place])


def test_only_commands_and_the_page_compose_all():
    for name in MODULES:
        if name != "sb_sed" and room(name) == "report":
            assert "cli" not in {room(x) for x in imports(MODULES[name])}


def test_no_import_goes_round_in_a_circle():
    """Not even one that is put off into a function."""
    graph = {name: imports(path) for name, path in MODULES.items()}
    # A package stands for what it re-exports only.
    order, done = [], set()

    def visit(name, path):
        assert name not in path, f"a circle: {[*path, name]}"
        if name not in done:
            for other in graph[name]:
                visit(other, [*path, name])
            done.add(name)
            order.append(name)

    for name in graph:
        visit(name, [])
    assert len(order) == len(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_a_file_can_be_read_in_one_go(name):
    assert len(MODULES[name].read_text("utf-8").splitlines()) <= LONGEST


def test_what_is_not_needed_at_once_is_not_imported():
    """The command's help starts without PyTorch."""
    seen, todo = set(), ["sb_sed.cli.main"]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        parts = name.split(".")
        todo += [".".join(parts[:n]) for n in range(1, len(parts))]
        todo += imports(MODULES[name], module_level=True)
        tree = ast.parse(MODULES[name].read_text("utf-8"))
        for node in tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                text = ast.unparse(node)
                assert "torch" not in text, f"{name}: {text}"


HEAVY = {
    *("torch", "torchaudio", "speechbrain", "asteroid", "hyperpyyaml"),
    *("scipy", "sklearn", "skopt", "hmmlearn", "matplotlib", "requests"),
    *("sed_eval", "dcase_util", "onnx", "onnxruntime", "ray", "tensorboard"),
}
# What modules import at once, with all that they import of sb_sed: of commands,
# also what is put off until they run. What else one needs (the network of a
# detector, the drawing of a figure) is imported by what needs it.
NEEDS = {
    "cli.detect": set(),
    "cli.export": {"torch"},
    "cli.mix": {"scipy"},
    "cli.prepare": set(),
    "cli.score": set(),
    "cli.tune": {"hmmlearn", "scipy"},
    "inference.source": set(),
    "inference.processes": set(),
    "inference.on_ray": set(),
    "inference.onnx_finder": set(),
    "inference.network": {"torch"},
    "inference.exported": {"torch"},
    "inference.pretrained": {"torch"},
    "plots": set(),
    "runs.run": {"torch"},
    "scoring.report": set(),
}


def packages(path):
    """The packages of others that a file imports at once."""
    names = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("name", NEEDS)
def test_nothing_heavy_is_imported_that_is_not_used(name):
    name = f"sb_sed.{name}"
    is_command = room(name) == "cli"
    seen = {name}
    todo = [*imports(MODULES[name], module_level=not is_command)]
    while todo:
        module = todo.pop()
        if module in seen:
            continue
        seen.add(module)
        parts = module.split(".")
        todo += [".".join(parts[:n]) for n in range(2, len(parts))]
        todo += imports(MODULES[module], module_level=True)
    found = set().union(*(packages(MODULES[module]) for module in seen))
    assert found & HEAVY == NEEDS[name.removeprefix("sb_sed.")]

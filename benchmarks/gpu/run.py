#!/usr/bin/env python3
"""What a GPU makes of sb_sed, in eight minutes, on a machine without a network.

On a machine with a network, pack what the other one lacks (recordings in a
folder in DESED's layout, or with a script that makes one from them):
> python benchmarks/gpu/prepare.py --recordings data/recordings --bundle bundle

On the machine with the GPU, where there is PyTorch, this repository and the
bundle:
> python benchmarks/gpu/run.py --bundle bundle --out results/gpu

It compares every module with the CPU in single precision, bfloat16 and
compiled; times the training step of ppcen_dat.yaml as it was, with each
improvement and with all, kernel by kernel; the loader alone; detection; PCEN
beside SpeechBrain's; and trains baseline.yaml and ppcen_dat_hmm.yaml at full
scale, both at once. A training that is not over in time is scored as it is.
Each section is a process that is ended when its time is over. ``results.txt``
and ``results.json`` are written as the figures come.

Authors
 * sb_sed contributors 2026
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from notes import Clock, Notes, gather

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Seconds of 480. The data are unpacked while the modules are compared.
BUDGET = {"wheels": 25, "data": 75, "parity": 75, "speed": 130, "training": 240}
ASIDE = 60  # of the training's, for scores
assert sum(BUDGET.values()) - BUDGET["data"] <= 470


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, help="of prepare.py")
    parser.add_argument(
        "--data", type=Path, help="a data set in DESED's layout"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--limit", type=float, default=480, help="seconds")
    parser.add_argument("--small", action="store_true", help="a try on a CPU")
    parser.add_argument(
        "--recipes", nargs="+", default=["baseline", "ppcen_dat_hmm"]
    )
    parser.add_argument("--workers", type=int, default=7, help="of a training")
    parser.add_argument("--section", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not (arguments.bundle or arguments.data):
        parser.error("give --bundle or --data")
    return arguments


def environment(out: Path) -> dict[str, str]:
    """What the sections run in: the bundle's packages, and this repository."""
    path = [str(out / "site"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))}


def install(bundle: Path, out: Path) -> None:
    """Install the wheels of a bundle beside the results."""
    wheels = sorted(map(str, bundle.glob("wheels/*.whl")))
    if wheels:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index"]
        pip += ["--no-deps", "--no-compile", "--upgrade"]
        subprocess.run([*pip, "--target", out / "site", *wheels], check=True)


def recipe_arguments(arguments: argparse.Namespace) -> list[str]:
    """What all trainings are given."""
    options = [
        f"--data_folder={arguments.data or arguments.out / 'data'}",
        f"--prepared_folder={arguments.out / 'prepared'}",
        f"--device={arguments.device}",
        f"--num_workers={0 if arguments.small else arguments.workers}",
    ]
    if arguments.small:
        sizes = ("synthetic", "unlabelled", "weak")
        options += ["--include=scale/mini.yaml", "--number_of_epochs=1"]
        options += [f"--batch_{name}=2" for name in sizes]
    return options


def run_section(arguments: argparse.Namespace) -> None:
    """One section, in this process."""
    import sb_sed  # noqa: F401 before PyTorch: says how its threads wait

    clock = Clock(arguments.seconds)
    notes = Notes(arguments.out, arguments.section)
    device, small = arguments.device, arguments.small
    options = recipe_arguments(arguments)
    if arguments.section == "data":
        from unpack import main

        main(notes, arguments.bundle, arguments.out)
    elif arguments.section == "parity":
        from parity import main

        main(notes, clock, device, "eager" if small else "inductor", small)
    elif arguments.section == "speed":
        from speed import main

        main(notes, clock, options, arguments.out / "steps", device, small)
    else:
        from training import main

        aside = ASIDE * arguments.seconds / BUDGET["training"]
        runs = arguments.out / "runs"
        main(notes, clock, arguments.recipes, options, runs, aside)


def started(section: str, seconds: float, out: Path) -> subprocess.Popen:
    """A section in a process of its own, with the same command line."""
    command = [sys.executable, __file__, *sys.argv[1:]]
    command += ["--section", section, "--seconds", str(seconds)]
    return subprocess.Popen(command, env=environment(out))


def finish(process: subprocess.Popen, seconds: float, notes: Notes) -> None:
    """Wait; end what takes longer than it may."""
    section = process.args[process.args.index("--section") + 1]
    try:
        status = process.wait(max(seconds, 0))
        if status:
            notes.add(section, error=f"ended with status {status}")
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        notes.add(section, error="ended when its time was over")


def describe(notes: Notes, out: Path, device: str) -> None:
    """Write down what this machine is."""
    code = (
        "import torch; print(torch.__version__, "
        "torch.cuda.get_device_name() if torch.cuda.is_available() else 'CPU')"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(out),
        capture_output=True,
        text=True,
    )
    notes.add(
        "machine",
        torch=printed.stdout.strip(),
        device=device,
        cores=os.cpu_count(),
        python=platform.python_version(),
    )


def main() -> None:
    """Run the sections, each within its time."""
    arguments = parsed()
    arguments.out = arguments.out.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.section:
        run_section(arguments)
        return
    whole, notes = Clock(arguments.limit), Notes(arguments.out, "run")
    scale = arguments.limit / 480
    seconds = {name: value * scale for name, value in BUDGET.items()}
    if arguments.bundle:
        install(arguments.bundle, arguments.out)
        notes.add("wheels", seconds=arguments.limit - whole.left())
    describe(notes, arguments.out, arguments.device)
    unpacking = None
    if not arguments.data:
        unpacking = started("data", seconds["data"], arguments.out)
    for section in ("parity", "speed", "training"):
        if section == "speed" and unpacking is not None:
            finish(unpacking, min(seconds["data"], whole.left()), notes)
        # What an earlier section has left over goes to the last one.
        share = whole.left() - 10 * scale
        if section != "training":
            share = min(seconds[section], share)
        start = time.monotonic()
        finish(started(section, share, arguments.out), share + 5 * scale, notes)
        notes.add(section, seconds=time.monotonic() - start)
        gather(arguments.out)
    notes.add("whole", seconds=arguments.limit - whole.left())
    gather(arguments.out)


if __name__ == "__main__":
    main()

"""Writes the recipe into a SpeechBrain work tree and runs its checks there.

``make upstream SPEECHBRAIN=path`` runs it:
> python contrib/upstream path --repository=https://…

Authors
 * sb_sed contributors 2026
"""

import argparse
import sys
from pathlib import Path

from checks import run_checks
from writing import write

from sb_sed.training.start import exit_cleanly


def main(arguments: list[str]) -> None:
    """Write, check, print a summary; exit with 1 if a check fails."""
    parser = argparse.ArgumentParser(
        prog="make upstream", description=__doc__.splitlines()[0]
    )
    parser.add_argument("tree", type=Path, help="SpeechBrain's work tree")
    parser.add_argument(
        "--repository", default="", help="address of sb_sed, for pip"
    )
    options = parser.parse_args(arguments)
    written = write(options.tree, options.repository)
    print("Written:", *written, sep="\n  ", flush=True)
    checks = run_checks(options.tree)
    print("\nSpeechBrain's checks of the recipe:", *checks, sep="\n  ")
    print(
        "Blank: results, Result_url, HF_repo and performance of all rows",
        end="",
    )
    print("." if options.repository else ", and the address of sb_sed.")
    sys.exit(any(check.outcome == "failed" for check in checks))


if __name__ == "__main__":
    exit_cleanly(main, sys.argv)

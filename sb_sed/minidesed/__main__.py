"""The command line: ``python -m sb_sed.minidesed --folder F``.

Authors
 * sb_sed contributors 2026
"""

import argparse

from sb_sed.errors import InputError
from sb_sed.minidesed.dataset import make_minidesed
from sb_sed.minidesed.realdesed import make_minirealdesed

LAYOUTS = {"desed": make_minidesed, "realdesed": make_minirealdesed}


def main(arguments: list[str] | None = None) -> None:
    """Make MiniDESED as the arguments ask (those of the process if None)."""
    parser = argparse.ArgumentParser(
        prog="python -m sb_sed.minidesed",
        description="Make MiniDESED, a procedural miniature of DESED, or one of "
        "RealDESED.",
    )
    parser.add_argument("--layout", choices=LAYOUTS, default="desed")
    parser.add_argument("--folder", required=True, help="where it goes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="of its size")
    parser.add_argument("--n_jobs", type=int, default=2, help="processes")
    options = vars(parser.parse_args(arguments))
    make = LAYOUTS[options.pop("layout")]
    try:
        print(make(**options))
    except InputError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()

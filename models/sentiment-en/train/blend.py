"""Averages the weights of two teachers, the second of which was trained further from the first.

    python blend.py FIRST SECOND OUT --share 0.6

The average of two such models is often better than either (Wortsman et al. 2022). Here the first knows
neutral texts, the second films: the share of the second sets how much of each is kept.
"""

import argparse
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("first", "second", "out"):
        arguments.add_argument(name, type=Path)
    arguments.add_argument("--share", type=float, default=0.6)
    given = arguments.parse_args()
    first, second = (load_file(folder / "model.safetensors") for folder in (given.first, given.second))
    blended = {
        name: first[name].lerp(second[name], given.share) if first[name].is_floating_point() else first[name]
        for name in first
    }
    given.out.mkdir(exist_ok=True)
    save_file(blended, given.out / "model.safetensors")
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(given.second / name, given.out / name)


if __name__ == "__main__":
    main()

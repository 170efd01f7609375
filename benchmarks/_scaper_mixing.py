"""Mixes soundscapes with Scaper; prints clips and processor seconds as JSON.

    python _scaper_mixing.py FOREGROUNDS BACKGROUNDS CLIPS

For the benchmark of mixing; a program of its own, so that Scaper can live in
another environment, and needs nothing else of ours. The settings are those with
which DESED was made (every event shifted in pitch by up to 3 semitones, 6 to 30
dB above the background), with 1 to 5 events, and with SoX's reverberation, the
only room that Scaper has; then without these effects. Nothing is written to
disk.

Authors
 * sb_sed contributors 2026
"""

import json
import resource
import sys
import time
import warnings

import scaper


def soundscape(foregrounds: str, backgrounds: str, seed: int, wet: bool):
    """Draw and mix one."""
    scape = scaper.Scaper(10.0, foregrounds, backgrounds, random_state=seed)
    scape.sr = 16000
    scape.ref_db = -55
    random = scape.random_state
    scape.add_background(
        label=("choose", []),
        source_file=("choose", []),
        source_time=("const", 0),
    )
    for _ in range(random.randint(1, 6)):
        scape.add_event(
            label=("choose", []),
            source_file=("choose", []),
            source_time=("const", 0),
            event_time=("uniform", 0, 9),
            event_duration=("const", 10),
            snr=("uniform", 6, 30),
            pitch_shift=("uniform", -3, 3) if wet else None,
            time_stretch=None,
        )
    scape.generate(reverb=0.3 if wet else None, fix_clipping=True)


def processor_seconds() -> float:
    """Of this process and its children."""
    usages = map(
        resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    """Measure."""
    warnings.simplefilter("ignore")
    foregrounds, backgrounds, n_clips = sys.argv[1:]
    result = {}
    for name, wet in (("wet", True), ("dry", False)):
        soundscape(foregrounds, backgrounds, 0, wet)
        start, begin = time.perf_counter(), processor_seconds()
        for seed in range(int(n_clips)):
            soundscape(foregrounds, backgrounds, seed, wet)
        result[name] = {
            "clips": int(n_clips),
            "processor": processor_seconds() - begin,
            "wall": time.perf_counter() - start,
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

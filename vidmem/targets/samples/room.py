"""What sample memories share: bounds, and that the truth outlives guesses."""

from __future__ import annotations

from vidmem.targets.samples import Sample

FLOOR = 0.25  # [S] least share of prompted samples. LWL: init_samples_minimum_weight


def check_bounds(kind: str, limit: int, max_prompts: int) -> None:
    if not 1 <= max_prompts < limit:
        raise ValueError(
            f"{kind}.limit must be 2 or more and max_prompts 1 or more and below it; got {limit}, {max_prompts}."
        )


def made_room(samples: tuple[Sample, ...], new: Sample, limit: int, max_prompts: int) -> tuple[Sample, ...]:
    """The samples with a place free for one more.

    Of prompts the first says what is meant and the newest how it looks now, so that the oldest between goes; of the
    others the one of the least weight, the oldest of equals.
    """
    prompts = [place for place, each in enumerate(samples) if each.prompted]
    if new.prompted and len(prompts) >= max_prompts:
        return _without(samples, prompts[min(1, len(prompts) - 1)])
    if len(samples) < limit:
        return samples
    others = [place for place, each in enumerate(samples) if not each.prompted]
    return _without(samples, min(others, key=lambda place: samples[place].weight))


def _without(samples: tuple[Sample, ...], place: int) -> tuple[Sample, ...]:
    return samples[:place] + samples[place + 1 :]

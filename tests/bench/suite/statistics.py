"""The arithmetic of the results. Pure, and the same for the same input."""

import math
import random


def median(values):
    """The middle one, or the mean of both middle ones; None where there are none."""
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def spread(values):
    """(least, greatest); (None, None) where there are none."""
    return (min(values), max(values)) if values else (None, None)


def percentile(values, percent):
    """The smallest value that at least `percent` of the values do not exceed."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def bootstrap_ratio(pairs, rounds=4000, seed=1):
    """(ratio, low, high) of the median of a / b over `pairs` of (a, b) that were measured one after
    the other, and its 95 % interval by resampling the pairs. None where there are no pairs.

    Taken pair by pair because what disturbs a machine lasts longer than one measurement."""
    ratios = [a / b for a, b in pairs if b]
    if not ratios:
        return None
    chance = random.Random(seed)
    medians = sorted(median(chance.choices(ratios, k=len(ratios))) for _ in range(rounds))
    return (median(ratios), medians[int(0.025 * (rounds - 1))],
            medians[math.ceil(0.975 * (rounds - 1))])

"""The measures of masks, written out pixel by pixel from their definitions: slow, and independent of vidmem's.

What is said here of a benchmark is said once more and differently in vidmem/metrics; tests hold the two together.
"""

from __future__ import annotations

import math

import numpy as np


def j(truth, answer, void=None):
    counted = np.ones(truth.shape, bool) if void is None else ~void
    joint = ((truth | answer) & counted).sum()
    return 1.0 if joint == 0 else ((truth & answer) & counted).sum() / joint


def boundary(mask):
    """Each pixel against its right, its lower and its lower right neighbour, where there are such."""
    height, width = mask.shape
    edge = np.zeros(mask.shape, bool)
    for y in range(height):
        for x in range(width):
            right, below = x + 1 < width, y + 1 < height
            edge[y, x] |= bool(right and mask[y, x] != mask[y, x + 1])
            edge[y, x] |= bool(below and mask[y, x] != mask[y + 1, x])
            edge[y, x] |= bool(right and below and mask[y, x] != mask[y + 1, x + 1])
    return edge


def kernel(radius):
    """skimage.morphology.disk, for radii that are no whole numbers too."""
    across = np.arange(-radius, radius + 1)
    x, y = np.meshgrid(across, across)
    return x**2 + y**2 <= radius**2


def dilated(mask, element):
    """cv2.dilate: a pixel is set when one under the element is, which is anchored at half its size.

    An element without a pixel counts as one of its top left corner, as OpenCV does it.
    """
    height, width = mask.shape
    anchor = len(element) // 2
    out = np.zeros(mask.shape, bool)
    for y, x in np.argwhere(mask):
        for row, column in np.argwhere(element) if element.any() else [(0, 0)]:
            at = y - (row - anchor), x - (column - anchor)
            if 0 <= at[0] < height and 0 <= at[1] < width:
                out[at] = True
    return out


def f(truth, answer, radius=None, void=None):
    if void is not None:
        truth, answer = truth & ~void, answer & ~void
    if radius is None:
        radius = math.ceil(0.008 * math.hypot(*truth.shape))
    true_edge, edge = boundary(truth), boundary(answer)
    if not true_edge.any() or not edge.any():
        return float(true_edge.any() == edge.any())
    element = kernel(radius)
    precision = (edge & dilated(true_edge, element)).sum() / edge.sum()
    recall = (true_edge & dilated(edge, element)).sum() / true_edge.sum()
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def decay(values):
    edges = [round(float(each) + 1e-10) - 1 for each in np.linspace(1, len(values), 5)]
    return np.mean(values[edges[0] : edges[1] + 1]) - np.mean(values[edges[3] : edges[4] + 1])


def both(frames, truth, answers, object_id):
    """[(J, F)] of an object in the frames named."""
    return [
        (j(truth[t] == object_id, answers[t] == object_id), f(truth[t] == object_id, answers[t] == object_id))
        for t in frames
    ]


def davis2016(truth, answers):
    masks = [each > 0 for each in truth], [each > 0 for each in answers]
    return {1: both(range(1, len(truth) - 1), *masks, True)}


def davis2017(truth, answers):
    count = truth[0][truth[0] != 255].max()
    return {each: both(range(1, len(truth) - 1), truth, answers, each) for each in range(1, count + 1)}


def vos_benchmark(truth, answers):
    scores = {}
    inner = range(1, len(truth) - 1)
    for object_id in {int(each) for t in inner for each in np.unique(truth[t])} - {0}:
        seen = [t for t in inner if (truth[t] == object_id).any() or (answers[t] == object_id).any()]
        scores[object_id] = both([t for t in inner if t >= seen[0]], truth, answers, object_id)
    return scores


def lvos(truth, answers):
    scores = {}
    for object_id in {int(each) for frame in truth for each in np.unique(frame)} - {0}:
        first = next(t for t, frame in enumerate(truth) if (frame == object_id).any())
        scores[object_id] = both(range(first + 1, len(truth) - 1), truth, answers, object_id)
    return scores


def youtubevos(truth, answers):
    scores = {}
    for object_id in {int(each) for frame in truth for each in np.unique(frame)} - {0}:
        first = next(t for t, frame in enumerate(truth) if (frame == object_id).any())
        if first + 1 < len(truth):
            scores[object_id] = both(range(first + 1, len(truth)), truth, answers, object_id)
    return scores


def longvideos_afb_urr(truth, answers):
    count = truth[0].max()
    return {each: both(range(1, len(truth)), truth, answers, each) for each in range(1, count + 1)}


def mose2(truth, answers):
    """[(J smoothed, F adaptive, F classic, absent)]"""
    scores = {}
    diagonal = math.hypot(*truth[0].shape)
    for object_id in {int(each) for each in np.unique(truth[0])} - {0}:
        rows = []
        for t in range(1, len(truth) - 1):
            true, answer = truth[t] == object_id, answers[t] == object_id
            smoothed = (int((true & answer).sum()) + 1) / (int((true | answer).sum()) + 1)
            wanted = math.ceil(0.1 * (math.sqrt(true.sum()) if true.any() else diagonal))
            radius, classic = (
                (wanted, math.ceil(0.008 * diagonal)) if wanted < 0.008 * diagonal else (0.008 * diagonal,) * 2
            )
            rows.append((smoothed, f(true, answer, radius), f(true, answer, classic), float(not true.any())))
        scores[object_id] = rows
    return scores


def stretches(absent, wanted):
    """Means are taken over the runs of frames that begin behind the first."""
    found, run = [], []
    for t, flag in enumerate([*absent, None]):
        if run and flag != absent[run[0]]:
            if run[0] > 0 and absent[run[0]] == wanted:
                found.append(run)
            run = []
        run.append(t)
    return found


def unsupervised(truth, answers, proposals=20):
    """The best of all ways to give every object a proposal of its own, tried one after the other."""
    from itertools import permutations

    objects = range(1, int(truth[0][truth[0] != 255].max()) + 1)
    count = max(len(objects), *(int(each.max()) for each in answers))
    assert count <= proposals
    table = {}
    for object_id in objects:
        for proposal in range(1, count + 1):
            rows = []
            for true, answer in zip(truth, answers, strict=True):
                void = true == 255
                rows.append(
                    (
                        j(true == object_id, answer == proposal, void),
                        f(true == object_id, answer == proposal, None, void),
                    )
                )
            table[object_id, proposal] = rows
    worth = {pair: np.mean(rows) for pair, rows in table.items()}
    best = max(
        permutations(range(1, count + 1), len(objects)),
        key=lambda way: sum(worth[o, p] for o, p in zip(objects, way, strict=True)),
    )
    return {object_id: table[object_id, proposal] for object_id, proposal in zip(objects, best, strict=True)}

"""Metrics: plain functions of what is true and what was answered, and the protocols of the benchmarks made of them.

To add one: write vidmem/metrics/NAME.py and its line in the table. A metric is a function of one mask or box. A
protocol is a frozen dataclass with `score`, `summary` and `overall` (`protocol.py` says what they promise).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidmem.catalog import Catalog

if TYPE_CHECKING:
    from vidmem.metrics.boxes import BoxProtocol
    from vidmem.metrics.detections import DetectionProtocol
    from vidmem.metrics.mot import TrackProtocol
    from vidmem.metrics.protocol import MaskProtocol

metrics: Catalog[float] = Catalog(
    "metric",
    "vidmem.metrics",
    {
        "J": "vidmem.metrics.region:jaccard",  # shared pixels over joint pixels, DAVIS
        "J-smoothed": "vidmem.metrics.region:smoothed_jaccard",  # MOSE v2
        "F": "vidmem.metrics.boundary:boundary_accuracy",  # DAVIS
        "F-adaptive": "vidmem.metrics.boundary:adaptive_boundary_accuracy",  # MOSE v2
    },
)

protocols: Catalog[MaskProtocol] = Catalog(
    "protocol",
    "vidmem.protocols",
    {
        "davis2016": "vidmem.metrics.davis2016:Davis2016",  # one foreground
        "davis2017": "vidmem.metrics.davis2017:Davis2017",  # the objects of the first frame
        "davis2017_unsupervised": "vidmem.metrics.davis2017_unsupervised:Davis2017Unsupervised",  # the best of 20
        "vos_benchmark": "vidmem.metrics.vos_benchmark:VosBenchmark",  # objects enter when first seen
        "mose1": "vidmem.metrics.vos_benchmark:VosBenchmark",
        "mose2": "vidmem.metrics.mose2:Mose2",  # smoothed J, adaptive F, disappearance and reappearance
        "sav": "vidmem.metrics.sav:SaV",  # each object on its own annotated frames
        "lvos": "vidmem.metrics.lvos:Lvos",  # seen and unseen, variability
        "youtubevos": "vidmem.metrics.youtubevos:YouTubeVos",  # seen and unseen, objects enter later
        "longvideos": "vidmem.metrics.longvideos:LongVideos",  # sparse truth, two conventions of frames
    },
)

box_protocols: Catalog[BoxProtocol] = Catalog(
    "box protocol",
    "vidmem.box_protocols",
    {
        "lasot": "vidmem.metrics.lasot:Lasot",  # success, precision, normalised precision; four toolkits' forms
        "lasot_ext": "vidmem.metrics.lasot:Lasot",
        "got10k": "vidmem.metrics.got10k:Got10k",  # AO, SR.5, SR.75
        "otb": "vidmem.metrics.otb:Otb",  # success, precision
        "tld": "vidmem.metrics.tld:Tld",  # precision and recall where the object comes and goes
        "vot_supervised": "vidmem.metrics.vot_supervised:VotSupervised",  # EAO, accuracy, robustness with resets
    },
)

detection_protocols: Catalog[DetectionProtocol] = Catalog(
    "detection protocol",
    "vidmem.detection_protocols",
    {
        "imagenet_vid": "vidmem.metrics.imagenet_vid:ImagenetVid",  # AP, slow, medium and fast; three evaluators' forms
        "coco": "vidmem.metrics.coco:Coco",  # the twelve numbers, of boxes or masks
        "voc": "vidmem.metrics.voc:Voc",  # AP by eleven points or by every one
    },
)

track_protocols: Catalog[TrackProtocol] = Catalog(
    "track protocol",
    "vidmem.track_protocols",
    {
        "mot": "vidmem.metrics.mot:Mot",  # HOTA, IDF1, MOTA
    },
)

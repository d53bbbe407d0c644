"""A small data set for every card, written below a folder as the real one lies on the disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import av
import numpy as np
from PIL import Image

from vidmem import rle
from vidmem.palette import davis_palette
from vidmem.videos.imagenet_vid import WORDNET

SIZE = (24, 32)  # (H, W) of every picture


def labels(**corners: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8: squares of 6 pixels, o3=(x, y) for object 3 with its corner at x, y; none, none."""
    picture = np.zeros(SIZE, np.uint8)
    for name, (x, y) in corners.items():
        picture[y : y + 6, x : x + 6] = int(name[1:])
    return picture


def frames(folder: Path, names: Sequence[str], ending: str = ".jpg", size: tuple[int, int] = SIZE) -> None:
    """Grey pictures that tell their place by their grey, ten more from one to the next."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(names):
        Image.new("RGB", (size[1], size[0]), (10 * place + 10,) * 3).save(
            folder / f"{name}{ending}", quality=95, format=None if ending != ".JPEG" else "JPEG"
        )


def mask(path: Path, values: np.ndarray, mode: str = "P") -> None:
    """An index picture with the palette of DAVIS, or a grey one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(values.astype(np.uint8), mode="L")
    if mode == "P":
        picture = Image.fromarray(values.astype(np.uint8), mode="P")
        picture.putpalette(davis_palette().tobytes())
    picture.save(path)


def text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def film(path: Path, count: int) -> None:
    """An MPEG film of so many frames, ten grey levels from one to the next."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4" if path.suffix == ".mp4" else "mpeg2video", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for place in range(count):
            picture = np.full((48, 64, 3), 10 * place + 10, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def numbered(count: int, digits: int = 5, start: int = 0, step: int = 1) -> list[str]:
    return [f"{start + step * place:0{digits}d}" for place in range(count)]


def davis16(root: Path) -> None:
    names = numbered(4)
    for video in ("surf", "dog"):
        frames(root / "JPEGImages/480p" / video, names)
    for place, name in enumerate(names):
        mask(root / f"Annotations/480p/surf/{name}.png", 255 * labels(o1=(3 * place, 4)), "L")
        mask(root / f"Annotations/480p/dog/{name}.png", labels(o1=(2, 4), o2=(12, 4 + place)))  # as in DAVIS 2017
    text(root / "ImageSets/2016/val.txt", "surf", "dog")
    text(root / "ImageSets/2016/train.txt", "dog")


def davis17(root: Path, folder: str = "Annotations/480p") -> None:
    names = numbered(4)
    frames(root / "JPEGImages/480p/bike", names)
    frames(root / "JPEGImages/480p/aerobatics", names)
    for place, name in enumerate(names):
        picture = labels(o1=(2 + place, 2), o2=(14, 10))
        if place == 2:
            picture[:, :12] = 0  # object 1 is not to be seen
        picture[23, 31] = 255
        mask(root / folder / f"bike/{name}.png", picture)
    mask(root / folder / "aerobatics/00000.png", labels(o1=(2, 2)))
    for split, video in (("val", "bike"), ("train", "bike"), ("test-dev", "aerobatics")):
        text(root / f"ImageSets/2017/{split}.txt", video)


def davis17_unsupervised(root: Path) -> None:
    davis17(root, "Annotations_unsupervised/480p")


def youtubevos(root: Path) -> None:
    every_fifth, every = numbered(4, step=5), numbered(16)
    for split, video in (("valid", "00f88c4f0a"), ("train", "003234408d")):
        frames(root / split / "JPEGImages" / video, every_fifth)
        objects = {
            "2": {"category": "penguin", "frames": every_fifth[2:]},
            "1": {"category": "zebra" if split == "valid" else "penguin", "frames": every_fifth},
        }
        if split == "train":
            objects = {"1": objects["1"], "2": {"category": "penguin", "frames": every_fifth[2:]}}
        text(root / split / "meta.json", json.dumps({"videos": {video: {"objects": objects}}}))
        for place, name in enumerate(every_fifth):
            is_told = {0: {"o1": (2, 2)}, 2: {"o1": (4, 2), "o2": (20, 12)}}
            shown = (
                is_told.get(place) if split == "valid" else {"o1": (2, 2), **({"o2": (20, 12)} if place > 1 else {})}
            )
            if shown:
                mask(root / split / "Annotations" / video / f"{name}.png", labels(**shown))
    frames(root / "valid_all_frames/JPEGImages/00f88c4f0a", every)


def lvos(root: Path, video: str = "R3UJGYwy") -> None:
    names = numbered(6, 8, 1, 5)
    for split, folder in (("valid", "valid"), ("train", "train"), ("test", "test")):
        for each in (video, "SeenKind"):
            frames(root / folder / "JPEGImages" / each, names)
            for place, name in enumerate(names):
                if split != "test" or place in (0, 2):
                    late = {"o2": (20, 12)} if 2 <= place < 5 else {}
                    mask(root / folder / "Annotations" / each / f"{name}.png", labels(o1=(2, 2), **late))
        objects = {
            "1": {"frame_range": {"start": "1", "end": "30", "frame_nums": "6"}},
            "2": {"frame_range": {"start": 11, "end": 26, "frame_nums": 3}},
        }
        meta = {"videos": {"SeenKind": {"objects": {"1": objects["1"]}}, video: {"objects": objects}}}
        text(root / folder / f"{split}_meta.json", json.dumps(meta))


def mose(root: Path) -> None:
    names = numbered(3)
    for split in ("valid", "train"):
        frames(root / split / "JPEGImages/0a1b", names)
        for name in names[: 1 if split == "valid" else None]:
            mask(root / split / f"Annotations/0a1b/{name}.png", labels(o1=(2, 2), o3=(12, 8)))


def sav(root: Path) -> None:
    for split in ("val", "test"):
        top = root / f"sav_{split}"
        text(top / f"sav_{split}.txt", "sav_000262")
        frames(top / "JPEGImages_24fps/sav_000262", numbered(9))
        whole = {"000": (4, 4), "001": (4, 4)}
        for folder in whole:
            for place, name in enumerate(numbered(3, step=4)):
                shape = labels(o1=(4 + place, 4))
                if folder == "001":  # a part of the whole, which enters late
                    shape[:, 7:] = 0
                    shape = shape * (place > 0)
                mask(top / "Annotations_6fps/sav_000262" / folder / f"{name}.png", 255 * shape, "L")


def sav_train(root: Path) -> None:
    folder = root / "sav_train/sav_000"
    film(folder / "sav_000001.mp4", 9)
    shapes = [[np.zeros((48, 64), bool) for _ in range(2)] for _ in range(3)]
    for place in range(3):
        shapes[place][0][4:20, 4 + place : 20] = True
        shapes[place][1][6:10, 8:12] = place > 1
    for kind in ("manual", "auto"):
        said = {
            "video_id": "sav_000001",
            "video_frame_count": 9.0,
            "masklet": [[{"size": [48, 64], "counts": rle.encode(each)} for each in row] for row in shapes],
            "masklet_id": [0, 1],
        }
        text(folder / f"sav_000001_{kind}.json", json.dumps(said))


def longvideos(root: Path) -> None:
    for top, count in (("long_video", 6), ("long_video_x3", 18)):
        names = numbered(count)
        frames(root / top / "JPEGImages/rat", names)
        for name in names[::5]:
            mask(root / top / f"Annotations/rat/{name}.png", labels(o1=(2, 2)))


def folder(root: Path) -> None:
    frames(root / "caps/frames", numbered(4))
    mask(root / "caps/masks/00000.png", labels(o1=(2, 2)))
    mask(root / "caps/masks/00002.png", labels(o1=(3, 2), o2=(20, 12)))
    frames(root / "chair/frames", ["img9", "img10"], ".png")
    mask(root / "chair/masks/img9.png", 255 * labels(o1=(8, 8)), "L")
    mask(root / "chair/masks/img10.png", 255 * labels(o1=(9, 8)), "L")


def lasot(root: Path, kind: str = "airplane") -> None:
    for number in (2, 10, 1):
        top = root / kind / f"{kind}-{number}"
        frames(top / "img", numbered(4, 8, 1))
        text(top / "groundtruth.txt", "2,3,10,8", "3,3,10,8", "0,0,0,0", "5,3,10,8")
        text(top / "full_occlusion.txt", "0,0,1,0")
        text(top / "out_of_view.txt", "0,0,0,0")
    text(root / "testing_set.txt", f"{kind}-10", f"{kind}-2")
    text(root / "training_set.txt", f"{kind}-1")


def lasot_ext(root: Path) -> None:
    lasot(root, "atv")


def got10k(root: Path) -> None:
    for split, title in (("val", "Val"), ("train", "Train"), ("test", "Test")):
        name = f"GOT-10k_{title}_000001"
        top = root / split / name
        text(root / split / "list.txt", name)
        frames(top, numbered(3, 8, 1))
        if split == "test":
            text(top / "groundtruth.txt", "2.0000,3.0000,10.5000,8.0000")
            continue
        text(top / "groundtruth.txt", "2.0000,3.0000,10.5000,8.0000", "3,3,10,8", "4,3,10,8")
        text(top / "absence.label", "0", "1", "0")
        text(top / "cover.label", "8", "0", "5")
        text(top / "cut_by_image.label", "0", "0", "1")
        text(top / "meta_info.ini", "[METAINFO]", "url: https://a.b/watch?v=%d", "object_class: animal")


def otb(root: Path, sequences: Sequence[str] = ()) -> None:
    from vidmem.videos.dataset import read_card

    for name in sequences or read_card("otb")["splits"]["2015"]["sequences"]:
        first = {"BlurCar1": 247}.get(name, 1)
        ranges = read_card("otb")["layout"]["ranges"]
        start, stop = ranges.get(name, (first, first + 1))
        text(root / name / "groundtruth_rect.txt", *["2\t3\t10\t8"] * (stop - start + 1))
        (root / name / "img").mkdir(parents=True)
        small = Image.new("RGB", (16, 16))
        for number in range(1 if name in ranges else start, stop + (3 if name in ranges else 1)):
            small.save(root / name / f"img/{number:04d}.jpg")
    for name in ("Jogging", "Skating2", "Human4"):
        if (root / name).is_dir():
            (root / name / "groundtruth_rect.txt").unlink()
            text(root / name / "groundtruth_rect.1.txt", *(["1,2,3,4", "1,2,3,4"] if name != "Human4" else [""]))
            text(root / name / "groundtruth_rect.2.txt", "5 6 7 8", "5 6 7 8")


def tld(root: Path) -> None:
    film(root / "car/video.mpg", 4)
    text(root / "car/gt.txt", "2,3,12,14", "NaN,NaN,NaN,NaN", "NaN,NaN,NaN,NaN", "4.5,5,12.25,17")


def vot(root: Path) -> None:
    frames(root / "bag/frames", numbered(2))
    text(root / "bag/groundtruth.txt", "4,2,12,4,10,12,2,10", "5,2,13,4,11,12,3,10")
    text(root / "bag/occlusion.tag", "0", "1")
    frames(root / "ants/color", numbered(2, 8, 1))
    text(root / "ants/groundtruth.txt", "4,2,12,4", "5,2,12,4")


def imagenet_vid(root: Path) -> None:
    val, train = "val/ILSVRC2015_val_00000000", "train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000"
    for video in (val, train):
        frames(root / "Data/VID" / video, numbered(3, 6), ".JPEG")
        for place, name in enumerate(numbered(3, 6)):
            objects = (
                [] if place == 2 else [(0, "airplane", (2, 3, 12, 13), "1", "0"), (7, "zebra", (4, 5, 9, 19), "0", "1")]
            )
            text(root / f"Annotations/VID/{video}/{name}.xml", xml(objects[: 2 - place]))
    lines = [f"{val.partition('/')[2]}/{name} {place + 1}" for place, name in enumerate(numbered(3, 6))]
    text(root / "ImageSets/VID/val.txt", *lines)


def imagenet_det(root: Path) -> None:
    for name, objects in (("n1/n1_1", [(0, "airplane", (2, 3, 12, 13), "0", "0")]), ("n1/n1_2", [])):
        frames(root / "Data/DET/train/n1", [name.rpartition("/")[2]], ".JPEG")
        text(root / f"Annotations/DET/train/{name}.xml", xml(objects).replace("</annotation>", OTHER))
    text(root / "ImageSets/DET_train_30classes.txt", "train/n1/n1_1 1", "train/n1/n1_2 2")


OTHER = "<object><name>n00007846</name></object></annotation>"  # a class of DET that is none of VID's


def xml(objects: Sequence[tuple[int, str, tuple[int, int, int, int], str, str]]) -> str:
    words = {name: word for word, name in WORDNET.items()}
    told = [
        f"<object><trackid>{track}</trackid><name>{words[name]}</name><bndbox><xmax>{x1}</xmax><xmin>{x0}</xmin>"
        f"<ymax>{y1}</ymax><ymin>{y0}</ymin></bndbox><occluded>{occluded}</occluded><generated>{generated}</generated></object>"
        for track, name, (x0, y0, x1, y1), occluded, generated in objects
    ]
    return f"<annotation><size><width>32</width><height>24</height></size>{''.join(told)}</annotation>"


def imagenet_vid_coco(root: Path) -> None:
    for split in ("val", "train"):
        video = f"{split}/ILSVRC2015_{split}_00000000"
        frames(root / "Data/VID" / video, numbered(3, 6), ".JPEG")
        said = {
            "videos": [{"id": 5, "name": f"ILSVRC2015_{split}_00000000"}],
            "images": [
                {"id": 90 - place, "video_id": 5, "frame_id": place, "file_name": f"{video}/{name}.JPEG"}
                for place, name in enumerate(numbered(3, 6))
            ],
            "annotations": [
                {"id": 1, "image_id": 90, "category_id": 1, "instance_id": 4, "bbox": [2, 3, 10, 10], "occluded": True},
                {
                    "id": 2,
                    "image_id": 89,
                    "category_id": 30,
                    "instance_id": 4,
                    "bbox": [4, 5, 5, 14],
                    "generated": True,
                },
            ],
            "categories": [{"id": 1, "name": "airplane"}, {"id": 30, "name": "zebra"}],
        }
        text(root / f"annotations/imagenet_vid_{split}.json", json.dumps(said))


def mot(root: Path) -> None:
    for split in ("train", "test"):
        top = root / split / "MOT17-02-FRCNN"
        frames(top / "img1", numbered(3, 6, 1))
        text(top / "seqinfo.ini", "[Sequence]", "name=MOT17-02-FRCNN", "imDir=img1", "seqLength=3", "imExt=.jpg")
    text(
        root / "train/MOT17-02-FRCNN/gt/gt.txt",
        *("1,2,10,5,8,12,1,1,0.5", "1,3,1,1,4,4,0,8,1", "3,2,12.5,5,8,12,1,1,1"),
    )
    old = root / "train/TUD-Campus"
    frames(old / "img1", numbered(1, 6, 1))
    text(old / "seqinfo.ini", "[Sequence]", "name=TUD-Campus", "seqLength=1")
    text(old / "gt/gt.txt", "1,1,9,8,6,5,1,4.4852,5.5016,0")


TREES: Mapping[str, Callable[[Path], None]] = {
    "davis16": davis16,
    "davis17": davis17,
    "davis17-unsupervised": davis17_unsupervised,
    "youtubevos18": youtubevos,
    "youtubevos19": youtubevos,
    "lvos1": lvos,
    "lvos2": lvos,
    "mose": mose,
    "mose2": mose,
    "sav": sav,
    "sav-train": sav_train,
    "longvideos": longvideos,
    "folder": folder,
    "lasot": lasot,
    "lasot_ext": lasot_ext,
    "got10k": got10k,
    "otb": otb,
    "tld": tld,
    "vot": vot,
    "imagenet_vid": imagenet_vid,
    "imagenet_det": imagenet_det,
    "imagenet_vid-coco": imagenet_vid_coco,
    "mot": mot,
}
"""card -> what writes its tree below a folder."""

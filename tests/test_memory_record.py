"""What a run's memory was made of is told by kind."""

from observations import after

from vidmem.annotation import Annotation
from vidmem.banks.longterm import LongTerm
from vidmem.memory_picture import KINDS
from vidmem.memory_record import MemoryRecord
from vidmem.searches import History


def test_what_is_kept_for_long_is_told_apart_from_prompts_and_recent_frames(tmp_path):
    bank = LongTerm(every=2, frames=4, min_frames=2)
    record = MemoryRecord(tmp_path, bank)
    record.write(Annotation(20, 2.0, "00020", (4, 4)), {1: (History(after(bank, 20), None),)}, 1000)
    record.close()
    (sample,) = record.history.samples
    told = [(KINDS[kind], int(frame)) for kind, frame in zip(sample.kinds, sample.origins, strict=True)]
    pages = [("prompt", 0), *(("recent", frame) for frame in (14, 16, 18, 19)), ("long-term", 12)]
    assert told == [*pages, *(("pointer", frame) for frame in (17, 15, 13, *range(11, 4, -1)))]
    assert (tmp_path / "memory.png").stat().st_size > 0

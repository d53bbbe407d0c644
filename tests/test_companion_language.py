"""A vision language model as a companion: the memory enters it as its own pictures would."""

import contextlib
import io
import json

import numpy as np
import pytest
import tiny_vlm
import torch
from typer.testing import CliRunner

from vidmem.bridges.bridge import BridgeSizes, RecurrentBridge
from vidmem.bridges.everything import Everything
from vidmem.bridges.fifo import Fifo
from vidmem.bridges.files import save_bridge
from vidmem.cli import app
from vidmem.companions.families import LLAVA, QWEN, family_of, positions
from vidmem.companions.language import Language, read_stored
from vidmem.errors import InputError, ModelError, UsageError
from vidmem.values import Frame
from vidmem.video_file import VideoFile

QUESTION = "what happens here ?"


@pytest.fixture(scope="session", params=tiny_vlm.MAKERS)
def folder(request, tmp_path_factory):
    with contextlib.redirect_stderr(io.StringIO()):
        return tiny_vlm.MAKERS[request.param](tmp_path_factory.mktemp("vlm") / request.param)


@pytest.fixture(scope="session")
def stored(folder):
    with contextlib.redirect_stderr(io.StringIO()):
        return read_stored(str(folder))


def frame(seed, size=56):
    chance = torch.Generator().manual_seed(seed)
    return Frame(seed, torch.randint(0, 256, (3, size, size), dtype=torch.uint8, generator=chance))


def remembered(companion, scenes=3, looks=2):
    state = companion.start()
    for scene in range(scenes):
        state = companion.remember(state, [companion.see(frame(10 * scene + look)) for look in range(looks)])
    return state


@torch.no_grad()
def test_a_memory_of_one_frame_is_read_as_that_picture_is(stored):
    """Against the model's own road: token ids with placeholders, pixels, and positions of its own reckoning."""
    companion = Language(stored, tokens=5)
    picture = frame(3)
    state = companion.remember(companion.start(), [companion.see(picture)])
    prepared = companion.prepare(state, QUESTION)
    assert prepared.remembered == 16  # the tiny models see 4 x 4 tokens of a frame, so none was pooled
    ours = companion.model(**prepared.as_arguments()).logits

    ids = companion._ids(QUESTION)
    place = ids.index(companion.tokenizer.convert_tokens_to_ids(companion.family.placeholder))
    ids = torch.tensor([ids[:place] + [ids[place]] * 16 + ids[place + 1 :]])
    given = companion.processor(images=picture.image.permute(1, 2, 0).numpy(), return_tensors="pt")
    kinds = {"mm_token_type_ids": (ids == ids[0, place]).int()} if companion.family.mrope else {}
    theirs = companion.model(input_ids=ids, attention_mask=torch.ones_like(ids), **given, **kinds).logits
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)

    said = companion.model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), **given, **kinds, max_new_tokens=5, do_sample=False
    )
    words = companion.tokenizer.decode(said[0, ids.shape[1] :], skip_special_tokens=True).strip()
    assert companion.answer(state, QUESTION) == words


def test_what_is_read_grows_with_the_scenes_kept_and_no_further(stored):
    companion = Language(stored, cache=Fifo(2))
    assert [companion.prepare(remembered(companion, n), QUESTION).remembered for n in (1, 2, 5)] == [16, 32, 32]
    everything = Language(stored, cache=Everything())
    assert everything.prepare(remembered(everything, 5), QUESTION).remembered == 80


@pytest.mark.parametrize("reads", ["memories", "latest", "both"])
def test_a_bridge_of_the_language_models_width_is_read(stored, tmp_path, reads):
    bridge = RecurrentBridge(BridgeSizes(tiny_vlm.WIDTH, 4, 24, 6, tiny_vlm.WIDTH))
    save_bridge(bridge, tmp_path / "bridge.safetensors")
    companion = Language(stored, tmp_path / "bridge.safetensors", Everything(), reads, tokens=4)
    state = remembered(companion)
    count = {"memories": 3 * 6, "latest": 2 * 144, "both": 3 * 6 + 2 * 144}[reads]
    prepared = companion.prepare(state, QUESTION)
    assert prepared.remembered == count and prepared.inputs_embeds.shape[1] == prepared.attention_mask.shape[1]
    if companion.family.mrope:
        assert prepared.position_ids is not None
        assert prepared.position_ids.shape == (3, 1, prepared.inputs_embeds.shape[1])
    assert isinstance(companion.answer(state, QUESTION), str)


def test_a_bridge_of_the_towers_width_is_read_before_the_projector(stored, tmp_path):
    bridge = RecurrentBridge(BridgeSizes(tiny_vlm.TOWER, 4, 24, 6, tiny_vlm.WIDTH))
    save_bridge(bridge, tmp_path / "bridge.safetensors")
    if family_of(stored.model.config.model_type).mrope:
        with pytest.raises(ModelError, match="wide"):
            Language(stored, tmp_path / "bridge.safetensors")
        return
    companion = Language(stored, tmp_path / "bridge.safetensors")
    assert companion.see(frame(1)).shape == (144, tiny_vlm.TOWER)
    assert companion.prepare(remembered(companion, 2), QUESTION).remembered == 12


def test_answers_come_from_the_memory_alone_and_are_told_again_the_same(stored):
    companion = Language(stored, tokens=4)
    state = remembered(companion)
    assert companion.answer(state, QUESTION) == companion.answer(state, QUESTION)
    assert companion.describe(companion.start(), state) == companion.answer(state, companion.prompt)


def test_positions_of_a_memory_are_those_of_a_video():
    where = positions(QWEN, before=2, entries=3, each=6, after=2)
    assert where is not None
    time, row, column = where[:, 0].tolist()
    assert time == [0, 1] + [2] * 6 + [3] * 6 + [4] * 6 + [5, 6]
    assert row == [0, 1] + [2, 2, 2, 3, 3, 3] * 3 + [5, 6]
    assert column == [0, 1] + [2, 3, 4] * 6 + [5, 6]
    assert positions(LLAVA, 2, 3, 6, 2) is None


# Only Qwen2-VL gives a video one block of positions: later models write the time between frames, others have none.
@pytest.mark.parametrize("folder", ["qwen2_vl"], indirect=True)
@pytest.mark.parametrize("entries", [1, 2, 4])
def test_positions_agree_with_the_models_own_for_a_video(stored, entries):
    model = stored.model
    video, text = model.config.video_token_id, 5
    ids = torch.tensor([[text] * 3 + [video] * 16 * entries + [text] * 4])
    grid = torch.tensor([[entries, 8, 8]])  # patches; four of them are one token
    theirs, _ = model.model.get_rope_index(
        ids, mm_token_type_ids=2 * (ids == video).int(), video_grid_thw=grid, attention_mask=torch.ones_like(ids)
    )
    ours = positions(QWEN, 3, entries, 16, 4)
    assert ours is not None and torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (lambda f: Language("nowhere/at/all"), InputError, "no folder"),
        (lambda f: Language(""), InputError, "no name"),
        (lambda f: Language(f, reads="all"), UsageError, "'memories', 'latest' or 'both'"),  # type: ignore[arg-type]
        (lambda f: Language(f, tokens=0), UsageError, "one token or more"),
        (lambda f: Language(f).answer(Language(f).start(), QUESTION), InputError, "Nothing was seen"),
        (lambda f: Language(f).answer(remembered(Language(f)), "  "), UsageError, "empty"),
        (lambda f: Language(f).answer(remembered(Language(f)), "<image> <|image_pad|> ?"), ModelError, "2 tokens"),
        (lambda f: family_of("t5"), ModelError, "'t5'.*Known: llava"),
    ],
)
def test_what_cannot_be_is_said(stored, make, kind, says):
    with pytest.raises(kind, match=says):
        make(stored)


def test_a_folder_that_holds_no_model_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llava"}')
    with pytest.raises(ModelError, match="cannot be read as a vision language model"):
        Language(tmp_path)


@pytest.mark.parametrize(("width", "language"), [(12, tiny_vlm.WIDTH), (tiny_vlm.WIDTH, 20)])
def test_a_bridge_of_another_model_is_refused(stored, tmp_path, width, language):
    save_bridge(RecurrentBridge(BridgeSizes(width, 4, 8, 2, language)), tmp_path / "bridge.safetensors")
    with pytest.raises(ModelError, match="wide"):
        Language(stored, tmp_path / "bridge.safetensors")


def test_the_commands_ask_and_caption_with_a_stored_model(folder, tmp_path):
    film = tmp_path / "film.mp4"
    writer = VideoFile(film)
    for index in range(30):
        writer.write(np.full((56, 56, 3), 40 if index < 15 else 220, np.uint8), index / 10)
    writer.close()
    words = [str(film), "--model", str(folder), "--tokens", "3"]
    memory = str(tmp_path / "film.vmem")
    asked = CliRunner().invoke(app, ["ask", *words, QUESTION, "--json", "--remember", memory])
    assert asked.exit_code == 0, asked.exception
    said = json.loads(asked.stdout)
    assert said["scenes"] == 2 and list(said["answers"]) == [QUESTION]
    again = CliRunner().invoke(app, ["ask", memory, QUESTION, "--model", str(folder), "--tokens", "3", "--json"])
    assert json.loads(again.stdout)["answers"] == said["answers"]
    other = CliRunner().invoke(app, ["ask", memory, "Which object came first?"])
    assert isinstance(other.exception, InputError) and "not of recall" in str(other.exception)
    told = CliRunner().invoke(app, ["caption", *words, "--stream", "--prompt", QUESTION])
    assert [json.loads(line)["last"] for line in told.stdout.splitlines()] == [14, 29]
    grid = ["--longest", "2", "--lengths", "1", "--depths", "2", "--out", str(tmp_path / "needle"), "--json"]
    found = CliRunner().invoke(app, ["needle", "ask", *words, *grid])
    assert found.exit_code == 0, found.exception
    assert len(json.loads(found.stdout)["cells"]) == 2

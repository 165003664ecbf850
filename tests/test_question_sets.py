"""Questions about what was seen and heard: true, balanced, filmed, asked and scored."""

import json
import re
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
import shapely
import yaml
from chat_support import calling, chat_server, saying
from click.testing import CliRunner
from store_support import in_memory
from support import small_flat

from avenv.simulation.loading import load_scene
from avenv_agents.hearing import HEAD_RADIUS, SPEED_OF_SOUND
from avenv_agents.omni.agent import Omni
from avenv_agents.omni.media import picture_of, sound_file, sound_of
from avenv_agents.omni.view import View, read_view
from avenv_agents.questions import clips, making
from avenv_agents.questions.asking import ask, parts_of
from avenv_agents.questions.cli import questions_group
from avenv_agents.questions.clips import Clip
from avenv_agents.questions.ears import SOLVERS, Heard, answer, frames_of
from avenv_agents.questions.guessing import check, guess
from avenv_agents.questions.planning import HOMES, plan
from avenv_agents.questions.question import SPLITS, Question, read_questions
from avenv_agents.questions.scoring import letter_in_words, letter_of, read_answers, table
from avenv_agents.questions.senses import check_by, guess_by
from avenv_agents.questions.templates import TEMPLATES

COUNT = 280
HOME = load_scene("apartment")


@pytest.fixture(scope="module")
def planned():
    """Questions in the apartment, of all splits: who has set them here, has not to build homes."""
    return list(plan(COUNT, homes=1, scenes=dict.fromkeys(SPLITS, ("apartment",))))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Options by which few questions are set in a flat that is soon lit."""
    path = tmp_path_factory.mktemp("scenes") / "flat.yaml"
    path.write_text(yaml.safe_dump(small_flat().to_dict()))
    scenes = {split: [str(path)] for split in SPLITS}
    return {"count": 12, "homes": 1, "only": ("louder",), "scenes": scenes}


@pytest.fixture(scope="module")
def made(tmp_path_factory, small):
    pytest.importorskip("av")
    folder = tmp_path_factory.mktemp("questions")
    return folder, making.make(folder, progress=False, **small)


def asked(number, template="t", text="Which?", answer="A", split="test"):
    return Question(
        f"{split}-{number}", split, "spatial", template, "easy", "ears", text, ("one", "two"),
        answer, f"g{number}", "home",
    )  # fmt: skip


# -- what is asked ---------------------------------------------------------------------------------


def test_every_answer_of_a_group_is_right_as_often_and_the_text_does_not_tell_which(planned):
    for group in planned:
        first = group.questions[0]
        times = Counter(q.answer for q in group.questions)
        assert set(times) == set(first.letters)
        assert len(set(times.values())) == 1
        if first.template != "changed":  # whose texts say what has changed
            assert len({q.text for q in group.questions}) == 1
        assert len({clip for own in group.clips for clip in map(repr, own)}) > 1


def test_there_are_as_many_of_every_template_and_axis(planned):
    counts = Counter(q.template for group in planned for q in group.questions)
    assert set(counts) == set(TEMPLATES)
    assert min(counts.values()) >= COUNT // len(TEMPLATES)
    axes = {q.axis for group in planned for q in group.questions}
    assert axes == {"synchronisation", "spatial", "controllability", "safety"}


def test_splits_share_neither_homes_nor_kinds_of_sound(planned):
    kinds = defaultdict(set)
    for group in planned:
        if group.questions[0].template not in ("alarm", "premature"):
            sounds = [s for own in group.clips for clip in own for s in clip.sounds]
            kinds[group.questions[0].split] |= {s.sound.partition("/")[0] for s in sounds}
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        assert not set(HOMES[one]) & set(HOMES[other])
        assert not kinds[one] & kinds[other]


def test_equal_seeds_set_equal_questions(small):
    one, other, third = (
        [q for g in plan(seed=seed, **small) for q in g.questions] for seed in (1, 1, 2)
    )
    assert one == other
    assert one != third


def truths(planned, template):
    """Yield the true option and the clips of the questions of a template."""
    for group in planned:
        for question, own in zip(group.questions, group.clips, strict=True):
            if question.template == template:
                yield question.options["ABCDE".index(question.answer)], own


def azimuth(clip, of=None):
    """Return degrees to the left of where a clip's camera looks at first of a point, by hand.

    By default of what sounds.
    """
    away = np.array((of or clip.sounds[0].position)[:2]) - clip.path[0]
    turned = np.rad2deg(np.arctan2(away[1], away[0]) - clip.headings[0])
    return (turned + 180) % 360 - 180


def thing(told, clip):
    """Return where the thing of that kind is that stands in the room of a clip's camera."""
    room = next(row for row, room in enumerate(HOME.compiled.rooms)
                if shapely.Polygon(room.polygon).contains(shapely.Point(clip.path[0])))  # fmt: skip
    kind = told.removeprefix("the ").replace(" ", "_")
    [found] = [t for t in HOME.compiled.objects if (t.kind, t.room) == (kind, room)]
    return found.position


def test_answers_are_true_of_where_things_are(planned):
    sides = {"ahead of the camera": 0, "to its left": 90, "behind it": 180, "to its right": -90}
    for told, [clip] in truths(planned, "side"):
        assert abs((azimuth(clip) - sides[told] + 180) % 360 - 180) < 30
    for told, [clip] in truths(planned, "louder"):
        assert (azimuth(clip) > 0) == (told == "quieter")
    for told, [clip] in truths(planned, "nearer"):
        order = sorted(clip.sounds, key=lambda sound: sound.onset)
        away = [np.linalg.norm(np.array(s.position[:2]) - clip.path[0]) for s in order]
        assert (away[0] < away[1]) == (told == "the first")
    for told, [clip] in truths(planned, "count"):
        assert len(clip.sounds) == {"one": 1, "two": 2, "three": 3}[told]
    for told, [clip] in truths(planned, "motion"):
        place = np.array(clip.sounds[0].position[:2])
        before, after = (np.linalg.norm(place - end) for end in clip.path)
        assert (after < before) == (told == "it comes nearer")
    for told, [clip] in truths(planned, "premature"):
        [bell] = clip.sounds
        rings = bell.onset < clip.change[0] < bell.onset + bell.duration < 4
        assert rings == (told == "it was opened while the bell rang")
    for _, [clip] in truths(planned, "alarm"):
        assert abs(azimuth(clip)) == pytest.approx(
            35
        )  # the television, or as far to the other side
    for told, [clip] in truths(planned, "which"):
        assert azimuth(clip) == pytest.approx(azimuth(clip, of=thing(told, clip)), abs=1e-6)
    for told, [clip] in truths(planned, "mirrored"):
        assert (clip.flipped == clip.swapped) == (told == "they agree")
    for told, [clip] in truths(planned, "room"):
        [place] = [sound.position[:2] for sound in clip.sounds]
        rooms = {re.sub(r" \d+$", "", room.name): room for room in HOME.compiled.rooms
                 if shapely.Polygon(room.polygon).contains(shapely.Point(place))}  # fmt: skip
        assert told.removeprefix("in the ") in rooms
    for told, own in truths(planned, "changed"):
        assert len(own) == 5
        assert own[0] in own[1:]  # one is unchanged
        assert told.startswith("recording")
    for told, [clip] in truths(planned, "offset"):
        said = f"{abs(clip.late)} s {'late' if clip.late > 0 else 'early'}"
        assert told == f"the sound is {said if clip.late else 'in time'}"


def test_pictures_alone_and_sound_alone_tell_nothing(planned):
    """Of what is seen, and of what is heard, there is as much with every answer of a group."""

    def pictures(clip):
        return clip.headings, clip.change, clip.flipped

    def place(clip):
        """Return how far, how high and how far to the side it sounds; not to which."""
        [sound] = clip.sounds
        away = np.linalg.norm(np.array(sound.position[:2]) - clip.path[0])
        return round(float(away), 6), round(sound.position[2], 6), round(abs(azimuth(clip)), 6)

    heard = {
        "premature": lambda clip: clip.sounds,
        "alarm": lambda clip: (azimuth(clip) > 0, place(clip)),
        "which": place,
        "mirrored": lambda clip: (clip.sounds, clip.swapped),
        "offset": lambda clip: "at every time the head turns",
    }
    met = Counter()
    for group in planned:
        if (kind := heard.get(group.questions[0].template)) is None:
            continue
        by_answer = defaultdict(lambda: ([], []))
        for question, [clip] in zip(group.questions, group.clips, strict=True):
            by_answer[question.answer][0].append(repr(pictures(clip)))
            by_answer[question.answer][1].append(repr(kind(clip)))
        for sense in zip(*by_answer.values(), strict=True):
            assert len({tuple(sorted(shown)) for shown in sense}) == 1
        met[group.questions[0].template] += 1
    assert set(met) == set(heard)


def test_ears_never_rest_however_late_they_are(planned):
    for _, [clip] in truths(planned, "offset"):
        _, headings = clip.at(np.linspace(0, 4, 33) - clip.late)
        assert (np.abs(np.diff(headings)[[0, 1, -2, -1]]) > 0).all()


def test_a_picture_in_a_mirror_turns_the_other_way(planned):
    for _, [clip] in truths(planned, "mirrored"):
        _, [heading] = clip.at(np.array([1.0]))
        [turn] = clip.turned(np.array([1.0]))
        assert (turn > 0) == ((heading > clip.headings[0]) != clip.flipped)
        # For at least half of the time the thing is in the picture, which is 90 degrees wide.
        times = np.linspace(0, 4, 33)
        first = np.deg2rad(azimuth(clip)) - (clip.at(times)[1] - clip.headings[0])
        assert np.mean(np.abs(first) < np.pi / 4) >= 0.5


def test_a_home_that_has_lost_its_carpets_is_the_same_but_for_them():
    clip = Clip("apartment", 1.0, ((1, 1), (1, 1)), (0.0,), (), bare=True)
    bare, whole = clips.world_of(clip).spec, HOME.spec
    assert [thing for thing in whole.objects if thing.kind == "rug"]
    assert [thing for thing in whole.objects if thing.kind != "rug"] == list(bare.objects)
    for room, before in zip(bare.rooms, whole.rooms, strict=True):
        assert room.floor == ("laminate" if before.floor.startswith("carpet") else before.floor)


# -- texts -----------------------------------------------------------------------------------------


def test_who_reads_texts_alone_guesses_no_better_than_chance(planned):
    questions = [q for group in planned for q in group.questions]
    for one in check(questions):
        assert one.is_chance, one
        if one.template != "changed":  # of a whole group one is right, whatever is guessed
            assert one.accuracy == pytest.approx(one.chance, abs=0.02)


def test_a_text_that_tells_is_found_out():
    colours = ("red", "A"), ("blue", "B")
    leaky = [
        asked(k, text=f"A {colour} thing number {k}?", answer=letter, split=split)
        for split in ("train", "test")
        for k, (colour, letter) in enumerate(colours * 20)
    ]
    [found] = check(leaky)
    assert found.accuracy == 1
    assert not found.is_chance
    with pytest.raises(ValueError, match="too few questions"):
        guess(leaky[:1], leaky)


def test_a_sound_that_tells_is_found_out(tmp_path):
    rng, questions = np.random.default_rng(0), []
    for k in range(40):
        level, answer = ((0.2, "A"), (0.02, "B"))[k % 2]
        (tmp_path / f"{k}.wav").write_bytes(
            sound_file(level * rng.normal(size=(2, 4000)), 8000, "wav")
        )
        split = "train" if k < 20 else "test"
        questions.append(replace(asked(k, answer=answer, split=split), audio=(f"{k}.wav",)))
    letters = guess_by("sound", questions[:20], questions[20:], tmp_path)
    assert letters == [q.answer for q in questions[20:]]
    for each in (True, False):  # what it takes both senses for, and what sound alone may tell
        fair = [replace(q, senses="both" if each else "ears") for q in questions]
        assert [one.accuracy for one in check_by("sound", fair, tmp_path)] == [1.0] * each
    unfilmed = CliRunner().invoke(questions_group, ["check", "--by", "sound"])
    assert "accepted without a folder: --by text" in str(unfilmed.exception)


# -- films -----------------------------------------------------------------------------------------


def test_a_clip_is_seen_and_heard(small, tmp_path):
    pytest.importorskip("av")
    [clip] = next(plan(seed=3, **small)).clips[0]
    files = clips.film(clip, tmp_path)
    audio, rate = sound_of((tmp_path / files["audio"]).read_bytes())
    assert audio.shape == (2, 4 * rate)
    assert frames_of(tmp_path / files["video"]).shape == (32, 192, 192, 3)
    world, swapped = clips.load_scene(clip.scene), replace(clip, swapped=True)
    assert np.array_equal(clips.heard(swapped, world), clips.heard(clip, world)[::-1])
    assert clip.name != swapped.name
    late = replace(clip.sounds[0], onset=100.0)
    with pytest.raises(ValueError, match="nothing is heard"):
        clips.film(replace(clip, sounds=(late,), is_film=False), tmp_path)


def test_what_is_filmed_at_a_url_stays_and_the_rest_is_written(made, small, monkeypatch):
    folder, questions = made
    store = in_memory(folder)
    rest = {name for name in store.names() if "/" not in name and name != "sample.html"}
    for name in store.names():
        if not name.startswith("media/"):
            store.remove(name)
    monkeypatch.setattr(clips, "heard", None)  # nobody films
    assert making.make(str(store), progress=False, **small) == questions
    for name in rest:
        assert store.read(name) == (folder / name).read_bytes(), name
    assert store.holds("sample.html")


def test_films_of_the_same_pictures_are_the_same_whatever_is_heard(made):
    folder, questions = made
    [one, other] = [q for q in questions if q.group == questions[0].group]
    assert one.audio != other.audio
    shown = [frames_of(folder / q.video[0]) for q in (one, other)]
    np.testing.assert_array_equal(*shown)


def test_late_sound_is_what_was_heard_before(planned):
    told = {t: own[0] for t, own in truths(planned, "offset")}
    late = told["the sound is 0.4 s late"]
    in_time = replace(late, late=0.0)
    _, early = late.at(np.array([1.0 - 0.4]))
    _, now = in_time.at(np.array([1.0 - 0.4]))
    assert early == now  # picture and turns are the same; what differs is when ears are there
    assert late.headings == in_time.headings


def test_a_set_is_written_as_harnesses_read_it(made):
    parquet = pytest.importorskip("pyarrow.parquet")
    folder, questions = made
    assert {q.split for q in questions} == {"train", "val", "test"}
    read = read_questions(folder / "test.jsonl")
    assert read == [q for q in questions if q.split == "test"]
    rows = parquet.read_table(folder / "test.parquet").to_pylist()
    assert [row["id"] for row in rows] == [q.id for q in read]
    audio = rows[0]["audio"][0]
    assert audio["bytes"] == (folder / read[0].audio[0]).read_bytes()
    assert "configs:" in (folder / "README.md").read_text()
    page = (folder / "sample.html").read_text()
    assert page.count("<article>") == 4
    assert f'src="{read[0].video[0]}"' in page or read[0].split not in page


def test_a_set_that_was_stopped_goes_on_and_films_nothing_twice(made, small, monkeypatch):
    folder, questions = made
    (folder / questions[-1].audio[0]).unlink()
    filmed = []
    monkeypatch.setattr(clips, "heard", lambda c, w: filmed.append(c) or np.ones((2, 64000)) / 9)
    again = making.make(folder, progress=False, **small)
    assert again == questions
    assert len(filmed) == 1


def test_what_cannot_be_made_is_refused(tmp_path):
    with pytest.raises(ValueError, match="template is 'sidee'"):
        making.make(tmp_path, 20, only=("sidee",))
    with pytest.raises(ValueError, match="count is 5"):
        making.make(tmp_path, 5)


# -- answers ---------------------------------------------------------------------------------------


def test_the_reference_hears_which_side_it_is_and_deaf_it_guesses(made):
    folder, questions = made
    right = [answer(q, folder) == q.answer for q in questions]
    assert np.mean(right) >= 0.9
    deaf = [answer(q, folder, deaf=True) for q in questions]
    assert deaf == [answer(q, folder, deaf=True) for q in questions]


@pytest.mark.parametrize("first", [60, -60, 0])
@pytest.mark.parametrize("is_swapped", [False, True])
def test_the_reference_hears_exchanged_ears_though_it_begins_turned_away(first, is_swapped):
    """By hand: a noise so many degrees to the left of where the camera looks at first."""
    rng, rate = np.random.default_rng(0), 16000
    turns = np.deg2rad(60 * np.sin(np.arange(33) / 5 - np.arcsin(first / 60)) + first)
    noise, ears = rng.standard_normal(33 * 2000 + 40), []
    for k, turn in enumerate(turns[:-1]):
        side = np.deg2rad(first) - turn
        lag = round(HEAD_RADIUS / SPEED_OF_SOUND * (side + np.sin(side)) * rate)  # Woodworth 1938
        begin = 20 + 2000 * k
        ears.append([noise[begin : begin + 2000], noise[begin - lag : begin - lag + 2000]])
    audio = 0.1 * np.concatenate(ears, axis=1).astype("f4")
    heard = Heard(audio[::-1] if is_swapped else audio, rate, turns)
    told = SOLVERS["mirrored"](None, [heard], None)
    assert told == ("left and right are exchanged" if is_swapped else "they agree")


def test_letters_are_read_as_people_write_them():
    question = asked(0)
    for text in ("B", "b", "B.", "(B)", "B. two", "two", '"B"'):
        assert letter_of(text, question) == "B"
    for text in ("", "C", "Both", "I do not know"):
        assert letter_of(text, question) == ""


def test_short_answers_are_read_as_people_write_them():
    question = replace(asked(0), options=("in the bedroom", "in the bath"), short=("bed", "bath"))
    assert letter_in_words("It is in the Bath.", question) == "B"
    for text in ("", "the kitchen", "bed or bath", "bathroom"):
        assert letter_in_words(text, question) == ""
    counted = replace(question, short=("one", "two"))
    assert letter_in_words("2", counted) == letter_in_words("Two things.", counted) == "B"
    nested = replace(question, short=("table", "coffee table"))
    assert letter_in_words("the coffee table", nested) == "B"
    assert letter_in_words("the table", nested) == "A"


def test_short_forms_are_of_the_options(planned):
    met = {q.template for group in planned for q in group.questions if q.short}
    assert met == {"side", "nearer", "count", "room", "which"}
    for question in (q for group in planned for q in group.questions if q.short):
        told = question.short["ABCDE".index(question.answer)]
        assert told in question.options["ABCDE".index(question.answer)]
        assert letter_in_words(told, question) == question.answer
        assert "A." not in question.open_text


def test_answers_of_a_file_are_scored_with_intervals(tmp_path):
    questions = [asked(k) for k in range(4)]
    path = tmp_path / "mine.jsonl"
    lines = [{"id": q.id, "answer": "A" if k else "dunno"} for k, q in enumerate(questions)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    shown = table(questions, read_answers(path, questions), "mine")
    # Wilson's interval of 3 of 4: by hand, (0.75 + z²/8 ± ...) / (1 + z²/4) with z = 1.96.
    assert "| all | 4 | 0.75 [0.30, 0.95] | 0.50 |" in shown
    assert "1 have no answer of use" in shown
    path.write_text(json.dumps(lines[1]) * 2)
    with pytest.raises(ValueError, match="line 1 is no JSON"):
        read_answers(path, questions)
    path.write_text(json.dumps({"id": "another", "answer": "A"}))
    with pytest.raises(ValueError, match="was not asked"):
        read_answers(path, questions)
    path.write_text("\n".join([json.dumps(lines[1])] * 2))
    with pytest.raises(ValueError, match="again"):
        read_answers(path, questions)


def test_a_model_is_asked_and_what_it_answered_is_not_asked_again(made, tmp_path):
    folder, questions = made
    own = [q for q in questions if q.split == "train"][:3]

    def script(number, body, headers):
        if number == 1:
            return saying("I would rather not say.")
        return calling(tool="answer", letter="B")

    with chat_server(script) as server:
        omni = Omni().configured(
            {"model": "m", "base_url": server.url, "price_in": 1.0, "concurrency": 1}
        )
        answers, ledger = ask(own, folder, tmp_path, omni)
        again, _ = ask(own, folder, tmp_path, omni)
        assert len(server.asked) == 3
    assert answers == again == {own[0].id: "B", own[1].id: "", own[2].id: "B"}
    assert ledger.counts["cost"] == pytest.approx(3 * 100 / 1e6)
    kinds = [part["type"] for part in server.asked[0]["messages"][1]["content"]]
    assert kinds == ["text"] + 6 * ["image_url"] + ["input_audio"]


def test_a_model_and_its_controls_are_scored_by_one_command(made):
    folder, _ = made
    command = ["score", str(folder), "--split", "val", "--model", "a/b", "--controls"]
    with chat_server(lambda *_: calling(tool="answer", letter="A")) as server:
        command += ["--base-url", server.url, "--tries", "1", "--price-in", "1"]
        shown = CliRunner().invoke(questions_group, command)
        assert shown.exit_code == 0, shown.output
        asked = len(server.asked)
        again = CliRunner().invoke(questions_group, command)
        assert again.stdout == shown.stdout
        assert len(server.asked) == asked
    own = read_questions(folder / "val.jsonl")
    assert asked == 4 * len(own)  # as it is, deaf, blind, and by text alone
    assert f"| all | {len(own)} | 0.50" in shown.output
    kept = folder / "answers" / "a-b-val-without-nothing.jsonl"
    scored = ["score", str(folder), "--split", "val", "--answers", str(kept)]
    assert f"| all | {len(own)} | 0.50" in CliRunner().invoke(questions_group, scored).output


def test_a_model_may_answer_in_words(made, tmp_path):
    folder, questions = made
    own = [replace(q, short=("up", "down")) for q in questions[:2]]
    with chat_server(lambda n, *_: saying("Down." if n else "I cannot tell.")) as server:
        omni = Omni().configured({"model": "m", "base_url": server.url, "concurrency": 1})
        answers, _ = ask(own, folder, tmp_path, omni, lacking="both", short=True)
    assert answers == {own[0].id: "", own[1].id: "B"}
    assert "tools" not in server.asked[0]
    [told] = server.asked[0]["messages"][1]["content"]
    assert told["text"] == f"{own[0].question}\nAnswer in a word or two."


def test_controls_are_sent_less(made):
    folder, questions = made
    sent = {
        lacking: [type(part).__name__ for part in parts_of(questions[0], folder, lacking)]
        for lacking in ("sound", "pictures", "both")
    }
    assert set(sent["sound"]) == {"Text", "Picture"}
    assert sent["pictures"] == ["Text", "Sound"]
    assert sent["both"] == ["Text"]
    [*_, drawn] = parts_of(questions[0], folder, view=read_view("silent"))
    assert picture_of(drawn.content).shape[0] == 2 * 257 + 2  # both ears, a spectrogram each
    [_, packed] = parts_of(questions[0], folder, view=View(frames=0, sound="mp3"))
    assert sound_of(packed.content)[0].shape[0] == 2
    with pytest.raises(ValueError, match="lacking is 'ears'"):
        parts_of(questions[0], folder, "ears")


def test_the_command_line_scores(made):
    folder, _ = made
    shown = CliRunner().invoke(
        questions_group, ["score", str(folder), "--split", "train", "--by", "reference"]
    )
    assert shown.exit_code == 0, shown.output
    assert "| spatial | 6 |" in shown.output
    whole = CliRunner().invoke(
        questions_group, ["score", str(folder), "--split", "all", "--by", "reference", "--controls"]
    )
    assert whole.exit_code == 0, whole.output
    head, _, everything, *_ = whole.output.splitlines()
    assert head == ("| reference | questions | right, 95 % | chance | deaf | blind | text alone |")
    right, _, deaf, blind, text = everything.split(" | ")[2:]
    assert float(right.split()[0]) >= 0.9
    assert blind == right  # it takes no eyes to hear from which side it comes
    assert text.startswith("0.50")  # of a group one in two is right, whatever is guessed
    assert float(deaf.split()[0]) < float(right.split()[0])
    lacking = ["score", str(folder), "--by", "reference", "--controls", "--lacking", "sound"]
    assert "lack nothing" in str(CliRunner().invoke(questions_group, lacking).exception)
    untaught = CliRunner().invoke(
        questions_group, ["score", str(folder), "--split", "all", "--by", "text"]
    )
    assert "learned those of train" in str(untaught.exception)
    checked = CliRunner().invoke(questions_group, ["check", str(folder)])
    assert "| louder |" in checked.output
    neither = CliRunner().invoke(questions_group, ["score", str(folder)])
    assert "--answers, --by and --model" in str(neither.exception)

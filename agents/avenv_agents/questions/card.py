"""The data card that comes with a set of questions."""

from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version

from avenv.core.store import Store
from avenv_agents.questions.question import SPLITS, Question
from avenv_agents.questions.stage import KINDS

CARD = """---
license: mit
task_categories: [visual-question-answering, audio-classification]
tags: [spatial-audio, binaural, embodied]
configs:
- config_name: default
  data_files:
{files}
---

# Spatial audio-visual questions

{total} multiple-choice questions about {homes} homes that nobody built: what a camera saw and
two ears heard for four seconds. Pictures, light and room acoustics are computed by `avenv`
{avenv}, with seed {seed}; nothing was recorded, and no person is seen or heard. Answers are
true by construction, for the scene was set so that they are.

| axis | template | questions | chance |
|---|---|---|---|
{table}

**Balance.** Questions come in groups (`group`): one home and place, one text with one order of
its options, and as many clips for each answer. So a text says nothing about its answer, and
neither does what the clips of a group share. Where `senses` is `both`, the pictures alone and
the sound alone say nothing either. A group is in one split. `avenv questions check DIR` lets
classifiers of texts, of sounds and of pictures try. `short` has the options in a word or two, for
answers without them.

**Splits.** Homes of one split are in no other, and neither are the kinds of sound ({sounds});
but the smoke alarm of `alarm` and the bell of `premature` are of one kind in all. `level` is
`easy` or `hard`: how near things are, how far apart, how long a way.

**Files.** `SPLIT.parquet` has the media inside, in the columns `audio` and `video`, lists of
`bytes` and `path`; `SPLIT.jsonl` names them in `media/`. WAV is stereo, 16 kHz, 16 bit, left
ear first, of one gain throughout, so that levels tell distances; MP4 is H.264 with the same
sound as AAC, which blurs what ears need: take the WAV. `odometry` is how many degrees the
camera has turned to its left, every eighth of a second, as a body would know it.

**Limits.** All heads are one dummy head (KEMAR), things are plain, homes are procedural: who is
good at this may not be in a real room. {left_out} groups were left out, because a head or a
source would have been inside something, or nothing was heard.
"""


def write_card(store: Store, questions: Sequence[Question], seed: int, left_out: int) -> None:
    """Write ``README.md``."""
    counts = Counter((q.axis, q.template, round(q.chance, 3)) for q in questions)
    rows = [f"| {a} | {t} | {n} | {c} |" for (a, t, c), n in counts.items()]
    files = [f"  - split: {s}\n    path: {s}.parquet" for s in SPLITS]
    sounds = "; ".join(f"{split}: {', '.join(kinds)}" for split, kinds in KINDS.items())
    text = CARD.format(
        files="\n".join(files), total=len(questions), homes=len({q.home for q in questions}),
        avenv=version("avenv"), seed=seed, table="\n".join(rows), sounds=sounds, left_out=left_out,
    )  # fmt: skip
    with store.write("README.md") as draft:
        draft.write_text(text, encoding="utf-8")

"""Episodes made ready in the background: the same ones whatever the timing, and nobody hangs."""

import copy
import gc
import multiprocessing
import sys
import threading
import time

import numpy as np
import pytest
from support import task_options, two_rooms

from avenv.core import background, parallel
from avenv.core.errors import SceneError
from avenv.envs.batch import Batch
from avenv.simulation import loading
from avenv.simulation.homes import HomeStore
from avenv.simulation.world import World
from avenv.tasks.actions import FORWARD
from avenv.tasks.audiogoal import AudioGoal
from avenv.tasks.registry import TASKS
from avenv.tasks.task import samples_ahead

QUICK = {"rays": 64, "mirror_rays": 256, "max_time": 0.1}
OPTIONS = {
    "sensors": ("audio",), "sample_rate": 8000, "propagation": QUICK, "min_distance": 1.0,
    "episodes_per_scene": 2,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _two_threads():
    parallel.set_num_threads(2)
    yield
    parallel.set_num_threads(None)


@pytest.fixture(scope="module")
def scenes():
    return [World(two_rooms()), World(two_rooms(absorption=0.3)), World(two_rooms(door=1.4))]


def batch_of(scenes, num_envs=2, **options):
    batch = Batch("AudioGoal", num_envs, scenes=scenes, **{**OPTIONS, **options})
    for row in range(num_envs):
        batch.seed(row, 3 + row)
    return batch


def episodes(batch, count, pause=lambda: None):
    """Return the episodes that rows begin one after another, and the first sound of each."""
    found = []
    for k in range(count):
        rows = range(batch.num_envs) if k % 3 else [k % batch.num_envs]
        batch.reset(rows)
        found += [batch.task.episodes[row] for row in rows]
        found.append([batch.observe()["audio"][row].tobytes() for row in rows])
        pause()
    return found


def wait_until_idle():
    while True:
        with background._idle:
            if not background._queue:
                return
        time.sleep(0.005)


def test_episodes_are_the_same_whether_or_not_they_were_made_ready(scenes):
    never = episodes(batch_of(scenes, ahead=False), 8)
    always = episodes(batch_of(scenes), 8, wait_until_idle)
    assert always == never
    assert episodes(batch_of(scenes), 8) == never


@pytest.mark.parametrize("task", [name for name in TASKS if "avenv." in str(TASKS[name].task)])
def test_drafts_of_every_task_begin_as_if_there_were_none(task):
    """Its episodes, and what is felt and told after a step of each, bit for bit."""
    found = []
    for ahead in (False, True):
        batch = Batch(task, scenes=task_options(task)["scenes"], sensors=("pose",), ahead=ahead)
        batch.seed(0, 5)
        for _ in range(3):  # the third is the first that has a draft
            batch.reset([0])
            wait_until_idle()
            found.append(batch.task.episodes[0])
            batch.step(np.full(1, FORWARD), np.ones(1, bool))
            found += [batch.observe()["pose"].tobytes(), repr(batch.info())]
        assert bool(batch._ahead._jobs[0]) is ahead
        batch.close()
    assert found[:9] == found[9:]


def test_what_was_made_ready_is_what_begins(scenes, monkeypatch):
    batch = batch_of(scenes, num_envs=1)
    batch.reset([0])
    batch.reset([0])
    wait_until_idle()
    monkeypatch.setattr(batch.task, "sample", None)  # nobody samples in the foreground
    before = batch.task.episodes[0]
    batch.reset([0])
    batch.reset([0])
    assert batch.task.episodes[0] != before


def test_who_seeds_every_episode_has_none_made_ready(scenes):
    batch = batch_of(scenes, num_envs=2)
    for k in range(3):
        for row in range(2):
            batch.seed(row, k)
        batch.reset([0, 1])
        assert not any(batch._ahead._jobs)
    batch.reset([0, 1])
    assert all(batch._ahead._jobs)


def test_a_stream_that_somebody_else_draws_from_gives_what_it_then_gives(scenes):
    found = []
    for ahead in (True, False):
        batch = batch_of(scenes, num_envs=1, ahead=ahead)
        batch.reset([0])
        batch.reset([0])
        wait_until_idle()
        batch.draws_from(0).random()
        batch.reset([0])
        found.append(batch.task.episodes[0])
        batch.seed(0, 3)
        batch.reset([0])
        found.append(batch.task.episodes[0])
    assert found[:2] == found[2:]


def test_an_error_in_the_background_is_raised_when_its_turn_comes(scenes, monkeypatch):
    batch = batch_of(scenes, num_envs=1)
    batch.reset([0])
    sample = batch.task.sample
    calls = []

    def fails(*arguments):
        calls.append(threading.current_thread() is threading.main_thread())
        if len(calls) == 1:
            return sample(*arguments)
        raise SceneError("no room")

    monkeypatch.setattr(batch.task, "sample", fails)
    batch.reset([0])
    wait_until_idle()
    assert calls == [True, False]
    with pytest.raises(SceneError, match="no room"):
        batch.reset([0])


def test_rows_that_begin_together_are_shared_out_and_begin_as_if_they_were_not(scenes, monkeypatch):
    alone = batch_of(scenes, num_envs=6, ahead=False)
    alone.reset(range(6))
    batch = batch_of(scenes, num_envs=6)
    both, drew, sample = threading.Barrier(2), [], batch.task.sample

    def together(*arguments):
        if (me := threading.current_thread().name) not in drew:
            both.wait(10)  # neither goes on before the other has begun
        drew.append(me)
        return sample(*arguments)

    monkeypatch.setattr(batch.task, "sample", together)
    batch.reset(range(6))
    assert batch.task.episodes == alone.task.episodes
    assert len(drew) == 6
    assert set(drew) == {"avenv-background", threading.current_thread().name}
    np.testing.assert_array_equal(batch.observe()["audio"], alone.observe()["audio"])
    assert not any(batch._ahead._jobs)  # who looks once and goes wants no more


def test_where_one_of_many_rows_fails_the_others_are_where_they_would_be_alone(scenes, monkeypatch):
    def reset(batch):
        batch.reset(range(4))
        return [batch.task.episodes[row] for row in range(4)]

    first = reset(batch_of(scenes, num_envs=4, ahead=False))
    found = []
    for ahead in (False, True):
        batch = batch_of(scenes, num_envs=4, ahead=ahead)
        sample = batch.task.sample

        def fails(rng, world, sample=sample):
            if (episode := sample(rng, world)) == first[2]:
                raise SceneError("no room")
            return episode

        monkeypatch.setattr(batch.task, "sample", fails)
        with pytest.raises(SceneError, match="no room"):
            batch.reset(range(4))
        found.append(reset(batch))
    assert found[0] == found[1]
    assert [a == b for a, b in zip(found[0], first, strict=True)] == [False, False, False, True]


def test_homes_that_cannot_be_made_are_passed_over_whoever_comes_across_them(monkeypatch):
    failed_in, found, passed_over = set(), [], []

    def make(split, number):
        if number == 1:
            failed_in.add(threading.current_thread().name)
            raise SceneError("no room for a kitchen")
        world = two_rooms(absorption=0.2 + number / 10)
        return World(world, reference=f"homes:{split}/{number}")

    for ahead in (False, True):
        monkeypatch.setattr(loading, "HOMES", HomeStore(make, 2**28))
        batch = batch_of("homes:train/0-2", ahead=ahead, episodes_per_scene=1)
        found.append(episodes(batch, 8, wait_until_idle))
        passed_over.append(batch.setting()["passed_over"].tolist())
        batch.close()
    assert found[0] == found[1]
    assert passed_over[0] == passed_over[1]
    assert max(passed_over[0]) > 0
    assert "avenv-background" in failed_in
    with pytest.raises(SceneError, match="no room for a kitchen"):
        batch_of("homes:train/1").reset([0])


def test_a_closed_batch_makes_nothing_ready(scenes, monkeypatch):
    batch = batch_of(scenes, num_envs=1)
    batch.reset([0])
    begun, go = threading.Event(), threading.Event()
    sample = batch.task.sample

    def slowly(*arguments):
        if threading.current_thread() is not threading.main_thread():
            begun.set()
            go.wait(10)
        return sample(*arguments)

    monkeypatch.setattr(batch.task, "sample", slowly)
    batch.reset([0])
    assert begun.wait(10)
    threading.Timer(0.1, go.set).start()
    batch.close()
    assert go.is_set()  # what was in hand has been waited for
    monkeypatch.setattr(batch.task, "sample", sample)
    assert not background._queue
    batch.reset([0])
    assert not background._queue


def test_a_batch_that_is_forgotten_is_not_worked_for(scenes):
    gate = threading.Event()
    background.submit(lambda: gate.wait(10), urgency=-1)
    batch = batch_of(scenes, num_envs=1)
    batch.reset([0])
    batch.reset([0])
    drawn = []
    batch._ahead._draw = drawn.append
    del batch
    gc.collect()
    gate.set()
    wait_until_idle()
    assert drawn == []


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_a_fork_in_the_middle_hangs_nobody(scenes):
    alone = batch_of(scenes, num_envs=1, ahead=False)
    expected = [(alone.reset([0]), alone.task.episodes[0])[1] for _ in range(5)]
    batch = batch_of(scenes, num_envs=1)
    for _ in range(3):
        batch.reset([0])  # leaves drafts in hand
    found = multiprocessing.get_context("fork").Queue()

    def in_child():
        for _ in range(2):
            batch.reset([0])
            found.put(batch.task.episodes[0])

    child = multiprocessing.get_context("fork").Process(target=in_child)
    child.start()
    assert [found.get(timeout=60) for _ in range(2)] == expected[3:]
    child.join(60)
    assert child.exitcode == 0
    for episode in expected[3:]:
        batch.reset([0])
        assert batch.task.episodes[0] == episode


def test_one_thread_works_nothing_ahead(scenes):
    parallel.set_num_threads(1)
    batch = batch_of(scenes, num_envs=1)
    batch.reset([0])
    batch.reset([0])
    assert not batch._ahead._jobs[0]


def test_who_defines_how_to_sample_says_whether_that_may_be_done_ahead(scenes):
    class Counting(AudioGoal):
        def sample(self, rng, world):
            return super().sample(rng, world)

    class Renamed(AudioGoal):
        pass

    simulator = batch_of(scenes).simulator
    options = AudioGoal.Options(min_distance=1.0)
    assert samples_ahead(AudioGoal(simulator, options))
    assert samples_ahead(Renamed(simulator, options))
    assert not samples_ahead(Counting(simulator, options))


def test_jobs_are_done_by_urgency_and_can_be_dropped():
    done, gate = [], threading.Event()
    first = background.submit(lambda: gate.wait(10), urgency=-1)
    time.sleep(0.01)
    jobs = [background.submit(lambda k=k: done.append(k) or k, urgency=k) for k in (3, 1, 2)]
    jobs[0].drop()
    gate.set()
    assert first.take() is True
    wait_until_idle()
    assert done == [1, 2]
    assert jobs[1].take() == 1
    assert jobs[0].take() is None


def test_who_is_interrupted_at_a_job_does_not_wait_for_it():
    def interrupted():
        raise KeyboardInterrupt

    job = background.Job(interrupted)
    with pytest.raises(KeyboardInterrupt):
        job.do()
    assert job.take() is None


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_nobody_waits_for_a_job_that_stayed_behind_a_fork():
    begun, go = threading.Event(), threading.Event()
    job = background.Job(lambda: begun.set() or go.wait(60))
    worker = threading.Thread(target=job.do)
    worker.start()
    assert begun.wait(10)
    found = multiprocessing.get_context("fork").SimpleQueue()
    child = multiprocessing.get_context("fork").Process(target=lambda: found.put(job.take()))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert found.get() is None
    go.set()
    worker.join()
    assert job.take() is True


def test_threads_take_short_turns_while_a_job_runs_and_then_those_of_before():
    before, found = sys.getswitchinterval(), []
    background.submit(lambda: found.append(sys.getswitchinterval()))
    wait_until_idle()
    assert found == pytest.approx([background.TURN])
    assert sys.getswitchinterval() == before
    background.submit(lambda: sys.setswitchinterval(0.004))  # of somebody else's choice
    wait_until_idle()
    assert sys.getswitchinterval() == pytest.approx(0.004)
    sys.setswitchinterval(before)


def test_drafts_do_not_travel_and_copies_go_on_alike(scenes):
    batch = batch_of(scenes, num_envs=1)
    batch.reset([0])
    batch.reset([0])
    other = copy.deepcopy(batch)
    assert other._ahead._draw.__self__ is other
    for one in (batch, other):
        one.reset([0])
    assert batch.task.episodes[0] == other.task.episodes[0]
    np.testing.assert_array_equal(batch.observe()["audio"], other.observe()["audio"])

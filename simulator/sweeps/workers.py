"""Who simulates the points: this process, processes of this machine, or a Dask cluster.

A lane is one worker process, in an executor of its own: when it dies or takes too long, it is known which
point it was at, and nobody else loses anything.
"""

import logging
import math
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from typing import Any

from hw_models.errors import ConfigError, StuckError

Task = tuple[str, dict[str, Any]]  # a config's digest, and the resolved config
Answer = dict[str, Any]
Run = Callable[[Iterable[Task]], Iterator[tuple[str, Answer]]]  # answers as they come
TRIES = 3  # of a point whose process dies
LOOK_S = 1.0  # between two looks at whether a worker has begun its point
PATIENCE_S = 30  # for the first worker of a Dask scheduler
PRELOAD = ["simulator.single", "simulator.simulate"]  # imported once, before workers are forked off


def simulate_point(config: dict[str, Any]) -> Answer:
    """Return {"summary": ...} of a resolved config, or {"error": ...} when it cannot be run."""
    from simulator.single import run_one

    try:
        return {"summary": run_one(config).summary}
    except (ConfigError, StuckError) as error:
        return {"error": " ".join(str(error).split())}
    except Exception:
        return {"error": " ".join(traceback.format_exc(limit=-1).split())}


def prepare_point(config: dict[str, Any]) -> None:
    """Load, or compile, what a resolved config runs on, so that no point's time limit pays for it."""
    from simulator.config.model import load
    from simulator.simulate import compile_kernels

    with suppress(Exception):  # told when the point is run
        compile_kernels(load(config))


@contextmanager
def pool(
    workers: int,
    scheduler: str | None = None,
    point_timeout_s: float | None = None,
    function: Callable[[dict[str, Any]], Answer] | None = None,
) -> Iterator[Run]:
    """Yield what runs configs by ``function``, `simulate_point` if absent; ``workers`` 0: in this process.

    Raises ConfigError for a time limit where nobody can end a point.
    """
    if workers < 0:
        raise ConfigError(
            f"found {workers}; write 1 or more, or 0 for none beside this process", key="workers"
        )
    work = function or simulate_point
    if point_timeout_s is not None and (scheduler is not None or workers == 0):
        message = "goes with processes of this machine alone, which can be ended; write workers: 1 or more"
        raise ConfigError(message, key="--point-timeout")
    if scheduler is not None:
        with _dask(scheduler, work) as run:
            yield run
    elif workers == 0:
        yield lambda tasks: ((key, work(config)) for key, config in tasks)
    else:
        prepare = prepare_point if function is None or point_timeout_s is not None else None
        lanes = [Lane(work, prepare) for _ in range(workers)]
        try:
            yield lambda tasks: _in_lanes(lanes, iter(tasks), point_timeout_s)
        finally:
            for lane in lanes:
                lane.stop()


class Lane:
    """One worker process and the point that it is at; ``prepare`` is called before its first one."""

    def __init__(
        self,
        function: Callable[[dict[str, Any]], Answer],
        prepare: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.function, self.prepare = function, prepare
        self.prepared: set[frozenset[str]] = set()  # parts that systems were made of
        self.executor: ProcessPoolExecutor | None = None
        self.called: tuple[ProcessPoolExecutor, Future[int]] | None = None  # a process on its way
        self.pid = 0
        self.task: Task | None = None
        self.loading: Future[None] | None = None  # what the point runs on, if it is not there yet
        self.future: Future[Answer] | None = None
        self.tries = 0
        self.started_s = math.inf  # not yet
        self.timed_out = False

    def start(self, task: Task) -> None:
        """Give the process a point; a process that died is replaced."""
        if self.executor is None:
            self._open()
        assert self.executor is not None
        self.task, self.started_s, self.timed_out = task, math.inf, False
        self.tries += 1
        if self.prepare is None or (parts := _parts(task[1])) in self.prepared:
            self.begin()
        else:
            self.prepared.add(parts)
            self.loading = self.executor.submit(self.prepare, task[1])
            self.loading.add_done_callback(self.begin)
        self.future = self.executor.submit(self.function, task[1])

    def begin(self, _prepared: object = None) -> None:
        """Let the time of the point run."""
        self.started_s = time.monotonic()

    def call(self) -> None:
        """Have the process started, and wait for nothing."""
        if self.executor is None and self.called is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(PRELOAD)
            executor = ProcessPoolExecutor(1, mp_context=context, initializer=serve)
            self.called = executor, executor.submit(os.getpid)

    def _open(self) -> None:
        """Start the process; one that dies on the way is tried again. Raises ConfigError."""
        for _ in range(TRIES):
            self.call()
            assert self.called is not None
            (executor, pid), self.called = self.called, None
            try:
                self.pid = pid.result()
            except BrokenProcessPool:
                executor.shutdown(wait=True)
                continue
            self.executor = executor
            return
        raise ConfigError(f"a worker process died as it started, {TRIES} times", key="--workers")

    def answer(self) -> Answer | None:
        """Return what the process said of its point, None if it died and the point is to be tried again."""
        assert self.future is not None
        try:
            answer = self.future.result()
        except BrokenProcessPool:
            self.stop()
            if not self.timed_out and self.tries < TRIES:
                return None
            died = f"its process died, {TRIES} times; out of memory?"
            answer = {"error": "took longer than --point-timeout" if self.timed_out else died}
        self.tries = 0
        return answer

    def kill(self) -> None:
        """End the process for taking too long."""
        self.timed_out = True
        os.kill(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        if self.called is not None:
            self.called[0].shutdown(wait=True, cancel_futures=True)
            self.called = None
        if self.executor is not None:
            if self.future is not None and not self.future.done():
                os.kill(self.pid, signal.SIGTERM)
            self.executor.shutdown(wait=True, cancel_futures=True)
            self.executor = None
            self.prepared.clear()


def _parts(config: dict[str, Any]) -> frozenset[str]:
    """Return what a system is made of: it says which kernels its simulation needs."""
    return frozenset(name for name, part in (config.get("system") or {}).items() if part)


def serve() -> None:
    """Set up a worker: whoever started it ends it, and it ends with whoever started it.

    What a point needs is imported here if it was not before, so that no point's time limit pays for it.
    """
    import simulator.simulate
    import simulator.single  # noqa: F401

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _in_lanes(
    lanes: list[Lane], tasks: Iterator[Task], timeout_s: float | None
) -> Iterator[tuple[str, Answer]]:
    """Yield answers as they come. One lane loads, or compiles, what the first point runs on; all others wait.

    Meanwhile their processes start.
    """
    busy: dict[Future[Any], Lane] = {}
    idle, begun = list(reversed(lanes)), False
    while True:
        while idle and (begun or not busy) and (task := next(tasks, None)) is not None:
            lane = idle.pop()
            lane.start(task)
            assert lane.future is not None
            busy[lane.future] = lane
            if not begun:
                for other in idle:
                    other.call()
        if not busy:
            return
        first = () if begun else (lane.loading for lane in busy.values() if lane.loading is not None)
        patience_s = _patience_s(busy.values(), timeout_s)
        done = wait({*busy, *first}, timeout=patience_s, return_when=FIRST_COMPLETED).done
        begun = begun or bool(done)
        for future in done & busy.keys():
            lane = busy.pop(future)
            assert lane.task is not None
            answer = lane.answer()
            if answer is None:
                lane.start(lane.task)
                assert lane.future is not None
                busy[lane.future] = lane
                continue
            idle.append(lane)
            yield lane.task[0], answer
        for lane in busy.values():
            late = timeout_s is not None and time.monotonic() - lane.started_s > timeout_s
            if late and not lane.timed_out:
                lane.kill()


def _patience_s(lanes: Iterable[Lane], timeout_s: float | None) -> float | None:
    """Return how long to wait until the next point may have taken too long, or may have begun."""
    if timeout_s is None:
        return None
    first_s = min(lane.started_s for lane in lanes)
    return min(timeout_s, LOOK_S) if math.isinf(first_s) else max(0.1, first_s + timeout_s - time.monotonic())


@contextmanager
def _dask(scheduler: str, work: Callable[[dict[str, Any]], Answer]) -> Iterator[Run]:
    try:
        from dask.distributed import Client, as_completed
    except ImportError:
        raise ConfigError("dask is not installed; pip install 'dlasim[sweep]'", key="--scheduler") from None
    logging.getLogger("distributed").setLevel(logging.ERROR)  # a slow worker's end is no news
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{scheduler!r} does not answer ({error})", key="--scheduler") from None

    def run(tasks: Iterable[Task]) -> Iterator[tuple[str, Answer]]:
        try:
            client.wait_for_workers(1, timeout=PATIENCE_S)
        except TimeoutError:
            message = f"{scheduler!r} has no workers after {PATIENCE_S} s; start one: dask worker {scheduler}"
            raise ConfigError(message, key="--scheduler") from None
        keys: dict[Any, str] = {}
        waiting = as_completed()
        coming = iter(tasks)
        room = 2 * sum(client.nthreads().values())
        for count, (key, config) in enumerate(coming, 1):
            future = client.submit(work, config, pure=False, retries=TRIES - 1)
            keys[future] = key
            waiting.add(future)
            if count >= room:
                break
        for future in waiting:
            key = keys.pop(future)
            failed = future.exception()
            yield key, {"error": f"its worker died: {failed}"} if failed else future.result()
            if (task := next(coming, None)) is not None:
                more = client.submit(work, task[1], pure=False, retries=TRIES - 1)
                keys[more] = task[0]
                waiting.add(more)

    try:
        yield run
    finally:
        client.close()

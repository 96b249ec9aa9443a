"""Who simulates the points: this process, processes of this machine, or a Dask cluster."""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hw_models.errors import ConfigError, StuckError

Run = Callable[[list[dict[str, Any]]], Iterator[dict[str, Any]]]  # configs -> answers, in their order


def simulate_point(config: dict[str, Any]) -> dict[str, Any]:
    """Return {"summary": ...} of a resolved config, or {"error": ...} when it cannot be run."""
    import simulator

    try:
        return {"summary": simulator.run(config).summary}
    except (ConfigError, StuckError) as error:
        return {"error": " ".join(str(error).split())}
    except Exception:
        return {"error": " ".join(traceback.format_exc(limit=-1).split())}


@contextmanager
def pool(workers: int, scheduler: str | None) -> Iterator[Run]:
    """Yield the function that simulates configs."""
    if workers == 1 and scheduler is None:
        yield lambda configs: map(simulate_point, configs)
        return
    try:
        from dask.distributed import Client, LocalCluster
    except ImportError:
        raise ConfigError("dask is not installed; pip install 'dlasim[sweep]'", key="--workers") from None
    logging.getLogger("distributed").setLevel(logging.ERROR)  # a slow worker's end is no news
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=10)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{scheduler!r} does not answer ({error})", key="--scheduler") from None
    else:
        cluster = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
        client = Client(cluster)
    try:
        yield lambda configs: _in_order(client, configs)
    finally:
        client.close()
        if scheduler is None:
            cluster.close()


def _in_order(client: Any, configs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the answers in order. The first point runs alone: it compiles what all others then load."""
    for part in (configs[:1], configs[1:]):
        futures = [client.submit(simulate_point, config, pure=False) for config in part]
        for future in futures:
            yield future.result()

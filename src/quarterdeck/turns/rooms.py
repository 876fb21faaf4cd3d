"""What running a turn needs of the floors below."""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.accounts.spending import Spending
from quarterdeck.context.calibration import Calibration
from quarterdeck.context.recalled import Recaller
from quarterdeck.context.summarise import Summariser
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import Database
from quarterdeck.store.search_queue import IndexQueue
from quarterdeck.tools.toolbox import Toolbox
from quarterdeck.turns.ticker import Ticker


class Rooms(Struct, frozen=True):
    """`is_log_here`: the log is on this machine, and loses nothing while that runs."""

    database: Database
    index_queue: IndexQueue
    registry: Registry
    ticker: Ticker
    spending: Spending
    calibration: Calibration
    summariser: Summariser
    toolbox: Toolbox
    recaller: Recaller | None = None
    is_log_here: bool = False

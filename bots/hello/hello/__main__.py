"""`python -m hello`"""

import signal
import sys
from types import FrameType


def stop_early(_signal: int, _frame: FrameType | None) -> None:
    """Ends a bot that is told to stop before its server listens to signals.

    The first process of a container ignores SIGTERM unless it says otherwise.
    """
    sys.exit(0)


signal.signal(signal.SIGTERM, stop_early)

from hello.main import main  # noqa: E402  (loading takes a second, in which a signal may come)

sys.exit(main())

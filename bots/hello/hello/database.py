"""The connection to Postgres, and what the bot asks of it."""

import asyncio
import logging

from sqlalchemy import Integer, cast, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hello.models import Base, Person

log = logging.getLogger(__name__)

# What a database that is down, starting or full throws, at connecting and later.
UNREACHABLE = (SQLAlchemyError, OSError, TimeoutError)


class DatabaseMissing(Exception):
    """The database didn't come within the time that the bot waits for it."""


def connect(url: str) -> AsyncEngine:
    """An engine with two connections at most.

    The role has five by default, and during a release two containers share them. A dead connection, as after a
    restart of Postgres, is noticed before it is used.
    """
    return create_async_engine(
        url,
        pool_size=2,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={"timeout": 5},
    )


async def prepare(engine: AsyncEngine, patience: float = 60) -> None:
    """Creates the tables that are missing; waits up to `patience` seconds for a database that isn't there yet.

    Two releases may start at the same moment; the one that comes second finds the table at its next try.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    delay = 0.5
    while True:
        try:
            async with engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)
            return
        except UNREACHABLE as error:
            if loop.time() + delay > deadline:
                raise DatabaseMissing(f"no database after {patience:g} s ({type(error).__name__})") from error
            log.warning("The database is not ready (%s); next try in %g s", type(error).__name__, delay)
        await asyncio.sleep(delay)
        delay = min(delay * 2, 5)


async def is_well(engine: AsyncEngine) -> bool:
    """Whether the database answers within three seconds."""
    try:
        async with asyncio.timeout(3), engine.connect() as connection:
            await connection.execute(select(1))
    except UNREACHABLE as error:
        log.warning("The database does not answer (%s)", type(error).__name__)
        return False
    return True


async def count_message(engine: AsyncEngine, person: int, update: int) -> int:
    """Counts a message and gives the person's sum, in one statement.

    Telegram sends an update again if the bot's answer got lost, always before the next one of the same chat. So an
    update with the number of the last one is counted already.
    """
    new = insert(Person).values(id=person, messages=1, last_update=update)
    is_new = cast(Person.last_update.is_distinct_from(new.excluded.last_update), Integer)
    statement = new.on_conflict_do_update(
        index_elements=[Person.id],
        set_={"messages": Person.messages + is_new, "last_update": new.excluded.last_update},
    ).returning(Person.messages)
    async with engine.begin() as connection:
        return (await connection.execute(statement)).scalar_one()

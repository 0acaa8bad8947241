"""The tables."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All tables of the bot."""


class Person(Base):
    """Somebody who wrote to the bot."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Telegram's id of the user; it has up to 52 bits."""
    messages: Mapped[int] = mapped_column(BigInteger)
    """How many messages came from this person."""
    last_update: Mapped[int] = mapped_column(BigInteger)
    """The update that was counted last."""

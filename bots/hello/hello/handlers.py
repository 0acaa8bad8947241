"""What the bot does with messages."""

import logging

from aiogram import F, Router
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.filters import ExceptionTypeFilter
from aiogram.types import ErrorEvent, Message, Update, User
from sqlalchemy.ext.asyncio import AsyncEngine

from hello.database import count_message

log = logging.getLogger(__name__)


def create_router() -> Router:
    """The routes of the bot. A router belongs to one dispatcher, so each gets its own."""
    router = Router(name="hello")
    router.message.register(greet, F.chat.type == "private", F.from_user.as_("person"))
    router.errors.register(give_up, ExceptionTypeFilter(TelegramForbiddenError, TelegramBadRequest))
    return router


async def greet(message: Message, person: User, event_update: Update, engine: AsyncEngine) -> None:
    """Counts the message and answers with the sum."""
    count = await count_message(engine, person.id, event_update.update_id)
    noun = "message" if count == 1 else "messages"
    await message.answer(f"Hello, {person.first_name}! I have had {count} {noun} from you.")


async def give_up(event: ErrorEvent) -> None:
    """Lets an answer go that can never arrive, as when the person blocked the bot.

    After any other error Telegram gets a 503, and sends the update again.
    """
    log.warning("Update %d got no answer: %s", event.update.update_id, event.exception)

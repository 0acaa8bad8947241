"""The HTTP server: updates come in here, and the garden asks for the bot's health."""

import hmac
import json
import logging
from collections.abc import AsyncIterator

from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramAPIError, TelegramRetryAfter
from aiogram.types import Update
from aiohttp import web
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from hello.database import UNREACHABLE, is_well, prepare
from hello.settings import Settings

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"


def create_server(settings: Settings, bot: Bot, dispatcher: Dispatcher, engine: AsyncEngine) -> web.Application:
    """The application. It listens as soon as the database is ready."""

    async def take_update(request: web.Request) -> web.Response:
        given = request.headers.get(SECRET_HEADER, "")
        # Constant time, and in bytes: text with other than ASCII letters can't be compared.
        if not hmac.compare_digest(given.encode(errors="replace"), settings.webhook_secret.encode()):
            return web.Response(status=401, text="wrong secret\n")
        try:
            update = Update.model_validate(await request.json(), context={"bot": bot})
        except (json.JSONDecodeError, UnicodeDecodeError, ValidationError):
            return web.Response(status=400, text="not an update\n")
        # The answer waits until the work is done: if the bot dies first, Telegram sends the update again.
        try:
            await dispatcher.feed_update(bot, update)
        except (TelegramAPIError, *UNREACHABLE) as error:
            log.warning("Update %d must come again: %s", update.update_id, type(error).__name__)
            wait = error.retry_after if isinstance(error, TelegramRetryAfter) else 1
            return web.Response(status=503, headers={"Retry-After": str(wait)}, text="try again\n")
        return web.Response()

    async def tell_health(_request: web.Request) -> web.Response:
        if await is_well(engine):
            return web.Response(text="ok\n")
        return web.Response(status=503, text="the database does not answer\n")

    async def lifetime(_app: web.Application) -> AsyncIterator[None]:
        await prepare(engine)
        yield
        # Here every request has been answered.
        await bot.session.close()
        await engine.dispose()

    app = web.Application()
    app.cleanup_ctx.append(lifetime)
    app.router.add_post(settings.webhook_path, take_update)
    app.router.add_get("/health", tell_health)
    return app

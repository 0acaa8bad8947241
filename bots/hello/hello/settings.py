"""Settings, all from the environment: the garden gives them to the container."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class SettingsError(Exception):
    """The environment lacks something."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the bot needs to know. Secrets stay out of its printed form."""

    token: str = field(repr=False)
    """The bot's token from @BotFather."""
    webhook_secret: str = field(repr=False)
    """What the header X-Telegram-Bot-Api-Secret-Token of every update must say."""
    database_url: str = field(repr=False)
    """Where the database is, as SQLAlchemy writes it: postgresql+asyncpg://…"""
    webhook_path: str
    """The path at which updates come in."""
    port: int
    """The port on which the bot listens."""
    api_root: str
    """Where Telegram's Bot API is."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Reads the settings; names all that is missing in one message."""
    needed = ("BOT_TOKEN", "WEBHOOK_SECRET", "DATABASE_URL")
    missing = [name for name in needed if not environment.get(name)]
    if missing:
        raise SettingsError(f"missing in the environment: {', '.join(missing)}")
    port = environment.get("BOT_PORT", "8080")
    if not port.isdecimal():
        raise SettingsError(f"BOT_PORT is not a port: {port!r}")
    return Settings(
        token=environment["BOT_TOKEN"],
        webhook_secret=environment["WEBHOOK_SECRET"],
        database_url=environment["DATABASE_URL"],
        webhook_path=environment.get("BOT_WEBHOOK_PATH", "/webhook"),
        port=int(port),
        api_root=environment.get("TELEGRAM_API_ROOT", "https://api.telegram.org"),
    )

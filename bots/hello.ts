// hello: the sample bot. It greets whoever writes to it, and counts their messages in Postgres.
//
// One file like this is one bot: copy it to plant another, delete it to retire this one. The bot's name is the
// file's name. What a bot can say here, with every default: docs/settings.md.
//
// The bot's token is the only thing that isn't here. Get it from @BotFather, and keep it with:
//   pulumi config set --secret hello:token …
import { defineBot } from "../settings/bot.ts";

export default defineBot({
  // The folder bots/hello is built on the host. An image from a registry does as well: "ghcr.io/me/hello:1.2.0".
  image: { build: "./hello" },

  // Telegram's updates go to https://<your domain>/webhook/hello, and from there to this port and path.
  webhook: { port: 8080, path: "/webhook", allowedUpdates: ["message"] },

  // A Postgres role and a database of its own, both of the bot's name.
  database: true,

  // BOT_TOKEN, WEBHOOK_SECRET, POSTGRES_HOST and more are there anyway; this one is as SQLAlchemy wants it.
  environment: ({ database }) => ({ DATABASE_URL: database.url("postgresql+asyncpg") }),

  // A new release gets no update before this path answers with 200.
  health: { path: "/health" },
});

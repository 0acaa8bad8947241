/** Where `npm run status` stops calling something well, each with its reason. */

/** Percent of a file system. A build and a dump need some GB, and Postgres stops when nothing is left. */
export const DISK_FULL_PERCENT = 85;

/** Percent of the host's memory. Below it the kernel starts to end processes, and any may be next. */
export const MEMORY_LEFT_PERCENT = 5;

/** Percent of a container's limit. A bot that is so near it is ended by its next big picture. */
export const MEMORY_LIMIT_PERCENT = 90;

/**
 * Updates that Telegram still has to deliver. It sends up to 40 at once (max_connections), so more than a few rounds
 * mean that the bot does not keep up.
 */
export const PENDING_UPDATES = 100;

/** Seconds. An older error was followed by success, or there is nothing to deliver: Telegram retries within two minutes. */
export const RECENT_ERROR = 600;

/** Seconds. Telegram tries again within so long what the edge refused for a bot that was held. */
export const RESUMED = 120;

/** Seconds. A container that was started again so lately may be in a loop; Docker waits up to a minute between tries. */
export const RECENT_RESTART = 600;

/** Percent of a role's or of all connections. What comes next is refused with "too many connections". */
export const CONNECTIONS_PERCENT = 90;

/**
 * Share of its life that a certificate must have left if the garden renews it. Let's Encrypt's is renewed with a third
 * left (a half of those of six days), so with a quarter the renewal has failed for a while and there is still time.
 */
export const CERTIFICATE_LIFE_LEFT = 1 / 4;

/** Seconds. What the garden does not renew by itself needs a person, and `pulumi up` warns as early. */
export const CERTIFICATE_TIME_LEFT = 14 * 86_400;

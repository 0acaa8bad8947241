/** The limits of a bot's database. */
import * as z from "zod";
import { seconds } from "./duration.ts";
import { wholeNumber } from "./number.ts";

/** A bot's section `database`. */
export const databaseSchema = z.strictObject({
  connectionLimit: wholeNumber(
    { from: 1, to: 1000 },
    {
      description:
        "How many connections the bot may have open at most (PostgreSQL's CONNECTION LIMIT of the role). During a release the old and the new container share them.",
      example: "5",
    },
  ).default(5),
  statementTimeout: seconds(
    { from: 1, to: 86400 },
    {
      description: "The longest that one statement may take (PostgreSQL's `statement_timeout`).",
      example: '"30 seconds"',
    },
  ).prefault("30 seconds"),
  idleInTransactionTimeout: seconds(
    { from: 1, to: 86400 },
    {
      description:
        "The longest that a transaction may do nothing (PostgreSQL's `idle_in_transaction_session_timeout`).",
      example: '"60 seconds"',
    },
  ).prefault("60 seconds"),
});

/**
 * An answer of the Bot API that is an error, in Telegram's own form:
 * `{"ok":false,"error_code":…,"description":…,"parameters":…}`. The code is the HTTP status as well.
 */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: number;
  /** Seconds to wait before the next try; goes out as `parameters.retry_after` and as the header Retry-After. */
  readonly retryAfter: number | undefined;
  /** Called when the answer goes out to a caller who still listens. */
  heard: (() => void) | undefined;

  constructor(code: number, description: string, retryAfter?: number) {
    super(description);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** 400 with Telegram's prefix. */
export function badRequest(description: string): ApiError {
  return new ApiError(400, `Bad Request: ${description}`);
}

/** 429: the caller is too fast. */
export function tooManyRequests(seconds: number): ApiError {
  return new ApiError(429, `Too Many Requests: retry after ${seconds}`, seconds);
}

/** Why Telegram refuses a webhook; becomes "Bad Request: bad webhook: …". */
export class WebhookRefused extends Error {
  override readonly name = "WebhookRefused";
}

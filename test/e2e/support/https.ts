import { request } from "node:https";

export interface Ask {
  readonly address: string;
  readonly path: string;
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A request to the edge by its address; the certificate is not checked, which is Telegram's part. */
export function https({
  address,
  path,
  method = "GET",
  host = "garden.test",
  headers,
  body,
}: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: address,
        path,
        method,
        servername: host,
        rejectUnauthorized: false,
        headers: { host, "content-type": "application/json", ...headers },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

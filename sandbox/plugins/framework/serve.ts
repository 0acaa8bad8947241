/** The process of a plugin: a gRPC server, its port on stdout, and its end. */
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";

/** The largest message that the engine and its plugins exchange, in bytes. */
const MAX_MESSAGE = 400 * 1024 * 1024;

/** How often a plugin looks whether its engine still lives. */
const ENGINE_CHECK_MS = 500;

/** A service and its methods. */
export interface Service {
  readonly definition: ServiceDefinition;
  readonly methods: UntypedServiceImplementation;
}

/** A running plugin server. */
export interface Running {
  readonly port: number;
  stop(): void;
}

/** The engine's address among the arguments of the process (the one positional argument), or undefined. */
export function engineAddress(argv: readonly string[]): string | undefined {
  return argv.slice(2).find((argument) => /^[^-\s][^\s]*:\d+$/.test(argument));
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startServer(services: readonly Service[]): Promise<Running> {
  const server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE,
    "grpc.max_send_message_length": MAX_MESSAGE,
  });
  for (const { definition, methods } of services) server.addService(definition, methods);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, stop: () => server.forceShutdown() };
}

/**
 * Runs a plugin until the engine ends it: prints the port as the only line on stdout, and exits once nothing is in
 * work (`busy`) and the engine wants it gone or is gone itself. The engine says so by SIGINT, which never comes from
 * the user (a plugin has a process group of its own; at ^C the engine calls Cancel), and waits five seconds for all
 * plugins together before it calls their end a crash.
 */
export async function runPlugin(services: readonly Service[], busy: () => boolean): Promise<void> {
  // Before the port is told: whoever reads it may be gone a moment later.
  const parent = process.ppid;
  let unwanted = false;
  const endIfIdle = (): void => {
    if (unwanted && !busy()) process.exit(0);
  };
  process.on("SIGINT", () => {
    unwanted = true;
    endIfIdle();
  });
  const { port } = await startServer(services);
  process.stdout.write(`${port}\n`);
  setInterval(() => {
    unwanted ||= process.ppid !== parent;
    endIfIdle();
  }, ENGINE_CHECK_MS);
}

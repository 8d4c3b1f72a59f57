// A server of the tests: the real binary on a fresh folder, ended with its worker.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const BINARY = process.env["KITH_BINARY"] ?? resolve(import.meta.dirname, "../../../target/release/kith");
const START_MS = 20_000;

export class Server {
  readonly folder: string;
  address: string;
  #process: ChildProcess | null = null;

  private constructor(folder: string) {
    this.folder = folder;
    this.address = "127.0.0.1:0";
  }

  static async start(): Promise<Server> {
    const server = new Server(await mkdtemp(join(tmpdir(), "kith-web-")));
    await server.run();
    return server;
  }

  get origin(): string {
    return `http://${this.address}`;
  }

  /** Starts again at the same address: for pages nothing has changed. */
  async run(): Promise<void> {
    const args = [
      "serve",
      "--data",
      this.folder,
      "--listen",
      this.address,
      "--limits",
      "off",
      "--admin",
      "off",
      "--json",
    ];
    const child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "ignore"] });
    this.#process = child;
    this.address = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${BINARY} did not start`)), START_MS);
      child.on("exit", (code) => reject(new Error(`${BINARY} ended with ${code}`)));
      child.on("error", reject);
      createInterface({ input: child.stdout }).on("line", (line) => {
        clearTimeout(timer);
        const told = JSON.parse(line) as { url?: string; listen?: string };
        resolve(new URL(told.url ?? `http://${told.listen}`).host);
      });
    });
  }

  /** SIGKILL: as a power cut. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
  }

  #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      child.removeAllListeners("exit");
      child.once("exit", () => resolve());
      child.kill(signal);
    });
  }
}

// The dashboard as people run it, an Express application of its own, and questions to it over HTTP.

import { load } from "../shared/packages.mjs";

const express = load("express");
const { createBullBoard } = load("@bull-board/api");
const { BullMQAdapter } = load("@bull-board/api/bullMQAdapter");
const { BullAdapter } = load("@bull-board/api/bullAdapter");
const { ExpressAdapter } = load("@bull-board/express");

export class Board {
  /** Serves a dashboard of queues of BullMQ and of Bull on a port of its own. */
  static async open(bullmq, bull) {
    const serverAdapter = new ExpressAdapter();
    const queues = [
      ...bullmq.map((queue) => new BullMQAdapter(queue)),
      ...bull.map((queue) => new BullAdapter(queue)),
    ];
    createBullBoard({ queues, serverAdapter });
    const app = express();
    app.use("/", serverAdapter.getRouter());
    const server = await new Promise((resolve, reject) => {
      const listening = app.listen(0, "127.0.0.1", () => resolve(listening));
      listening.once("error", reject);
    });
    return new Board(server);
  }

  constructor(server) {
    this.server = server;
    this.address = `http://127.0.0.1:${server.address().port}`;
  }

  async ask(path, options = {}) {
    const reply = await fetch(this.address + path, options);
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${options.method ?? "GET"} ${path}: ${reply.status} ${text}`);
    return text;
  }

  async get(path) {
    return JSON.parse(await this.ask(path));
  }

  put(path) {
    return this.ask(path, { method: "PUT" });
  }

  /** What the page of a queue shows when jobs of one status are looked at. */
  async queue(name, status = "latest", page = 1, jobsPerPage = 100) {
    const query = new URLSearchParams({ activeQueue: name, status, page, jobsPerPage });
    const { queues } = await this.get(`/api/queues?${query}`);
    return queues.find((queue) => queue.name === name);
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

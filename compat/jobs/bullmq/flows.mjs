// Trees of jobs: a parent runs after its children and reads what they gave.

import { expect, insist, until, untilEqual } from "../shared/check.mjs";
import { resultOf, taskOf } from "../shared/work.mjs";
import { inRoom } from "./room.mjs";

export const flows = inRoom(async (room) => {
  const flow = room.flows();
  const values = new Map();
  await room.queue.pause();
  const trees = [];
  for (let i = 0; i < 10; i += 1) trees.push(await flow.add(treeOf(room.name, i)));
  expect("waiting for children", await room.queue.getWaitingChildrenCount(), 20);
  const [tree] = trees;
  expect("state", await tree.job.getState(), "waiting-children");
  const shown = await flow.getFlow({ id: tree.job.id, queueName: room.name });
  expect("children shown", shown.children.length, 4);
  expect("dependencies", await tree.job.getDependenciesCount({ unprocessed: true }), {
    unprocessed: 4,
  });

  room.worker({ concurrency: 4 }, async (job) => {
    if (job.name !== "leaf") values.set(job.id, await job.getChildrenValues());
    return room.run(job);
  });
  await room.queue.resume();
  const jobs = trees.flatMap(jobsOf);
  await until("all of the trees ran", () => room.finished().length >= jobs.length);
  await untilEqual("completed", () => room.queue.getCompletedCount(), jobs.length);
  for (const each of trees) await checkTree(room, each, values);
  return { jobs: jobs.map(({ id }) => id), view: `${jobs.length} completed, children first` };
});

function treeOf(queueName, number) {
  const leaf = (i) => ({ name: "leaf", queueName, data: taskOf(number * 10 + i) });
  return {
    name: "root",
    queueName,
    data: taskOf(number * 10),
    children: [
      leaf(1),
      leaf(2),
      leaf(3),
      { name: "branch", queueName, data: taskOf(number * 10 + 4), children: [leaf(5), leaf(6)] },
    ],
  };
}

function jobsOf({ job, children = [] }) {
  return [job, ...children.flatMap(jobsOf)];
}

async function checkTree(room, node, values) {
  const order = room.finished();
  const wanted = {};
  for (const child of node.children ?? []) {
    wanted[`bull:${room.name}:${child.job.id}`] = await resultOf(child.job.data);
    insist(
      `child ${child.job.id} ran before its parent ${node.job.id}`,
      order.indexOf(child.job.id) < order.indexOf(node.job.id),
    );
    await checkTree(room, child, values);
  }
  if (node.children) {
    expect(`what ${node.job.id} read of its children`, values.get(node.job.id), wanted);
    const { processed } = await node.job.getDependenciesCount({ processed: true });
    expect(`processed children of ${node.job.id}`, processed, node.children.length);
  }
}

export const brokenFlows = inRoom(async (room) => {
  const flow = room.flows();
  const tree = (opts) => {
    const child = { name: "breaks", queueName: room.name, data: taskOf(2), opts };
    return flow.add({ name: "root", queueName: room.name, data: taskOf(1), children: [child] });
  };
  const fails = await tree({ failParentOnFailure: true });
  const ignores = await tree({ ignoreDependencyOnFailure: true });
  const removes = await tree({ removeDependencyOnFailure: true });
  const goesOn = await tree({ continueParentOnFailure: true });
  const waits = await tree({});
  room.worker({}, async (job) => {
    if (job.name === "breaks") throw new Error("broken on purpose");
    return room.run(job);
  });
  const states = () => Promise.all([fails, ignores, removes, goesOn, waits].map((n) => n.job.getState()));
  const wanted = ["failed", "completed", "completed", "completed", "waiting-children"];
  await untilEqual("what became of the parents", states, wanted);
  const parent = await room.queue.getJob(fails.job.id);
  const reason = `child bull:${room.name}:${fails.children[0].job.id} failed`;
  expect("why the parent failed", parent.failedReason, reason);
  const ignored = Object.values(await ignores.job.getIgnoredChildrenFailures());
  expect("ignored failures", ignored, ["broken on purpose"]);
  await waits.job.removeUnprocessedChildren();
  await waits.children[0].job.remove();
  await untilEqual("the last parent", () => waits.job.getState(), "completed");
  const ran = [ignores, removes, goesOn, waits].map(({ job }) => job.id);
  return { jobs: ran, view: wanted.join(", ") };
});

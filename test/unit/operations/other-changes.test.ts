/** What of a plan is not the bot's own. The steps are cut from what `pulumi preview --json` (3.259) printed. */
import { expect, test } from "vitest";
import { otherChanges, planErrors, readPlan } from "../../../operations/other-changes.ts";

const stack = "urn:pulumi:prod::botgarden";
const garden = "botgarden:garden:Garden";
const urn = (types: string, name: string) => `${stack}::${garden}$${types}::${name}`;
const component = (bot: string) => urn("botgarden:bot:Bot", bot);
const container = (bot: string) => urn("botgarden:bot:Bot$docker:index/container:Container", bot);
const command = (name: string) => urn("botgarden:bot:Bot$command:remote:Command", name);

const plan = (...steps: object[]) => {
  const read = readPlan(JSON.stringify({ config: {}, steps, changeSummary: {} }));
  if (read === undefined) throw new Error("no plan");
  return read;
};
const step = (op: string, id: string, parent?: string) => ({
  op,
  urn: id,
  newState: { urn: id, custom: true, type: "", ...(parent === undefined ? {} : { parent }) },
});

test("a bot's container, its release and its image are its own; what stays is nobody's change", () => {
  const own = component("hello");
  const steps = [
    step("same", `${stack}::pulumi:pulumi:Stack::botgarden-prod`),
    step("same", container("left"), component("left")),
    step("replace", container("hello"), own),
    step("create-replacement", container("hello"), own),
    step("delete-replaced", container("hello"), own),
    step("update", command("hello-release"), own),
    { op: "delete", urn: command("hello-image"), oldState: { parent: own } },
    step("update", own),
  ];
  expect(otherChanges("hello", plan(...steps))).toEqual([]);
});

test("another bot's and the core's are named once each, also those of a bot whose name begins alike", () => {
  const steps = [
    step("replace", container("hello-two"), component("hello-two")),
    step("replace", container("hello-two"), component("hello-two")),
    step("update", urn("botgarden:edge:Edge$command:remote:Command", "edge-routes"), "x"),
    { op: "delete", urn: command("gone-image"), oldState: { parent: component("gone") } },
    step("create", component("new")),
  ];
  expect(otherChanges("hello", plan(...steps))).toEqual([
    "replace hello-two (docker:index/container:Container)",
    "update edge-routes (command:remote:Command)",
    "delete gone-image (command:remote:Command)",
    "create new (botgarden:bot:Bot)",
  ]);
});

test("errors are the plan's own; what is no plan is none", () => {
  const text = JSON.stringify({
    diagnostics: [
      { urn: "", prefix: "", message: "hello is pinned to ...\n", severity: "warning" },
      { message: "the host does not answer\n", severity: "error" },
    ],
  });
  expect(planErrors(readPlan(text) ?? plan())).toEqual(["the host does not answer"]);
  expect(readPlan("")).toBeUndefined();
  expect(readPlan("error: no stack selected")).toBeUndefined();
  expect(readPlan('{"steps":[{"op":1}]}')).toBeUndefined();
});

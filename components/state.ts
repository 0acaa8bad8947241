import * as pulumi from "@pulumi/pulumi";

/** The outputs of the stack's resources, by URN. */
export type State = Readonly<
  Record<string, { readonly type?: string; readonly outputs?: Readonly<Record<string, unknown>> }>
>;

/** The resources in this stack's state before this run, asked from the engine that runs the program. */
export async function stateOfStack(): Promise<State> {
  const token = "pulumi:pulumi:readStackResourceOutputs";
  const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const answer: unknown = await pulumi.runtime.invoke(token, { stackName });
  return (answer as { outputs?: State }).outputs ?? {};
}

/** An output of the stack as the last `pulumi up` left it, or undefined. */
export async function outputOfStack(name: string): Promise<unknown> {
  const state = await stateOfStack();
  const root = Object.values(state).find(({ type }) => type === "pulumi:pulumi:Stack");
  return root?.outputs?.[name];
}

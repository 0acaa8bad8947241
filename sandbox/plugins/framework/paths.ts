/** Property paths as the engine writes and reads them: `a.b[0]["odd key"]`. */

/** The path of a property inside `parent`; "" is the resource itself. */
export function child(parent: string, name: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${parent}["${name.replaceAll('"', '\\"')}"]`;
  return parent === "" ? name : `${parent}.${name}`;
}

/** The path of an element inside `parent`. */
export function element(parent: string, index: number): string {
  return `${parent}[${index}]`;
}

/** The property of the resource that the path starts with. */
export function topLevel(path: string): string {
  const end = path.search(/[.[]/);
  return end === -1 ? path : path.slice(0, end);
}

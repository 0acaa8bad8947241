/** The product's table, without colours. */
export { table } from "../../operations/table.ts";

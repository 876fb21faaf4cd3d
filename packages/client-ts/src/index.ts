export type * from "./api.js";
export type { Options } from "./client.js";
export { Quarterdeck } from "./client.js";
export { QuarterdeckError } from "./errors.js";
export type * as events from "./events.js";
export { PROTOCOL } from "./events.js";
export type { Entry } from "./follow.js";

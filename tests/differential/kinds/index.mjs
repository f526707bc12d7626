import * as sets from "./sets.mjs";

export const KINDS = { sets };

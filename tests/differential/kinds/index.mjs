import * as data from "./data.mjs";
import * as links from "./links.mjs";
import * as mutants from "./mutants.mjs";
import * as sets from "./sets.mjs";
import * as texts from "./texts.mjs";
import * as typed from "./typed.mjs";

export const KINDS = { sets, links, typed, data, texts, mutants };

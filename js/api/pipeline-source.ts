/** Where `pipeline` looks for a model: on this machine or on a hub, as `env` and the options say. */

import type { CheckedEnvironment } from "./env.js";
import { TabsenseError } from "./errors.js";
import { HUB_NAME } from "../files/sources.js";
import type { Source } from "./types.js";

/** The requested model. */
export interface Wanted {
  model: Source;
  revision: string | null;
  /** Whether no hub may be contacted. */
  localOnly: boolean;
  /** The option `models`. */
  models: string | null;
  /** The option `hub`. */
  hub: string | null;
}

/** Where the model is. */
export interface Place {
  /** The folder to load it from if it is there. */
  local: string | null;
  /** Where to load it from otherwise. */
  source: Source;
  /** The hub of `source`, if it is on one. */
  hub?: string;
}

/** A model's name without an organization. */
const PLAIN_NAME = /^\w[\w.-]*$/;

/** A template with the layout of a hub. */
const HUB_LAYOUT = /^\/?\{model\}\/resolve\/(\{revision\}|[\w.-]+)\/?$/;

/**
 * Finds where a model is. Kind `"invalid_argument"` for two revisions, or for a URL if none may be contacted.
 */
export function placeOf(wanted: Wanted, env: CheckedEnvironment): Place {
  const { model, localOnly } = wanted;
  if (typeof model !== "string") return { local: null, source: model };
  if (localOnly && /^https?:/i.test(model)) {
    throw new TabsenseError(
      "invalid_argument",
      `local_files_only or env.allowRemoteModels = false is set, but ${model} is on the network. Pass a folder, a path below the page or the model's files, or remove the setting.`,
    );
  }
  const onHub = HUB_NAME.exec(model);
  if (onHub) return ofHubName(onHub, wanted, env);
  return PLAIN_NAME.test(model) ? ofPlainName(model, wanted, env) : { local: null, source: model };
}

/** `org/name`: below the folder of local models, or on the hub. */
function ofHubName(
  [model, org, name, named]: RegExpExecArray,
  wanted: Wanted,
  env: CheckedEnvironment,
): Place {
  const { revision, localOnly, models } = wanted;
  const folder = below(models ?? env.localModelPath, `${org}/${name}`);
  if (localOnly) return { local: null, source: folder };
  if (named !== undefined && revision !== null && named !== revision && revision !== "main") {
    throw new TabsenseError(
      "invalid_argument",
      `The model ${JSON.stringify(model)} names a revision, and the option revision another one (${JSON.stringify(revision)}). Remove one of them.`,
    );
  }
  const local = env.allowLocalModels ? folder : null;
  return { local, ...remote(`${org}/${name}`, named ?? revision, wanted, env) };
}

/**
 * A name without an organization: a local folder, a model that the host serves, or one that is embedded or
 * installed.
 */
function ofPlainName(name: string, wanted: Wanted, env: CheckedEnvironment): Place {
  const { models, hub, revision, localOnly } = wanted;
  if (models !== null) return { local: null, source: name };
  const mayBeLocal = env.changed("localModelPath") && (env.allowLocalModels || localOnly);
  const local = mayBeLocal ? below(env.localModelPath, name) : null;
  const hosted = hub === null && (env.changed("remoteHost") || env.changed("remotePathTemplate"));
  return { local, ...(hosted && !localOnly ? address(name, revision, env) : { source: name }) };
}

/** A model on the hub, or below a URL with another layout. */
function remote(
  name: string,
  revision: string | null,
  { hub }: Wanted,
  env: CheckedEnvironment,
): Omit<Place, "local"> {
  const layout = hub === null ? HUB_LAYOUT.exec(env.remotePathTemplate) : ["", "{revision}"];
  const host = hub ?? env.remoteHost;
  if (!layout || !(hub || /^https?:/i.test(host))) return address(name, revision, env);
  const own = layout[1] === "{revision}" ? revision : layout[1]!;
  // With a revision, the name can't be a folder's: otherwise Node would prefer a folder of that name.
  const pinned = own ?? (env.changed("allowLocalModels") && !env.allowLocalModels ? "main" : null);
  return { source: pinned === null ? name : `${name}@${pinned}`, hub: host };
}

/** The URL that the template makes from a name. */
function address(name: string, revision: string | null, env: CheckedEnvironment): { source: string } {
  const path = env.remotePathTemplate
    .replaceAll("{model}", name)
    .replaceAll("{revision}", encodeURIComponent(revision ?? "main"));
  return { source: below(env.remoteHost, path.replace(/^\/+|\/+$/g, "")) };
}

/**
 * The folder `path` below another one, as a source: a path without a dot or a slash at its start would be a
 * model's name.
 */
function below(folder: string, path: string): string {
  const whole = `${folder.replace(/\/+$/, "")}/${path}/`;
  return /^([a-z][a-z\d+.-]*:|\.{0,2}[/\\])/i.test(whole) ? whole : `./${whole}`;
}

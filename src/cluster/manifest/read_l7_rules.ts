import { parseHttpRegex } from "../http_regex.ts";
import type {
  HttpHeader,
  HttpHeaderMatch,
  HttpRule,
  L7Rules,
  ListenerRef,
  SecretRef,
  TlsContext,
} from "../l7_rule.ts";
import type { Cursor } from "./cursor.ts";
import { readNamespaceName } from "./metadata.ts";
import { onlyField } from "./only_field.ts";
import { optional } from "./presence.ts";
import { FQDN_SCHEMA, readDnsRule } from "./read_fqdn.ts";
import type { Schema } from "./schema.ts";

const SECRET_SCHEMA: Schema = { namespace: {}, name: {} };

const HEADER_MATCH_SCHEMA: Schema = {
  name: {},
  value: {},
  secret: { fields: SECRET_SCHEMA },
  mismatch: {},
};

const HTTP_SCHEMA: Schema = {
  path: {},
  method: {},
  host: {},
  headers: {},
  headerMatches: { list: true, fields: HEADER_MATCH_SCHEMA },
};

const OTHER_PROXY = {
  state: "is not supported (Cilium has deprecated proxies other than for HTTP and DNS)",
  expected: "http or dns",
};

/** Fields of `toPorts[].rules`. */
export const L7_SCHEMA: Schema = {
  http: { feature: "HTTP rules", list: true, fields: HTTP_SCHEMA },
  dns: { feature: "DNS rules", list: true, fields: FQDN_SCHEMA },
  kafka: { refused: OTHER_PROXY },
  l7proto: { refused: OTHER_PROXY },
  l7: { refused: OTHER_PROXY },
};

/** Fields of `terminatingTLS` and `originatingTLS`. */
export const TLS_SCHEMA: Schema = {
  secret: { fields: SECRET_SCHEMA },
  trustedCA: {},
  certificate: {},
  privateKey: {},
};

const ENVOY_CONFIG_SCHEMA: Schema = { kind: {}, name: {} };

/** Fields of `listener`. */
export const LISTENER_SCHEMA: Schema = {
  envoyConfig: { fields: ENVOY_CONFIG_SCHEMA },
  name: {},
  priority: {},
};

/**
 * Reads `toPorts[].rules`. A list without rules opens the port like no list at all: Cilium
 * redirects only where there is a rule (cilium/cilium pkg/policy/l4.go). That is hardly
 * what its author means, so it is reported.
 */
export function readL7Rules(field: Cursor): L7Rules | undefined {
  const fields = field.fields(L7_SCHEMA);
  if (fields.size === 0) return undefined;
  const [kind, list] = onlyField(field, fields, ["http", "dns"], "one kind of rules");
  const items = list.items();
  if (items.length === 0) {
    list.warn("is an empty list, which lets everything through", "at least one rule");
    return undefined;
  }
  if (kind === "dns") return { kind, rules: items.flatMap(readDnsRule) };
  return { kind, rules: items.map(readHttpRule) };
}

function readHttpRule(field: Cursor): HttpRule {
  // `- ` without content is null, which decodes like {}.
  if (field.isNull) return {};
  const fields = field.fields(HTTP_SCHEMA);
  return {
    ...optional("path", readRegex(fields.get("path"))),
    ...optional("method", readRegex(fields.get("method"))),
    ...optional("host", readRegex(fields.get("host"))),
    ...optional("headers", fields.get("headers")?.items().map(readHeader)),
    ...optional("headerMatches", fields.get("headerMatches")?.items().map(readHeaderMatch)),
  };
}

/** Empty is absent: any path, method or host. */
function readRegex(field: Cursor | undefined): string | undefined {
  const text = field?.string() ?? "";
  if (field === undefined || text === "") return undefined;
  try {
    parseHttpRegex(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    field.fail(error.message, "a regular expression that RE2 accepts");
  }
  return text;
}

const MISMATCHES = ["LOG", "ADD", "DELETE", "REPLACE"] as const;

/** A token of RFC 9110. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Reads an item of `headers`. The first space ends the name: Cilium takes `X-Key:true`
 * for the presence of a header of that name, which no request can have.
 */
function readHeader(field: Cursor): HttpHeader {
  const text = field.string();
  const space = text.indexOf(" ");
  const name = (space < 0 ? text : text.slice(0, space)).replace(/:+$/, "");
  if (HEADER_NAME.test(name)) {
    return space < 0 ? { name } : { name, value: text.slice(space + 1) };
  }
  const state = `is ${JSON.stringify(text)}`;
  const spaced = text.replace(/:\s*/, ": ");
  field.fail(state, `"Name: value" or "Name"`, spaced === text ? undefined : spaced);
}

function readHeaderMatch(field: Cursor): HttpHeaderMatch {
  const fields = field.fields(HEADER_MATCH_SCHEMA);
  const nameField = fields.get("name") ?? field.fail("has no name", "the name of a header");
  const name = nameField.string();
  if (!HEADER_NAME.test(name)) {
    nameField.fail(`is ${JSON.stringify(name)}`, "the name of a header");
  }
  const value = fields.get("value")?.string();
  const secret = fields.get("secret");
  const mismatch = fields.get("mismatch");
  return {
    name,
    ...optional("value", value === "" ? undefined : value),
    ...optional("secret", secret === undefined ? undefined : readSecret(secret)),
    ...optional("mismatch", mismatch?.oneOf(MISMATCHES)),
  };
}

function readSecret(field: Cursor): SecretRef {
  const fields = field.fields(SECRET_SCHEMA);
  const nameField = fields.get("name") ?? field.fail("has no name", "the name of a secret");
  const name = nameField.string();
  if (name === "") nameField.fail("is empty", "the name of a secret");
  const namespace = fields.get("namespace");
  return {
    ...optional("namespace", namespace === undefined ? undefined : readNamespaceName(namespace)),
    name,
  };
}

/** Reads `terminatingTLS` or `originatingTLS`. */
export function readTlsContext(field: Cursor): TlsContext {
  const fields = field.fields(TLS_SCHEMA);
  const secret = fields.get("secret") ?? field.fail("has no secret", "secret");
  return {
    secret: readSecret(secret),
    ...optional("trustedCa", fields.get("trustedCA")?.string()),
    ...optional("certificate", fields.get("certificate")?.string()),
    ...optional("privateKey", fields.get("privateKey")?.string()),
  };
}

/** Reads `listener`. */
export function readListener(field: Cursor): ListenerRef {
  const fields = field.fields(LISTENER_SCHEMA);
  const nameField = fields.get("name") ?? field.fail("has no name", "the name of a listener");
  const name = nameField.string();
  if (name === "") nameField.fail("is empty", "the name of a listener");
  const config = fields.get("envoyConfig") ?? field.fail("has no envoyConfig", "envoyConfig");
  const configFields = config.fields(ENVOY_CONFIG_SCHEMA);
  const configName = configFields.get("name") ??
    config.fail("has no name", "the name of an Envoy configuration");
  const kind = configFields.get("kind")?.oneOf(
    ["CiliumEnvoyConfig", "CiliumClusterwideEnvoyConfig"],
  ) ?? "CiliumEnvoyConfig";
  return {
    name,
    ...optional("priority", fields.get("priority")?.integer(1, 100)),
    envoyConfig: { kind, name: configName.string() },
  };
}

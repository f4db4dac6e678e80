/** What a proxy is asked: HTTP, DNS, wildcards, conflicts; and authentication. */
import type { Request } from "../../../src/cluster/l7_request.ts";
import { all, cilium, DB, TCP80 } from "./_cluster.ts";
import { CODE, DOCS, testVerdicts } from "./_table.ts";

const L7 = `${DOCS}/layer7/`;
const HTTP = `${DOCS}/layer7/#http`;
const SNI = `${DOCS}/layer4/#limit-tls-server-name-indication-sni`;
const DNS = `${DOCS}/layer7/#dns-policy-and-ip-discovery`;
const FROM_WEB = "fromEndpoints: [{ matchLabels: { app: web } }]";

function http(rules: string, peers = FROM_WEB): string {
  return `${peers}, toPorts: [{ ports: [{ port: '80', protocol: TCP }], rules: { http: [${rules}] } }]`;
}

function ingress(...rules: readonly string[]): string {
  return cilium(`${DB}, ingress: [${rules.map((rule) => `{ ${rule} }`).join(", ")}]`);
}

function get(path: string, headers: Readonly<Record<string, string>> = {}): Request {
  return { kind: "http", http: { method: "GET", path, host: "shop.example.com", headers } };
}

function post(path: string): Request {
  return { kind: "http", http: { method: "POST", path } };
}

function query(name: string): Request {
  return { kind: "dns", dns: { name } };
}

/** The database may send these server names to port 443. */
function sni(names: string): string {
  return cilium(
    `${DB}, egress: [{ toPorts: [{ ports: [{ port: '443', protocol: TCP }], serverNames: [${names}] }] }]`,
  );
}

function hello(serverName?: string): Request {
  return { kind: "tls", tls: serverName === undefined ? {} : { serverName } };
}

const PUBLIC = "{ method: GET, path: '/public' }";

testVerdicts([
  {
    source: HTTP,
    policies: ingress(http(PUBLIC)),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "redirected", "an HTTP rule sends the flow to a proxy"],
      [
        "blue/web",
        "blue/db",
        "80/TCP",
        "allowed",
        "which lets in what the rule allows",
        get("/public"),
      ],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "no other path", get("/private")],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "no other method", post("/public")],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "the whole path", get("/public/x")],
      ["blue/web", "blue/db", "81/TCP", "denied at ingress", "other ports are closed"],
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "and so is the port for others"],
    ],
  },
  {
    source: HTTP,
    policies: ingress(http("{ path: '/v[12]/.*' }, { method: 'PUT|POST' }")),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "a path is a regular expression", get("/v2/x")],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "for all of it", get("/x/v2/x")],
      ["blue/web", "blue/db", "80/TCP", "allowed", "each of several rules will do", post("/x")],
    ],
  },
  {
    source: HTTP,
    policies: ingress(http("{ host: '.*\\\\.example\\\\.com' }").replaceAll("\\\\", "\\")),
    flows: [["blue/web", "blue/db", "80/TCP", "allowed", "a host", get("/")]],
  },
  {
    source: HTTP,
    policies: ingress(http("{ headers: ['X-My-Header: true'] }")),
    flows: [
      [
        "blue/web",
        "blue/db",
        "80/TCP",
        "allowed",
        "a header and its value, its name in any case",
        get("/", { "x-my-header": "true" }),
      ],
      [
        "blue/web",
        "blue/db",
        "80/TCP",
        "denied at ingress",
        "no other value",
        get("/", { "x-my-header": "false" }),
      ],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "and not without it", get("/")],
    ],
  },
  {
    source: `${CODE}/policy/api/http.go (HeaderMatch.Mismatch)`,
    policies: ingress(http("{ headerMatches: [{ name: x-key, value: v, mismatch: LOG }] }")),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "a mismatch that is only logged", get("/")],
    ],
  },
  {
    source: `${CODE}/policy/api/http.go (HeaderMatch.Mismatch)`,
    policies: ingress(http("{ headerMatches: [{ name: x-key, value: v }] }")),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "a mismatch that is not", get("/")],
      ["blue/web", "blue/db", "80/TCP", "allowed", "a header match", get("/", { "x-key": "v" })],
    ],
  },
  {
    source: `${L7} ("If no rules are specified, then all traffic is permitted")`,
    policies: ingress(http("{}")),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "redirected", "an empty HTTP rule is for visibility"],
      ["blue/web", "blue/db", "80/TCP", "allowed", "and allows everything", post("/admin")],
    ],
  },
  {
    source: `${L7} ("the layer 7 portions of the latter rule will have no effect")`,
    policies: ingress(http(PUBLIC), `${FROM_WEB}, ${TCP80}`),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "redirected", "beside an L4 rule there is a proxy still"],
      ["blue/web", "blue/db", "80/TCP", "allowed", "which allows everything", post("/admin")],
    ],
  },
  {
    source: `${CODE}/policy/l4.go (wildcardL3L4Rules)`,
    policies: ingress(http(PUBLIC), FROM_WEB),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "redirected", "beside an L3 rule there is a proxy too"],
      [
        "blue/web",
        "blue/db",
        "80/TCP",
        "allowed",
        "an L3 rule opens L7 of its peer",
        post("/admin"),
      ],
      ["blue/web", "blue/db", "81/TCP", "allowed", "other ports need no proxy"],
    ],
  },
  {
    source: `${CODE}/policy/l4.go (wildcardL3L4Rules)`,
    policies: ingress(
      http(PUBLIC, "fromEntities: [all]"),
      "fromEndpoints: [{ matchLabels: { app: web } }]",
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "for the peer that it names", post("/admin")],
      ["8.8.8.8", "blue/db", "80/TCP", "denied at ingress", "and for nobody else", post("/admin")],
    ],
  },
  {
    source: `${L7} ("the layer 7 rules are combined together if they are of the same type")`,
    policies: ingress(http(PUBLIC), http("{ method: POST }", "fromEntities: [cluster]")),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "rules of two peers", get("/public")],
      ["blue/web", "blue/db", "80/TCP", "allowed", "are combined", post("/x")],
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "where both hold", get("/public")],
    ],
  },
  {
    source: "https://github.com/cilium/cilium/pull/38841",
    policies: cilium(
      `${DB}, enableDefaultDeny: { ingress: false }, ingress: [{ ${http(PUBLIC)} }]`,
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "redirected", "without default deny there is a proxy"],
      ["blue/web", "blue/db", "80/TCP", "allowed", "and it closes nothing", post("/admin")],
    ],
  },
  {
    source: "https://github.com/cilium/cilium/pull/4435",
    policies: ingress(http(PUBLIC, "fromEntities: [all]")),
    flows: [
      ["n1", "blue/db", "80/TCP", "redirected", "the host passes through the proxy"],
      ["n1", "blue/db", "80/TCP", "allowed", "which lets it do everything", post("/admin")],
    ],
  },
  {
    source: `${DOCS}/deny/`,
    policies: cilium(
      `${DB}, ingress: [{ ${http(PUBLIC)} }], ingressDeny: [{ ${FROM_WEB} }]`,
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "a denial needs no proxy"],
    ],
  },
  {
    source: DNS,
    policies: cilium(
      "endpointSelector: {}, egress: [{ toPorts: [{ ports: [{ port: '53', protocol: ANY }], rules: { dns: [{ matchName: cilium.io }, { matchPattern: '*.cilium.io' }] } }] }]",
    ),
    flows: [
      ["blue/db", "8.8.8.8", "53/UDP", "redirected", "a DNS rule sends the flow to a proxy"],
      ["blue/db", "8.8.8.8", "53/TCP", "redirected", "of either protocol"],
      ["blue/db", "8.8.8.8", "53/UDP", "allowed", "a name", query("cilium.io")],
      ["blue/db", "8.8.8.8", "53/UDP", "allowed", "with a dot at its end", query("cilium.io.")],
      ["blue/db", "8.8.8.8", "53/UDP", "allowed", "a pattern", query("sub.cilium.io")],
      [
        "blue/db",
        "8.8.8.8",
        "53/UDP",
        "denied at egress",
        "one label deep",
        query("a.b.cilium.io"),
      ],
      ["blue/db", "8.8.8.8", "53/UDP", "denied at egress", "no other name", query("evil.io")],
    ],
  },
  {
    source: `${L7} ("If the type differs, the policy is rejected")`,
    policies: all(
      cilium(
        "endpointSelector: {}, egress: [{ toPorts: [{ ports: [{ port: '53', protocol: TCP }], rules: { dns: [{ matchName: cilium.io }] } }] }]",
        "a",
      ),
      cilium(
        "endpointSelector: {}, egress: [{ toPorts: [{ ports: [{ port: '53', protocol: TCP }], rules: { http: [{ method: GET }] } }] }]",
        "b",
      ),
    ),
    flows: [
      [
        "blue/db",
        "8.8.8.8",
        "53/TCP",
        "allowed",
        "of two protocols one counts",
        query("cilium.io"),
      ],
      ["blue/db", "8.8.8.8", "53/TCP", "denied at egress", "and the other does not", get("/")],
    ],
  },
  {
    source: SNI,
    policies: sni("cilium.io, '*.cilium.io'"),
    flows: [
      ["blue/db", "8.8.8.8", "443/TCP", "redirected", "server names send the flow to a proxy"],
      ["blue/db", "8.8.8.8", "443/TCP", "allowed", "a name", hello("cilium.io")],
      ["blue/db", "8.8.8.8", "443/TCP", "allowed", "in any case", hello("Cilium.IO")],
      ["blue/db", "8.8.8.8", "443/TCP", "allowed", "one label deep", hello("www.cilium.io")],
      ["blue/db", "8.8.8.8", "443/TCP", "denied at egress", "not two", hello("a.b.cilium.io")],
      ["blue/db", "8.8.8.8", "443/TCP", "denied at egress", "another name", hello("evil.io")],
      ["blue/db", "8.8.8.8", "443/TCP", "denied at egress", "the end of one", hello("xcilium.io")],
      ["blue/db", "8.8.8.8", "443/TCP", "denied at egress", "a client without a name", hello()],
      ["blue/db", "8.8.8.8", "443/TCP", "denied at egress", "a request without TLS", get("/")],
      ["blue/db", "8.8.8.8", "80/TCP", "denied at egress", "other ports are closed"],
    ],
  },
  {
    source: "https://github.com/cilium/cilium/pull/38615",
    policies: sni("'**.cilium.io'"),
    flows: [
      ["blue/db", "8.8.8.8", "443/TCP", "allowed", "two stars: any depth", hello("a.b.cilium.io")],
      ["blue/db", "8.8.8.8", "443/TCP", "allowed", "one label too", hello("a.cilium.io")],
      ["blue/db", "8.8.8.8", "443/TCP", "denied at egress", "not none", hello("cilium.io")],
    ],
  },
  {
    source: `${L7} ("the layer 7 portions of the latter rule will have no effect")`,
    policies: all(
      sni("cilium.io"),
      cilium(`${DB}, egress: [{ toPorts: [{ ports: [{ port: '443' }] }] }]`, "open"),
    ),
    flows: [
      ["blue/db", "8.8.8.8", "443/TCP", "redirected", "beside an L4 rule a name is not needed"],
      ["blue/db", "8.8.8.8", "443/TCP", "allowed", "and any will do", hello("evil.io")],
      ["blue/db", "8.8.8.8", "443/UDP", "allowed", "UDP is not for the proxy of TLS"],
    ],
  },
  {
    source: `${L7} ("If the type differs, the policy is rejected")`,
    policies: all(
      sni("cilium.io"),
      cilium(
        `${DB}, egress: [{ toPorts: [{ ports: [{ port: '443', protocol: TCP }], rules: { http: [{}] } }] }]`,
        "q",
      ),
    ),
    flows: [
      ["blue/db", "8.8.8.8", "443/TCP", "allowed", "TLS or HTTP, not both", hello("cilium.io")],
      ["blue/db", "8.8.8.8", "443/TCP", "denied at egress", "the first by name counts", get("/")],
    ],
  },
  {
    source:
      "https://docs.cilium.io/en/stable/network/servicemesh/mutual-authentication/mutual-authentication/",
    policies: ingress(`${FROM_WEB}, authentication: { mode: required }`),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "asks for authentication", "a rule may ask for proof"],
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "which does not open for others"],
      ["n1", "blue/db", "80/TCP", "allowed", "and which the host does not need"],
    ],
  },
  {
    source: `${CODE}/policy/mapstate.go (authPreferredInsert)`,
    policies: ingress(
      `${FROM_WEB}, authentication: { mode: required }`,
      `${FROM_WEB}, ${TCP80}`,
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "asks for authentication", "a narrower rule inherits it"],
    ],
  },
  {
    source: `${CODE}/policy/mapstate.go (authPreferredInsert)`,
    policies: ingress(
      `${FROM_WEB}, authentication: { mode: required }`,
      `${FROM_WEB}, ${TCP80}, authentication: { mode: disabled }`,
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "unless it says otherwise"],
      ["blue/web", "blue/db", "81/TCP", "asks for authentication", "for its port"],
    ],
  },
]);

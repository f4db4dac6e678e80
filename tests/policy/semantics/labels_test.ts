/** Labels of sources beside pods: blocks, groups of blocks, DNS names and nodes. */
import { all, cilium, clusterwide, DB } from "./_cluster.ts";
import { CODE, DOCS, testVerdicts } from "./_table.ts";

const BLOCKS = `${CODE}/labels/cidr.go (GetCIDRLabels)`;
const AROUND = `${CODE}/labels/labels.go (Label.HasKey)`;
const PARENTS = `${CODE}/ipcache/metadata.go (mergeParentLabels)`;
const NAMESPACES = `${CODE}/k8s/apis/cilium.io/utils/utils.go (getEndpointSelector)`;
const NODES = `${DOCS}/layer3/#node-based`;

/** The database may reach what a selector finds. */
function to(selector: string): string {
  return cilium(`${DB}, egress: [{ toEndpoints: [${selector}] }]`);
}

/** A rule that names blocks, for the web server. */
function naming(blocks: string): string {
  return cilium(
    `endpointSelector: { matchLabels: { app: web } }, egress: [{ toCIDR: [${blocks}] }]`,
    "naming",
  );
}

/** The same for pods that do not exist. */
function namingForNobody(blocks: string): string {
  return naming(blocks).replace("app: web", "app: nobody");
}

const IN_20 = "{ matchLabels: { 'reserved:world-ipv4': '', 'cidr:20.0.0.0/8': '' } }";

testVerdicts([
  {
    source: BLOCKS,
    policies: all(to(IN_20), naming("20.0.0.0/8")),
    flows: [
      ["blue/db", "20.9.0.1", "80/TCP", "allowed", "a block has a label"],
      ["blue/db", "21.0.0.1", "80/TCP", "denied at egress", "which ends where the block does"],
    ],
  },
  {
    source: AROUND,
    policies: all(to(IN_20), naming("20.1.0.0/16, 20.0.0.0/7")),
    flows: [
      ["blue/db", "20.1.0.1", "80/TCP", "allowed", "the label of a block around it is one, too"],
      ["blue/db", "20.2.0.1", "80/TCP", "denied at egress", "that of a block inside is not"],
    ],
  },
  {
    source: PARENTS,
    policies: to(IN_20),
    flows: [
      ["blue/db", "20.1.0.1", "80/TCP", "denied at egress", "what nobody names has no label"],
    ],
  },
  {
    source: PARENTS,
    policies: all(to(IN_20), namingForNobody("20.0.0.0/8")),
    flows: [
      ["blue/db", "20.1.0.1", "80/TCP", "allowed", "whoever names it, if only for nobody"],
    ],
  },
  {
    source: BLOCKS,
    policies: all(
      to("{ matchLabels: { 'reserved:world-ipv6': '', 'cidr:2001-db8--0/32': '' } }"),
      naming("'2001:db8::/32'"),
    ),
    flows: [
      ["blue/db", "2001:db8::7", "80/TCP", "allowed", "in IPv6 a - stands for the colon"],
      ["blue/db", "2001:db9::7", "80/TCP", "denied at egress", "and others are others"],
    ],
  },
  {
    source: BLOCKS,
    policies: all(
      to(
        "{ matchLabels: { 'reserved:world-ipv4': '' }, matchExpressions: [{ key: 'cidr:20.1.0.0/16', operator: DoesNotExist }] }",
      ),
      naming("20.1.0.0/16"),
    ),
    flows: [
      ["blue/db", "20.1.0.1", "80/TCP", "denied at egress", "all of the world but a block"],
      ["blue/db", "20.2.0.1", "80/TCP", "allowed", "is the rest of the world"],
      ["blue/db", "blue/web", "80/TCP", "denied at egress", "and no pod"],
    ],
  },
  {
    source: NAMESPACES,
    policies: all(to("{ matchLabels: { 'cidr:20.0.0.0/8': '' } }"), naming("20.0.0.0/8")),
    flows: [
      ["blue/db", "20.0.0.1", "80/TCP", "denied at egress", "without reserved labels it is pods"],
    ],
  },
  {
    source: NAMESPACES,
    policies: all(
      clusterwide(`${DB}, egress: [{ toEndpoints: [{ matchLabels: { 'cidr:20.0.0.0/8': '' } }] }]`),
      naming("20.0.0.0/8"),
    ),
    flows: [
      ["blue/db", "20.0.0.1", "80/TCP", "denied at egress", "in a clusterwide policy as well"],
    ],
  },
  {
    source: `${CODE}/policy/k8s/cilium_cidr_group.go (applyCIDRGroup)`,
    policies: to("{ matchLabels: { 'reserved:world-ipv4': '', 'cidrgroup:kind': office } }"),
    flows: [
      ["blue/db", "20.1.0.1", "80/TCP", "allowed", "a group's labels are those of its addresses"],
      ["blue/db", "20.2.0.1", "80/TCP", "denied at egress", "another group has other labels"],
      ["blue/db", "20.3.0.1", "80/TCP", "denied at egress", "and what is in none has none"],
      ["blue/db", "2001:db8::7", "80/TCP", "denied at egress", "all parts must hold"],
    ],
  },
  {
    source: `${CODE}/policy/api/cidr.go (LabelForCIDRGroupRef)`,
    policies: to(
      "{ matchLabels: { 'reserved:world-ipv4': '', 'cidrgroup:io.cilium.policy.cidrgroupname/shops': '' } }",
    ),
    flows: [
      ["blue/db", "20.2.0.1", "80/TCP", "allowed", "a group's name is a label"],
      ["blue/db", "20.1.0.1", "80/TCP", "denied at egress", "of its own addresses"],
    ],
  },
  {
    source: PARENTS,
    policies: all(
      to("{ matchLabels: { 'reserved:world-ipv4': '', 'cidrgroup:kind': office } }"),
      naming("20.1.2.0/24"),
    ),
    flows: [
      ["blue/db", "20.1.2.1", "80/TCP", "allowed", "a block inside inherits the group's labels"],
    ],
  },
  {
    source: `${CODE}/policy/api/fqdn.go (FQDNSelector.IdentityLabel)`,
    policies: all(
      to("{ matchLabels: { 'reserved:world-ipv4': '', 'fqdn:example.com': '' } }"),
      cilium(
        "endpointSelector: { matchLabels: { app: nobody } }, egress: [{ toFQDNs: [{ matchName: Example.com }] }]",
        "naming",
      ),
    ),
    flows: [
      ["blue/db", "40.0.0.1", "80/TCP", "allowed", "a DNS name that a rule names is a label"],
      ["blue/db", "40.0.0.2", "80/TCP", "denied at egress", "of what it led to"],
    ],
  },
  {
    source: `${CODE}/policy/api/fqdn.go (FQDNSelector.IdentityLabel)`,
    policies: to("{ matchLabels: { 'reserved:world-ipv4': '', 'fqdn:example.com': '' } }"),
    flows: [
      ["blue/db", "40.0.0.1", "80/TCP", "denied at egress", "a name that no rule names is none"],
    ],
  },
  {
    source: NODES,
    policies: to("{ matchLabels: { 'reserved:remote-node': '', 'node:role': worker } }"),
    flows: [
      ["blue/db", "n3", "80/TCP", "allowed", "nodes have their labels"],
      ["blue/db", "n2", "80/TCP", "denied at egress", "each its own"],
      ["blue/db", "n1", "80/TCP", "denied at egress", "and the host is no remote node"],
    ],
  },
  {
    source: NODES,
    policies: to("{ matchLabels: { 'node:role': worker } }"),
    flows: [
      ["blue/db", "n3", "80/TCP", "denied at egress", "nodes are in no namespace"],
    ],
  },
  {
    source: `${DOCS}/layer3/#selecting-nodes-with-cidr-ipblock`,
    policies: to("{ matchLabels: { 'reserved:remote-node': '', 'cidr:10.0.0.0/30': '' } }"),
    settings: { cidrMatchMode: ["nodes"] },
    flows: [
      ["blue/db", "n2", "80/TCP", "allowed", "where blocks are for nodes, nodes have such labels"],
    ],
  },
  {
    source: `${DOCS}/layer3/#selecting-nodes-with-cidr-ipblock`,
    policies: to("{ matchLabels: { 'reserved:remote-node': '', 'cidr:10.0.0.0/30': '' } }"),
    flows: [
      ["blue/db", "n2", "80/TCP", "denied at egress", "elsewhere they have none"],
    ],
  },
]);

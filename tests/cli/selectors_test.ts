import { SHOP } from "./_clusters.ts";
import { type CommandRow, commandTests } from "./_command.ts";

const ROWS: readonly CommandRow[] = [
  {
    description: "each selector once, with its rules and what it selects",
    args: ["-f", "DIR/shop.yaml", "DIR/more.yaml"],
    files: {
      "shop.yaml": SHOP,
      // The same selectors as those of the shop, written otherwise; and one for nobody.
      "more.yaml": `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: db2, namespace: shop }
spec:
  endpointSelector: { matchLabels: { "any:app": db } }
  ingress:
    - fromEndpoints:
        - matchExpressions: [{ key: app, operator: In, values: [api] }]
        - matchLabels: { app: nobody }
`,
    },
    stdout: [
      "SELECTOR                                     RULES                                                                          SELECTS",
      "app=api, cluster=default, namespace=shop     shop/db ingress[0], shop/web egress[0], shop/db2 ingress[0]                    shop: app=api",
      "app=db, namespace=shop                       shop/db ingress[0] (for), shop/db ingress[1] (for), shop/db2 ingress[0] (for)  shop: app=db",
      "app=monitor, cluster=default, namespace=ops  shop/db ingress[1]                                                             ops: app=monitor",
      "app=nobody, cluster=default, namespace=shop  shop/db2 ingress[0]                                                            nothing",
      "app=web, namespace=shop                      shop/web egress[0] (for)                                                       shop: app=web",
    ],
    code: 0,
  },
];

commandTests("selectors", ROWS);

import { SHOP } from "./_clusters.ts";
import { type CommandRow, commandTests } from "./_command.ts";

const ROWS: readonly CommandRow[] = [
  {
    description: "list shows reserved identities and those of pods",
    args: ["list", "-f", "DIR/shop.yaml"],
    files: { "shop.yaml": SHOP },
    stdout: [
      "IDENTITY  SLOT  LABELS                      WHO",
      "1         1     host",
      "2         2     world",
      "3         3     unmanaged",
      "4         4     health",
      "5         5     init",
      "6         6     remote-node",
      "7         7     kube-apiserver remote-node",
      "8         8     ingress",
      "9         9     0.0.0.0/0 world-ipv4",
      "10        10    ::/0 world-ipv6",
      "256       256   shop: app=web               shop/web",
      "257       257   shop: app=api               shop/api",
      "258       258   shop: app=db                shop/db",
      "259       259   ops: app=monitor            ops/monitor",
    ],
    code: 0,
  },
  {
    description: "no subcommand is bad use",
    args: ["lst"],
    stderr: ["error: unknown command 'lst'", "(Did you mean list?)"],
    code: 2,
  },
];

commandTests("identity", ROWS);

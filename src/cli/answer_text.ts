import type { Answer, SideAnswer } from "../explain/answer.ts";

/** JSON of the sides of answers. Twins give out few different ones, so each is written once. */
const texts = new WeakMap<SideAnswer, string>();

/** Returns `{"verdict","reason","rules":[{kind,namespace,name,direction,index}]}`. */
export function sideJson(side: SideAnswer): string {
  let text = texts.get(side);
  if (text === undefined) {
    const { verdict, reason } = side;
    const rules = side.rules.map(({ kind, namespace, name, direction, index }) => ({
      kind,
      namespace,
      name,
      direction,
      index,
    }));
    texts.set(side, text = JSON.stringify({ verdict, reason, rules }));
  }
  return text;
}

/** Returns `"verdict":…,"egress":…,"ingress":…`, to be put between braces. */
export function answerFields({ verdict, egress, ingress }: Answer): string {
  return `"verdict":"${verdict}","egress":${sideJson(egress)},"ingress":${sideJson(ingress)}`;
}

/**
 * Regular expressions of HTTP rules. Cilium hands them to RE2, which has neither
 * backreferences nor look-around and so takes linear time; JavaScript has both, spells
 * some things otherwise, and lacks others. What cannot be said in both is refused here,
 * so that an expression never means one thing to Cilium and another to Twinpath.
 *
 * @module
 */

/** POSIX classes by name, as JavaScript class content. */
const POSIX: ReadonlyMap<string, string> = new Map([
  ["alnum", "0-9A-Za-z"],
  ["alpha", "A-Za-z"],
  ["blank", "\\t "],
  ["digit", "0-9"],
  ["lower", "a-z"],
  ["punct", "!-\\/:-@\\[-`{-~"],
  ["space", "\\t-\\r "],
  ["upper", "A-Z"],
  ["word", "0-9A-Za-z_"],
  ["xdigit", "0-9A-Fa-f"],
]);

/** Classes and assertions of one letter that mean the same in both. */
const SAME_ESCAPES = "bBdDfnrtwW";

/** RE2's white space is ASCII without vertical tab; JavaScript's is that of Unicode. */
const SPACE = "\\t\\n\\f\\r ";

/** RE2 refuses a repetition of more. */
const MAX_REPEAT = 1000;

/**
 * Translates an expression of an HTTP rule into JavaScript's form.
 *
 * It has to match the whole text: that is how Envoy applies RE2 to `:path`, `:method` and
 * `:authority`.
 *
 * @throws {SyntaxError} for what RE2 does not accept, or JavaScript cannot say. The
 *   message is the state alone: `has a backreference (\1)`.
 */
export function parseHttpRegex(text: string): RegExp {
  const { flags, rest } = leadingFlags(text);
  const source = new Translator(rest).translate();
  try {
    return new RegExp(`^(?:${source})$`, `u${flags}`);
  } catch (cause) {
    const [, reason = "is not a regular expression"] = /: ([^:]*)$/.exec(String(cause)) ?? [];
    throw new SyntaxError(`is no regular expression (${reason.toLowerCase()})`, { cause });
  }
}

/** RE2 takes flags for the whole expression at its start, `(?i)`. */
function leadingFlags(text: string): { flags: string; rest: string } {
  const match = /^\(\?([a-zA-Z]+)\)/.exec(text);
  const [whole = "", flags = ""] = match ?? [];
  if (/[^is]/.test(flags)) throw new SyntaxError(`has the flags ${whole}`);
  return { flags: [...new Set(flags)].join(""), rest: text.slice(whole.length) };
}

class Translator {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  translate(): string {
    let out = "";
    while (this.#at < this.#text.length) out += this.#element();
    return out;
  }

  #element(): string {
    const char = this.#text[this.#at] ?? "";
    if (char === "\\") return this.#escape(false);
    if (char === "[") return this.#class();
    if (char === "(") return this.#group();
    if (char === "{") return this.#repeat();
    this.#at++;
    // RE2 takes these for themselves where they close nothing.
    return char === "]" || char === "}" ? `\\${char}` : char;
  }

  #group(): string {
    const rest = this.#text.slice(this.#at);
    if (!rest.startsWith("(?")) return this.#take("(");
    if (rest.startsWith("(?:")) return this.#take("(?:");
    const named = /^\(\?P?<([A-Za-z_][A-Za-z0-9_]*)>/.exec(rest);
    if (named === null) throw new SyntaxError(`has ${rest.slice(0, 4)}…, which RE2 does not know`);
    this.#at += named[0].length;
    return "(";
  }

  /** A brace that is no repetition stands for itself. */
  #repeat(): string {
    const match = /^\{(\d+)(,(\d*))?\}/.exec(this.#text.slice(this.#at));
    if (match === null) return this.#take("{", "\\{");
    if (Number(match[1]) > MAX_REPEAT || Number(match[3] ?? 0) > MAX_REPEAT) {
      throw new SyntaxError(`has the repetition ${match[0]}, more than ${MAX_REPEAT}`);
    }
    return this.#take(match[0]);
  }

  #class(): string {
    let out = this.#take("[");
    if (this.#text[this.#at] === "^") out += this.#take("^");
    // The first "]" of a class stands for itself.
    if (this.#text[this.#at] === "]") out += this.#take("]", "\\]");
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? "";
      if (char === "]") return out + this.#take("]");
      out += this.#classElement(char);
    }
    throw new SyntaxError("has a class without end ([)");
  }

  #classElement(char: string): string {
    if (char === "\\") return this.#escape(true);
    if (char !== "[") return this.#take(char);
    const posix = /^\[:(\^?)([a-z]*):\]/.exec(this.#text.slice(this.#at));
    if (posix === null) return this.#take("[", "\\[");
    const content = POSIX.get(posix[2] ?? "");
    if (content === undefined || posix[1] === "^") {
      throw new SyntaxError(`has the class ${posix[0]}`);
    }
    return this.#take(posix[0], content);
  }

  #escape(inClass: boolean): string {
    const char = this.#text[this.#at + 1];
    if (char === undefined) throw new SyntaxError("ends in a backslash");
    const escape = `\\${char}`;
    if (char >= "1" && char <= "9") throw new SyntaxError(`has a backreference (${escape})`);
    if (char === "s") return this.#take(escape, inClass ? SPACE : `[${SPACE}]`);
    if (char === "S" && !inClass) return this.#take(escape, `[^${SPACE}]`);
    if (char === "A" && !inClass) return this.#take(escape, "^");
    if (char === "z" && !inClass) return this.#take(escape, "$");
    if (SAME_ESCAPES.includes(char) && !(inClass && "bB".includes(char))) {
      return this.#take(escape);
    }
    const hex = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(this.#text.slice(this.#at));
    if (hex !== null) return this.#take(hex[0], `\\u{${hex[1] ?? hex[2]}}`);
    if (/[0-9A-Za-z]/.test(char)) throw new SyntaxError(`has the escape ${escape}`);
    // RE2 lets any punctuation be escaped, JavaScript only that which needs it.
    const needed = "^$\\.*+?()[]{}|/".includes(char) || (inClass && char === "-");
    return this.#take(escape, needed ? escape : char);
  }

  #take(text: string, translated = text): string {
    this.#at += text.length;
    return translated;
  }
}

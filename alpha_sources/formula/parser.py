"""From tokens to a tree, by precedence climbing. Nothing is looked up and nothing is executed."""

from __future__ import annotations

from dataclasses import dataclass

from alpha_sources.formula.errors import FormulaError, shown
from alpha_sources.formula.limits import MAX_CONSTANT, MAX_DEPTH, MAX_NESTING, MAX_NODES
from alpha_sources.formula.syntax import Call, Expression, Name, Number
from alpha_sources.formula.tokens import Token, TokenKind, tokenize


@dataclass(frozen=True, slots=True)
class Grammar:
    """What of the grammar differs between dialects.

    Parameters
    ----------
    caret : bool
        ``x ^ y`` is a power.
    single_equals : bool
        ``x = y`` compares.
    pointwise : bool
        ``x ./ y`` and ``x .* y`` divide and multiply.
    attributes : tuple of str
        The only spellings with a point, such as ``indclass.industry``; they become the part behind it.
    """

    caret: bool = True
    single_equals: bool = False
    pointwise: bool = False
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tree, and what was read otherwise than written."""

    tree: Expression
    notes: tuple[str, ...]


#: Symbols between two operands: how tightly they bind, and the operator they stand for.
_INFIX = {
    "||": (2, "logical_or"), "|": (2, "logical_or"), "or": (2, "logical_or"),
    "&&": (3, "logical_and"), "&": (3, "logical_and"), "and": (3, "logical_and"),
    "<": (5, "lt"), "<=": (5, "le"), ">": (5, "gt"), ">=": (5, "ge"), "==": (5, "eq"), "=": (5, "eq"),
    "!=": (5, "ne"), "<>": (5, "ne"),
    "+": (6, "add"), "-": (6, "sub"),
    "*": (7, "mul"), "/": (7, "div"), ".*": (7, "mul"), "./": (7, "div"),
    "**": (9, "power"), "^": (9, "power"),
}  # fmt: skip
_CHOICE, _NOT, _COMPARISON, _SIGN, _POWER = 1, 4, 5, 8, 9
#: Symbols before an operand; a plus sign changes nothing.
_PREFIX = {"-": (_SIGN, "neg"), "+": (_SIGN, ""), "!": (_SIGN, "logical_not"), "not": (_NOT, "logical_not")}
_WORDS = frozenset({"and", "or", "not"})


def read(text: str, grammar: Grammar) -> Parsed:
    """Read a formula into a tree.

    Raises
    ------
    FormulaError
        At the first token that does not fit, or where a limit is passed.
    """
    tokens = tokenize(text)
    reader = _Reader(text, tokens.items, grammar)
    tree = reader.expression(0)
    reader.finish()
    return Parsed(tree, tokens.notes)


class _Reader:
    """A place in the tokens; every method moves it forward."""

    def __init__(self, text: str, tokens: tuple[Token, ...], grammar: Grammar) -> None:
        self.text = text
        self.tokens = tokens
        self.grammar = grammar
        self.at = 0
        self.nesting = 0
        self.nodes = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def next(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def sees(self, *texts: str) -> bool:
        return self.here.kind is not TokenKind.NUMBER and self.here.text in texts

    def expression(self, least: int) -> Expression:
        """Operands joined by symbols that bind at least so tightly."""
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.error(
                f"more than {MAX_NESTING} brackets or signs inside one another", "write it flatter"
            )
        left = self.operand()
        while True:
            token = self.here
            if self.sees("?") and least <= _CHOICE:
                left = self.choice(left)
                continue
            binding, operator = self.infix(token)
            if binding < least or not operator:
                break
            self.next()
            # a power takes its right side whole, the others their left
            right = self.expression(binding if binding == _POWER else binding + 1)
            left = self.made(Call(operator, (left, right), token.position, token.text))
            if binding == _COMPARISON and self.infix(self.here)[0] == _COMPARISON:
                raise self.error("comparisons cannot be chained", "write a < b && b < c")
        self.nesting -= 1
        return left

    def infix(self, token: Token) -> tuple[int, str]:
        if token.kind is TokenKind.NUMBER or token.text not in _INFIX:
            return -1, ""
        if token.text == "=" and not self.grammar.single_equals:
            raise self.error("a single = compares nothing", "write == to compare; values have no names")
        if token.text == "^" and not self.grammar.caret:
            raise self.error("this dialect has no ^", "write Power(x, a)")
        if token.text in ("./", ".*") and not self.grammar.pointwise:
            raise self.error(f"this dialect has no {token.text}", f"write {token.text[1]}")
        return _INFIX[token.text]

    def choice(self, condition: Expression) -> Expression:
        token = self.next()
        yes = self.expression(_CHOICE)
        if not self.sees(":"):
            raise self.error(f"a : is due here, found {shown(self.here.written or self.here.text)}",
                             "a choice is written condition ? x : y")  # fmt: skip
        self.next()
        no = self.expression(_CHOICE)
        return self.made(Call("where", (condition, yes, no), token.position, "?"))

    def operand(self) -> Expression:
        token = self.here
        if token.kind is TokenKind.NUMBER:
            return self.number(self.next())
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        called = following.kind is TokenKind.SYMBOL and following.text == "("
        if token.text in _PREFIX and not (token.text in _WORDS and called):
            self.next()
            binding, operator = _PREFIX[token.text]
            inner = self.expression(binding)
            return self.made(Call(operator, (inner,), token.position, token.text)) if operator else inner
        if token.kind is TokenKind.NAME and (called or token.text not in _WORDS):
            return self.named(self.next(), called)
        if self.sees("("):
            self.next()
            inner = self.expression(0)
            self.close(token)
            self.nothing_called()
            return inner
        if token.kind is TokenKind.END:
            raise self.error("the formula ends where a value is due", "complete or shorten it")
        hint = {")": "brackets do not match, or are empty", ".": "write 0.5, and no attributes"}
        raise self.error(f"a value is due here, found {shown(token.text)}", hint.get(token.text, ""))

    def number(self, token: Token) -> Expression:
        value = float(token.text)
        if value > MAX_CONSTANT:
            raise FormulaError(f"a constant above {MAX_CONSTANT:g}", self.text, token.position, "rescale")
        self.nothing_called()
        return self.made(Number(value, token.text.isdigit(), token.position))

    def named(self, name: Token, called: bool) -> Expression:
        if called:
            bracket = self.next()
            args = self.arguments(bracket)
            self.nothing_called()
            return self.made(Call(name.text, args, name.position))
        if self.sees("."):
            return self.attribute(name)
        return self.made(Name(name.text, name.written, name.position))

    def attribute(self, name: Token) -> Expression:
        point = self.next()
        spelled = f"{name.text}.{self.here.text}"
        if self.here.kind is TokenKind.NAME and spelled in self.grammar.attributes:
            self.next()
            return self.made(Name(spelled, spelled, name.position))
        raise FormulaError(
            "values have no attributes", self.text, point.position, "use operators such as delay(x, n)"
        )

    def arguments(self, bracket: Token) -> tuple[Expression, ...]:
        args: list[Expression] = []
        if self.sees(")"):
            self.next()
            return ()
        while True:
            args.append(self.expression(0))
            if self.sees(","):
                self.next()
                continue
            self.close(bracket)
            return tuple(args)

    def close(self, bracket: Token) -> None:
        if self.sees(")"):
            self.next()
            return
        if self.here.kind is TokenKind.END:
            raise FormulaError("this bracket is never closed", self.text, bracket.position, "add )")
        self.unfit()

    def nothing_called(self) -> None:
        """Refuse ``f(x)(y)``, ``2(x)`` and ``f(x).y``."""
        if self.sees("("):
            raise self.error(
                "only operators can be called, by their name", "put an operator between, such as *"
            )
        if self.sees("."):
            raise self.error("values have no attributes", "use operators such as delay(x, n)")

    def finish(self) -> None:
        if self.here.kind is not TokenKind.END:
            self.unfit()

    def unfit(self) -> None:
        token = self.here
        hints = {
            ")": "there is no ( for this )",
            ",": "a formula is one expression",
            ":": "there is no ? for this :",
        }
        hint = hints.get(token.text, "an operator is missing before it")
        raise self.error(f"{shown(token.written or token.text)} does not fit here", hint)

    def made(self, node: Expression) -> Expression:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.error(
                f"more than {MAX_NODES:,} operations, names and numbers", "split it into several"
            )
        if node.depth > MAX_DEPTH:
            raise self.error(
                f"more than {MAX_DEPTH} operations inside one another", "group the terms in brackets"
            )
        return node

    def error(self, reason: str, hint: str = "") -> FormulaError:
        return FormulaError(reason, self.text, self.here.position, hint)

//! What an expression comes to, as far as that can be told without running it.

use cel::common::ast::{Expr, LiteralValue, operators};
use cel::parser::Expression;

/// The name of a type that is not boolean; `None` for what is, or may be.
pub(super) fn not_boolean(expression: &Expression) -> Option<&'static str> {
    match &expression.expr {
        Expr::Literal(literal) => match literal {
            LiteralValue::Boolean(_) => None,
            LiteralValue::Bytes(_) => Some("bytes"),
            LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Some("a number"),
            LiteralValue::Null => Some("null"),
            LiteralValue::String(_) => Some("a text"),
        },
        Expr::List(_) => Some("a list"),
        Expr::Map(_) => Some("a map"),
        Expr::Ident(name) => match name.as_str() {
            "action" | "target" => Some("a text"),
            "flow" => Some("a list"),
            "object" | "before" => Some("a map"),
            _ => None,
        },
        Expr::Comprehension(comprehension) => {
            if matches!(comprehension.accu_init.expr, Expr::List(_)) {
                Some("a list")
            } else {
                None
            }
        }
        Expr::Call(call) => match call.func_name.as_str() {
            operators::CONDITIONAL => {
                let [_, yes, no] = call.args.as_slice() else { return None };
                not_boolean(yes).or_else(|| not_boolean(no))
            }
            operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO
            | operators::NEGATE => Some("a number, text or list"),
            "size" | "int" | "uint" | "double" => Some("a number"),
            "string" => Some("a text"),
            "bytes" => Some("bytes"),
            "type" => Some("a type"),
            _ => None,
        },
        // A field may hold anything, and the rest is refused elsewhere.
        Expr::Select(_) | Expr::Struct(_) | Expr::Unspecified => None,
    }
}
